"""The monitor as each framework wants to be given it, a file for each."""
