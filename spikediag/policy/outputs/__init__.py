"""One check, as the files that CI systems read: each module turns a CheckResult into text, and no more."""
