"""The conditions of a run, one idea per file."""
