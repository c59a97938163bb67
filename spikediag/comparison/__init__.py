"""Two sides of diagnosed trainings: did the remedy work?"""

from spikediag.comparison.compare import compare
from spikediag.comparison.outputs import (
    PAGE,
    SCHEMA,
    UNIT_NAMES,
    artifacts,
    picture,
    plain,
    rows,
    table,
    to_dict,
    to_json,
    to_markdown,
)
from spikediag.comparison.sides import Group, refuse_unknown
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
    "UNIT_NAMES",
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
    "refuse_unknown",
    "rows",
    "table",
    "to_dict",
    "to_json",
    "to_markdown",
]
