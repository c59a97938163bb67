"""One run of a sweep in one row: all that table, CSV, JSON, web page and the tests across runs know of it."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np

from spikediag.model import (
    CouplingVerdict,
    DamageKind,
    Diagnosis,
    FactName,
    FloatArray,
    Reduction,
    Role,
    Run,
    RunStatus,
    Series,
    Status,
    Text,
    say,
)
from spikediag.reporter import heights
from spikediag.wording.writer import NO, YES

Cell: TypeAlias = str | int | float | bool | None
END = 0.1  # share of the points that is the end of a series
CURVE = 48  # stretches of a sparkline
DIGITS = 6  # significant, of what was computed: processors add in different orders


class NoRun(StrEnum):
    """The verdict on what was not diagnosed."""

    UNREAD = "unread"  # it could not be read
    COPY = "copy"  # a log was left out, since another is the same byte for byte
    LEFT_OUT = "left_out"  # by a rule: there is nothing in it to judge


WORST_FIRST = (
    RunStatus.DIVERGED,
    RunStatus.SPIKY,
    NoRun.UNREAD,
    RunStatus.NOT_JUDGED,
    NoRun.COPY,
    NoRun.LEFT_OUT,
    RunStatus.CLEAN,
)
ORDER = say(
    "Diverged runs first, then spiky ones (those that matter, those of which it cannot be told, the others; "
    "the highest jump first, in standard deviations), then those that could not be read or judged and "
    "copies, then clean ones."
)


@dataclass(frozen=True)
class Row:
    """What a sweep keeps of one run. What was not logged, or cannot be told, is None."""

    path: str  # as `parser.address` calls it
    name: str
    verdict: str  # of the run, a `RunStatus`, or `NoRun`
    reason: Text | None = None  # why it was not read or not judged, or what it is a copy of
    matters: bool | None = None
    kinds: Mapping[str, int] = field(default_factory=dict)  # findings by kind
    couplings: Mapping[str, int] = field(default_factory=dict)  # findings by what the error did
    spikes: int = 0  # rises that are no habit of their loss; of a train every burst
    decoupled: int | None = None  # of these, such that the error did not follow; None without an error metric
    points: int = 0  # of the loss that was searched, the one with the most
    tag: str | None = None  # of the leading finding, as what follows to `cause`
    jump: float | None = None  # its own unit; None also where it is no number
    sigmas: float | None = None
    step: int | None = None
    coupling: str | None = None
    cause: str | None = None
    condition: str | None = None  # the first that was found
    ratio: float | None = None  # batch over dataset
    passes: float | None = None
    learning_rate: float | None = None
    log_std: float | None = None  # the lowest
    loss: float | None = None  # level of the last tenth, of the leading loss
    error: float | None = None
    reward: float | None = None
    damage: int = 0  # stretches lost and files left out
    updates: float | None = None
    facts: Mapping[str, Cell] = field(default_factory=dict)
    content: str = ""  # SHA-256 of its losses: two runs with the same are one training
    curve: tuple[float | None, ...] = ()  # the leading loss: maxima of equal stretches, of its range
    seconds: float = 0.0  # of a processor, for reading and diagnosing
    is_bug: bool = False  # not judged for a fault of ours

    @property
    def judged(self) -> bool:
        """Whether it was read and diagnosed."""
        return self.verdict not in set(NoRun)

    @property
    def findings(self) -> int:
        """How many findings it has."""
        return sum(self.kinds.values())

    @property
    def rate(self) -> float | None:
        """Spikes per 10,000 points searched."""
        return _rounded(1e4 * self.spikes / self.points) if self.points else None

    @property
    def badness(self) -> tuple[int, int, float, str]:
        """Its place among others, what needs attention first."""
        matters = (True, None, False).index(self.matters)
        return WORST_FIRST.index(self.verdict), matters, -(self.sigmas or 0.0), self.path


@dataclass(frozen=True, eq=False)
class RowColumn:
    """One column, worded once for every table.

    Attributes:
        key: Its name in CSV and JSON.
        heading: Its name for people.
        value: Reads it from a row.
        shown: How a number is written for people.
        group: Of an id, by which group of names it is told.
        rank: The lower, the longer it stays in a table that is too narrow for all.
    """

    key: str
    heading: Text
    value: Callable[[Row], Cell | Mapping[str, int]]
    rank: int
    shown: str = ""
    group: str = ""

    def flat(self, row: Row) -> Cell:
        """The value for a table of numbers and words; counts by name as `2 transient, 1 train`."""
        value = self.value(row)
        return _tally(value, str) if isinstance(value, Mapping) else value

    def told(self, row: Row, name: Callable[[str, str], str], say_in: Callable[[Text], str]) -> str:
        """What a person reads in a cell.

        Args:
            row: the run.
            name: says an id of a group in the language of the reader.
            say_in: says a sentence in it.
        """
        value = self.value(row)
        match value:
            case None:
                return say_in(NOT_FINITE) if self.key == "jump" and row.kinds else ""
            case bool():
                return say_in(YES if value else NO)
            case str():
                return name(self.group, value)
            case Mapping():
                return _tally(value, lambda one: name(self.group, one))
            case _:
                return format(value, self.shown)


NOT_FINITE = say("not finite")


def _tally(counts: Mapping[str, int], name: Callable[[str], str]) -> str:
    return ", ".join(f"{count} {name(one)}" for one, count in counts.items())


COLUMNS = (
    RowColumn("verdict", say("verdict"), lambda r: r.verdict, 0, group="scan"),
    RowColumn("matters", say("matters"), lambda r: r.matters if r.kinds else None, 2),
    RowColumn("findings", say("findings"), lambda r: r.findings if r.judged else None, 4, "d"),
    RowColumn("kinds", say("by kind"), lambda r: r.kinds, 13, group="kind"),
    RowColumn("couplings", say("by what the error did"), lambda r: r.couplings, 14, group="coupling"),
    RowColumn("spikes", say("spikes"), lambda r: r.spikes if r.judged else None, 15, ",d"),
    RowColumn("decoupled", say("decoupled"), lambda r: r.decoupled, 16, ",d"),
    RowColumn("points", say("points"), lambda r: r.points or None, 20, ",d"),
    RowColumn("spikes_per_10000", say("per 10,000"), lambda r: r.rate, 6, ".3g"),
    RowColumn("jump", say("jump"), lambda r: r.jump, 3, "+.4g"),
    RowColumn("sigmas", say("sigmas"), lambda r: r.sigmas, 12, ".3g"),
    RowColumn("step", say("at step"), lambda r: r.step, 5, ",d"),
    RowColumn("coupling", say("error metric"), lambda r: r.coupling, 7, group="coupling"),
    RowColumn("cause", say("cause"), lambda r: r.cause, 1, group="cause"),
    RowColumn("condition", say("condition"), lambda r: r.condition, 11, group="condition"),
    RowColumn("ratio", say("batch / dataset"), lambda r: r.ratio, 8, ".3g"),
    RowColumn("passes", say("passes"), lambda r: r.passes, 17, ".4g"),
    RowColumn("learning_rate", say("learning rate"), lambda r: r.learning_rate, 9, ".3g"),
    RowColumn("min_log_std", say("lowest log-std"), lambda r: r.log_std, 18, ".3g"),
    RowColumn("final_loss", say("final loss"), lambda r: r.loss, 10, ".4g"),
    RowColumn("final_error", say("final error"), lambda r: r.error, 10, ".3g"),
    RowColumn("final_reward", say("final reward"), lambda r: r.reward, 19, ".4g"),
    RowColumn("damage", say("damage"), lambda r: r.damage if r.judged else None, 21, "d"),
    RowColumn("seconds", say("seconds"), lambda r: r.seconds if r.judged else None, 22, ".2f"),
)
TELLING = tuple(sorted(COLUMNS, key=lambda column: column.rank))  # the same, the most telling first


def ordered(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows in the order that `ORDER` says."""
    return tuple(sorted(rows, key=lambda row: row.badness))


