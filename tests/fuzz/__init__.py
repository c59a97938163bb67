"""Hostile and broken input by the thousand: `python -m tests.fuzz --help`."""
