"""Many runs at once: a row for each, and what goes with spiking across them.

`scan` hands the runs out, `row` says what is kept of each, `hypotheses` what goes with spiking across them,
`result` holds both and writes tables, `page` the web page and the figure.
"""

from spikediag.sweep.hypotheses import HEADS, TITLE, Across, Hypothesis, cells
from spikediag.sweep.page import PAGE, artifacts
from spikediag.sweep.result import SCHEMA, Sweep, shortened, to_json
from spikediag.sweep.row import COLUMNS, ORDER, TELLING, Row, RowColumn
from spikediag.sweep.scan import ScanBrokenError, ScanProgress, scan

__all__ = [
    "COLUMNS",
    "HEADS",
    "ORDER",
    "PAGE",
    "SCHEMA",
    "TELLING",
    "TITLE",
    "Across",
    "Hypothesis",
    "Row",
    "RowColumn",
    "ScanBrokenError",
    "ScanProgress",
    "Sweep",
    "artifacts",
    "cells",
    "scan",
    "shortened",
    "to_json",
]
