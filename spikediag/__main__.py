"""`python -m spikediag`."""

from spikediag.cli import main

main()
