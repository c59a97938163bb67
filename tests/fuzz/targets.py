"""What is fuzzed: a function each, that takes a source of chance and fails on a fault."""

import json
import random
from collections.abc import Callable

from spikediag import Run, diagnose
from spikediag.errors import SpikediagError
from tests.fuzz import attacks, curves, outputs
from tests.reporter import builders

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


@target
def injections(rng: random.Random) -> None:
    """A report and a check in which every string attacks its reader."""
    strings = tuple(f"{n}{attacks.attack(rng)}" if n % 2 else f"{attacks.attack(rng)}{n}" for n in range(9))
    strings = tuple(s.replace("\ud800", "\udc80") if n == 2 else s for n, s in enumerate(strings))  # a path
    diagnosis = builders.hostile(strings)
    for hostile in strings:
        outputs.name(hostile)
    outputs.report(diagnosis, rng.choice(("en", "zh")))
    if rng.random() < 0.05:
        outputs.page(diagnosis.to_html())
    outputs.check(diagnosis, strings[0])
