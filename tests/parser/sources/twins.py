"""One training written twice: as an event file, and as what another logger leaves.

Both must be understood alike. Event files keep 32 bits, so every number here is one of 32 bits.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikediag import diagnose
from tests.parser.writing import START, scalar, write

Curves = Mapping[str, Mapping[int, float]]  # by tag, by step
N = 400
SOURCES = ("path", "name", "sessions", "damage", "files", "notes", "rewinds")  # of a run in JSON: whose file


def training(*tags: str, every: int = 10, seed: int = 0) -> dict[str, dict[int, float]]:
    """Curves with a jump of the first tag and a few values that are no numbers in the last."""
    rng = np.random.default_rng(seed)
    found = {}
    for k, tag in enumerate(tags):
        values = np.linspace(3 - k, 1 - k, N) + 0.05 * rng.normal(size=N)
        if not k:
            values[250:254] += 6.0
        found[tag] = dict(
            zip(range(every, every * (N + 1), every), values.astype(np.float32).tolist(), strict=True)
        )
    return found


def as_events(folder: Path, curves: Curves) -> Path:
    """The event file of the training."""
    steps = sorted({step for curve in curves.values() for step in curve})
    write(
        folder,
        [
            scalar(tag, step, curve[step], START + step)
            for step in steps
            for tag, curve in curves.items()
            if step in curve
        ],
    )
    return folder


def rows(curves: Curves) -> list[tuple[int, dict[str, float]]]:
    """The curves step by step."""
    steps = sorted({step for curve in curves.values() for step in curve})
    return [(s, {tag: curve[s] for tag, curve in curves.items() if s in curve}) for s in steps]


def told(path: Path, source: str | None = None) -> dict[str, Any]:
    """A diagnosis in JSON without what says whose file it was."""
    document = diagnose(path, source=source).to_dict()
    for key in SOURCES:
        document["run"].pop(key, None)
    for fact in document["run"]["facts"].values():
        fact.pop("source", None)
    return json.loads(json.dumps(document).replace(json.dumps(str(path))[1:-1], "RUN"))
