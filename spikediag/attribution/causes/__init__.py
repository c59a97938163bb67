"""The causes, one file each."""
