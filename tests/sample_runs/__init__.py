"""Tests of the sample runs and their laboratory."""
