"""Two sides of diagnosed trainings: did the remedy work?"""

from spikediag.comparison.compare import compare
from spikediag.comparison.outputs import (
    PAGE,
    SCHEMA,
    artifacts,
    picture,
    plain,
    rows,
    table,
    to_dict,
    to_json,
    to_markdown,
)
from spikediag.comparison.sides import UNITS, Group
from spikediag.comparison.values import (
    COSTS,
    EFFECTS,
    Change,
    Comparison,
    Cost,
    Difference,
    Effect,
    Side,
)

__all__ = [
    "COSTS",
    "EFFECTS",
    "PAGE",
    "SCHEMA",
    "UNITS",
    "Change",
    "Comparison",
    "Cost",
    "Difference",
    "Effect",
    "Group",
    "Side",
    "artifacts",
    "compare",
    "picture",
    "plain",
    "rows",
    "table",
    "to_dict",
    "to_json",
    "to_markdown",
]
