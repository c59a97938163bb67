"""Two sides of diagnosed trainings: did the remedy work?"""

from spikediag.comparison.compare import compare
from spikediag.comparison.outputs import (
    PAGE,
    SCHEMA,
    UNIT_NAMES,
    artifacts,
    comparison_picture,
    figure_rows,
    sides_table,
    to_dict,
    to_json,
    to_markdown,
)
from spikediag.comparison.sides import Group, refuse_unknown_unit
from spikediag.comparison.values import (
    COSTS,
    EFFECTS,
    Comparison,
    Cost,
    Difference,
    LevelChange,
    Side,
    SpikeEffect,
)

__all__ = [
    "COSTS",
    "EFFECTS",
    "PAGE",
    "SCHEMA",
    "UNIT_NAMES",
    "Comparison",
    "Cost",
    "Difference",
    "Group",
    "LevelChange",
    "Side",
    "SpikeEffect",
    "artifacts",
    "compare",
    "comparison_picture",
    "figure_rows",
    "refuse_unknown_unit",
    "sides_table",
    "to_dict",
    "to_json",
    "to_markdown",
]
