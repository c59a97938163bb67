"""What is fuzzed: a function each, that takes a source of chance and fails on a fault."""

import json
import random
from collections.abc import Callable

from spikediag import Run, diagnose
from spikediag.errors import SpikediagError
from tests.fuzz import curves

TARGETS: dict[str, Callable[[random.Random], None]] = {}


def target(function: Callable[[random.Random], None]) -> Callable[[random.Random], None]:
    TARGETS[function.__name__] = function
    return function


@target
def diagnoses(rng: random.Random) -> None:
    """A whole diagnosis of extreme arrays, and everything said of it."""
    try:
        diagnosis = diagnose(Run.from_arrays(curves.arrays(rng), **curves.facts(rng)))
    except SpikediagError:
        return
    json.dumps(diagnosis.to_dict(), allow_nan=False)
    diagnosis.to_markdown(rng.choice(("en", "zh")))
    if rng.random() < 0.02:
        from spikediag import reporter

        reporter.render(diagnosis, ("md", "png", "html"), "en")
