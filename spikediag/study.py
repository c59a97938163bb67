"""The measured study: what one change at a time did to the spikes of one training, three seeds each.

The laboratory of sample_runs writes `study.csv`. Reports, `compare` and the tables of README and docs quote
it from here and nowhere else. One architecture and one task: an order to try things in, not a law.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from statistics import median

from spikediag.model import Text, say
from spikediag.stats.rates import Counts, Ratio, holm, largest_dispersion, rate_ratio
from spikediag.wording.writer import verbatim

FILE = Path(__file__).with_name("study.csv")
SURE = 0.05  # of one false verdict in the whole table
COLUMNS = "spikes in three trainings | rate ratio (95 %) | largest jump | final loss | final error | verdict"


@dataclass(frozen=True)
class Row:
    """One training.

    Attributes:
        spikes: Distinct spikes in 20,000 updates.
        largest: The largest jump, nats.
        noise: Robust sigma of the logged loss between spikes, nats.
        loss: Median of the last tenth, nats.
        mse: Median of the last tenth.
        log_std_min: Median of the last tenth.
    """

    setting: str
    seed: int
    dataset_size: int
    batch_size: int
    spikes: int
    largest: float
    noise: float
    loss: float
    mse: float
    log_std_min: float


class Remedy(StrEnum):
    """Every setting that is a remedy, by its name in the study."""

    NONE = "reference"
    FLOOR = "sigma floor 0.05"
    CLIP = "gradient norm clipped at 1"
    BETA2 = "beta2 0.95"
    SMALLEST_BATCH = "batch 32"
    SMALL_BATCH = "batch 64"
    DECAY = "cosine decay to 0"
    HALF_BATCH = "batch 128"
    WEIGHTED = "weighted sampling"
    MORE_SAMPLES = "5 trajectories"


def read(path: Path = FILE) -> list[Row]:
    """The trainings of a file; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Row(**{name: kind(line[name]) for name, kind in Row.__annotations__.items()})
            for line in csv.DictReader(file)
        ]


@cache
def trainings(setting: str) -> tuple[Row, ...]:
    """The trainings of one setting, by seed."""
    return tuple(row for row in read() if row.setting == setting)


@cache
def dispersion() -> float:
    """How much more than chance the counts of seeds may vary: the upper 95 % bound over all settings."""
    return largest_dispersion([_counts(setting) for setting in dict.fromkeys(r.setting for r in read())])


def spikes(remedy: Remedy) -> float:
    """Spikes per training, the mean of its seeds."""
    return _counts(remedy).rate


def ratio(remedy: Remedy) -> Ratio:
    """The rate of spikes over that of the reference, with its 95 % interval."""
    return rate_ratio(_counts(Remedy.NONE), _counts(remedy), spread=dispersion())


def prevented(remedy: Remedy) -> float:
    """Share of the reference's spikes that the remedy prevented, in [0, 1]: the attributable fraction.

    References: Levin (1953), Acta Unio Int. Contra Cancrum 9, 531.
    """
    return max(0.0, 1 - ratio(remedy).value)


def rank(remedy: Remedy) -> int:
    """The place of a remedy, 1 for the one that left the fewest spikes."""
    return 1 + sum(spikes(other) < spikes(remedy) for other in Remedy)


def effect(remedy: Remedy) -> Text:
    """What the remedy did, as the table says it."""
    return say(
        "In the measured study: {spikes} spikes in three trainings instead of {reference}.",
        spikes=verbatim(_said(remedy)),
        reference=verbatim(_said(Remedy.NONE)),
    )


def table() -> str:
    """The table of remedies in Markdown, the best first; verdicts hold for the whole table (Holm)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f"| what was changed | {COLUMNS} |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
    yield f"| {Remedy.NONE} | {_said(Remedy.NONE)} | 1 | {_ends(Remedy.NONE)} | |"
    tried = sorted((remedy for remedy in Remedy if remedy is not Remedy.NONE), key=rank)
    ratios = [ratio(remedy) for remedy in tried]
    for remedy, measured, p in zip(tried, ratios, holm([r.p for r in ratios]), strict=True):
        interval = f"{measured.value:.2g} ({measured.low:.2g} to {measured.high:.2g})"
        verdict = "no detectable change" if p > SURE else "worse" if measured.value > 1 else "improved"
        yield f"| {remedy} | {_said(remedy)} | {interval} | {_ends(remedy)} | {verdict} |"


def _ends(remedy: Remedy) -> str:
    rows = trainings(remedy)
    largest = max(row.largest for row in rows)
    jump = f"{largest:.0f}" if largest else "none"
    return f"{jump} | {median(row.loss for row in rows):.1f} | {median(row.mse for row in rows):.3f}"


def _said(remedy: Remedy) -> str:
    return ", ".join(str(row.spikes) for row in trainings(remedy))


def _counts(setting: str) -> Counts:
    rows = trainings(setting)
    return Counts(tuple(row.spikes for row in rows), (1.0,) * len(rows))
