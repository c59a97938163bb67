"""spikediag: why did my loss jump?

import spikediag
diagnosis = spikediag.diagnose("runs/bc")
print(diagnosis.to_markdown())
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikediag.api import Comparison, Diagnosis, Run, compare, diagnose, read_run, scan
    from spikediag.live import Monitor

__all__ = ["Comparison", "Diagnosis", "Monitor", "Run", "compare", "diagnose", "read_run", "scan"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  # the API loads when first used, so that the command line starts at once
    if name in __all__:
        home = "spikediag.live" if name == "Monitor" else "spikediag.api"
        return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module 'spikediag' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
