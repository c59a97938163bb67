"""Two sides of diagnosed trainings: did the remedy work?"""

from spikediag.comparison.artifacts import PAGE, artifacts
from spikediag.comparison.figure import picture
from spikediag.comparison.judge import compare
from spikediag.comparison.markdown import table, to_markdown
from spikediag.comparison.report import SCHEMA, plain, to_dict
from spikediag.comparison.sides import Group
from spikediag.comparison.values import Change, Comparison, Cost, Outcome, Setting, Side

__all__ = [
    "PAGE",
    "SCHEMA",
    "Change",
    "Comparison",
    "Cost",
    "Group",
    "Outcome",
    "Setting",
    "Side",
    "artifacts",
    "compare",
    "picture",
    "plain",
    "table",
    "to_dict",
    "to_markdown",
]
