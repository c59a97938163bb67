"""Pure functions on plain arrays: scales, contrasts, tails, equivalence, likelihood algebra, sampling."""
