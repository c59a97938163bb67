"""While it trains: what is kept of the last updates, and the files that a training goes on writing."""
