"""One report format in each module; a new one is a new file here."""