def unread(path: str, name: str, reason: Text, *, is_bug: bool = False) -> Row:
    """The row of a run that could not be read or diagnosed."""
    return Row(path, name, NoRun.UNREAD.value, reason, is_bug=is_bug)


def left_out(path: str, name: str, reason: Text, why: NoRun = NoRun.LEFT_OUT) -> Row:
    """The row of a log that is no run, by a rule."""
    return Row(path, name, why.value, reason)


def summarise(diagnosis: Diagnosis, seconds: float) -> Row:
    """The row of a diagnosed run.

    Args:
        diagnosis: of the run.
        seconds: that reading and diagnosing it took.
    """
    run, loss = diagnosis.run, _loss(diagnosis)
    return Row(
        path=run.path,
        name=run.name,
        verdict=diagnosis.overall.status.value,
        reason=diagnosis.overall.summary if diagnosis.overall.status is RunStatus.NOT_JUDGED else None,
        matters=diagnosis.overall.matters if diagnosis.findings else False,
        **_counts(diagnosis),
        **_leading(diagnosis),
        condition=next((c.condition for c in diagnosis.conditions if c.status is Status.SUPPORTED), None),
        **_settings(run),
        log_std=_lowest_log_std(run),
        loss=_level_at_end(loss),
        error=_level_at_end(_error(run)),
        reward=_level_at_end(next(run.having(Role.REWARD), None)),
        damage=sum(d.kind is not DamageKind.NOTED for d in run.damage),
        content=_content(run),
        curve=_curve(loss),
        seconds=round(seconds, 3),
    )


