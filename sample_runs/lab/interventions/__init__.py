"""Interventions: the one thing that is changed in a training, one file each."""
