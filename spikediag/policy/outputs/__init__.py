"""One check, as the files that CI systems read: each module turns a Gate into text, and does nothing else."""