def _counts(diagnosis: Diagnosis) -> dict[str, Any]:
    rises = [(f, f.spike.count) for f in diagnosis.findings if f.alarms]
    apart = sum(n for f, n in rises if f.coupling.verdict is CouplingVerdict.DECOUPLED)
    return {
        "kinds": dict(sorted(Counter(f.spike.kind.value for f in diagnosis.findings).items())),
        "couplings": dict(sorted(Counter(f.coupling.verdict.value for f in diagnosis.findings).items())),
        "spikes": sum(n for _, n in rises),
        "decoupled": None if _error(diagnosis.run) is None else apart,
        "points": max((s.points for s in diagnosis.searched_losses if s.judged), default=0),
    }


def _leading(diagnosis: Diagnosis) -> dict[str, Any]:
    lead = diagnosis.lead
    if lead is None:
        return {}
    return {
        "tag": lead.spike.tag,
        "jump": _rounded(lead.spike.height),
        "sigmas": _rounded(abs(lead.spike.sigmas)),
        "step": lead.spike.peak_step if lead.spike.members else lead.spike.onset_step,
        "coupling": lead.coupling.verdict.value,
        "cause": lead.primary_cause,
    }


def _settings(run: Run) -> dict[str, Any]:
    batch, updates = run.batch, run.updates()
    return {
        "ratio": None if batch is None else _rounded(batch.ratio),
        "passes": None if batch is None or updates is None else _rounded(batch.passes(updates)),
        "learning_rate": _learning_rate(run),
        "updates": _rounded(updates),
        "facts": {name.value: f.value for name, f in sorted(run.facts.items()) if f.value is not None},
    }


def _error(run: Run) -> Series | None:
    """The first error metric that is no loss by another name."""
    return next((s for s in run.having(Role.COMPANION) if s.copy_of is None), None)


def _content(run: Run) -> str:
    digest = hashlib.sha256()
    for loss in run.having(Role.LOSS):
        digest.update(loss.steps.tobytes() + loss.values.tobytes())
    return digest.hexdigest()


def _loss(diagnosis: Diagnosis) -> Series | None:
    """The leading loss; of a run without findings the longest."""
    if diagnosis.lead is not None:
        return diagnosis.run.series[diagnosis.lead.spike.tag]
    return max(diagnosis.run.having(Role.LOSS), key=len, default=None)


def _learning_rate(run: Run) -> float | None:
    """The one that is stated, else the highest that was logged."""
    stated = run.fact(FactName.LEARNING_RATE).number
    logged = (s.values[s.finite] for s in run.having(Role.LEARNING_RATE))
    highest = max((float(values.max()) for values in logged if len(values)), default=None)
    return _rounded(highest if stated is None else stated)


def _lowest_log_std(run: Run) -> float | None:
    every = list(run.having(Role.LOG_STD))
    lowest = [s.natural for s in [s for s in every if s.reduction is Reduction.MIN] or every]
    return _rounded(min((float(s.values[s.finite].min()) for s in lowest if s.finite.any()), default=None))


def _level_at_end(series: Series | None) -> float | None:
    """The median of the last tenth of the points."""
    if series is None or not series.finite.any():
        return None
    late = slice(-max(1, int(END * len(series))), None)
    values = series.values[late][series.finite[late]]
    return _rounded(float(np.median(values))) if len(values) else None


def _curve(series: Series | None) -> tuple[float | None, ...]:
    if series is None or not len(series):
        return ()
    drawn: FloatArray = heights(series.values, CURVE)
    return tuple(None if math.isnan(h) else round(float(h), 2) for h in drawn)


def _rounded(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}")
