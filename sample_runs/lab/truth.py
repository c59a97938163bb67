"""Truth: what a diagnosis of a sample run must say, known because the laboratory caused it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from spikediag.attribution import registry
from spikediag.model import CouplingVerdict, Kind

CAUSES = tuple(registry.load())
KINDS = tuple(kind.value for kind in Kind)
COUPLINGS = tuple(verdict.value for verdict in CouplingVerdict)

Ids = str | tuple[str, ...] | None  # more than one: each of them is right; None: nothing must be found


@dataclass(frozen=True)
class Truth:
    """The intervention and what must be found because of it.

    Attributes:
        intervention: One sentence: what was changed.
        why: One sentence: why the expected answer is right.
        step: Where it was changed, None if from the first step on.
        kind: One of `KINDS`, several if each is right, None if nothing must be found.
        coupling: One of `COUPLINGS`, several, or None.
        primary_cause: One of `CAUSES`, several, or None.
        scored: False where no single intervention defines the truth.
        step_unit: What the x-axis counts.
    """

    intervention: str
    why: str
    step: int | None = None
    kind: Ids = None
    coupling: Ids = None
    primary_cause: Ids = None
    scored: bool = True
    step_unit: str = "updates"

    def __post_init__(self) -> None:
        allowed = {"kind": KINDS, "coupling": COUPLINGS, "primary_cause": CAUSES}
        for key, names in allowed.items():
            unknown = set(ids(getattr(self, key))) - set(names)
            if unknown:
                raise ValueError(f"{key}: {sorted(unknown)} is none of {', '.join(names)}")

    def write(self, path: Path, name: str) -> None:
        """Write the truth about the run `name` as JSON."""
        path.write_text(json.dumps({"name": name, **asdict(self)}, indent=2) + "\n", encoding="utf-8")


def ids(value: Ids) -> tuple[str, ...]:
    """One id, several or none, as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
