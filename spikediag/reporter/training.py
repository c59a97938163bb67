"""The training as a whole, in three lines: has it converged, where does it stand, what may break."""

import math
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np

from spikediag.model import (
    REINFORCED,
    Condition,
    Diagnosis,
    FactName,
    FloatArray,
    Measure,
    Reduction,
    Role,
    Run,
    RunStatus,
    Series,
    Status,
    Text,
    say,
)
from spikediag.phrases import with_commas
from spikediag.reporter.blocks import QuestionRow, num
from spikediag.stats.scale import robust_sigma
from spikediag.text import Value
from spikediag.wording.writer import Writer

LAST = 4  # the last quarter of the log says where a training is going
FEWEST = 24  # finite points
STILL = 0.05  # of the whole way a series came: what moves less has arrived
HALF = 0.5  # of its level: who moved as far has not visibly stayed
ROUNDING = 1e-6  # of its level: what moves less was rounded
SURE = 4.0  # standard errors of the difference of two medians
SHOWN = {Role.REWARD: 1, Role.LOSS: 1, Role.COMPANION: 1}
SHOWN_PAST = 2
RISKS = say("Risks")
Course = Literal["flat", "falls", "rises"]


@dataclass(frozen=True)
class SeriesEnd:
    """The last quarter of a series: its level at the end, how far it moved, and how widely it scatters."""

    series: Series
    level: float
    change: float
    scatter: float
    course: Course
    hidden: bool = False  # it moved by more than what has arrived does, but no farther than its noise

    @property
    def arrives(self) -> bool:
        """Whether it goes nowhere any more."""
        return self.course == "flat"

    @property
    def goes_well(self) -> bool:
        """Whether it still moves as it should: a reward or an accuracy up, anything else down."""
        return self.course == ("rises" if self.series.up_is_better else "falls")


def series_end(series: Series) -> SeriesEnd | None:
    """How a series ends; None where too few of its last points are numbers."""
    values = series.values[series.finite]
    if len(values) < FEWEST or not series.finite[-1]:
        return None
    last = values[-(len(values) // LAST) :]
    third = max(1, len(last) // 3)
    level, change = _median(last[-third:]), _median(last[-third:]) - _median(last[:third])
    scatter = robust_sigma(last)
    way = abs(_median(values[: max(1, len(values) // 50)]) - level)
    course: Course = "rises" if change > 0 else "falls"
    noise = (
        SURE * scatter * math.sqrt(math.pi / third)
    )  # of medians: sqrt(pi / 2), of two of them sqrt(2) more
    if not math.isfinite(change) or abs(change) <= max(noise, STILL * way, ROUNDING * abs(level)):
        course = "flat"
    hidden = course == "flat" and math.isfinite(change) and abs(change) > max(STILL * way, HALF * abs(level))
    return SeriesEnd(series, level, change, scatter, course, hidden)


def state(diagnosis: Diagnosis, writer: Writer) -> tuple[QuestionRow, ...]:
    """Converged, level and risks; a line of which nothing is known is left out."""
    trends = [t for s in _followed(diagnosis) if (t := series_end(s)) is not None]
    rows = [_converged(trends, diagnosis), _level(trends, diagnosis.run)] if trends else []
    lead = diagnosis.lead
    if lead is not None and lead.is_lost:
        lost = say("{tag} was lost at step {step:,}.", tag=lead.spike.tag, step=lead.spike.onset_step)
        rows = [QuestionRow(say("Converged"), say("No, it has not."), lost)]
    elif diagnosis.overall.past_best:
        told = QuestionRow(say("Converged"), say("It is past its best."), past_its_best(diagnosis))
        rows = [*([] if only_past_its_best(diagnosis) else [told]), *rows[1:]]
    return (*rows, *_risks(diagnosis, writer))


def _followed(diagnosis: Diagnosis) -> list[Series]:
    """The leading loss, its first error and a reward; of a calm run the longest of each."""
    lead, run = diagnosis.lead, diagnosis.run
    named = [] if lead is None else [lead.spike.tag, *(t.tag for t in lead.coupling.tests)]
    order = {tag: place for place, tag in reversed(list(enumerate(named)))}
    found: list[Series] = []
    for role, most in SHOWN.items():
        telling = (s for s in run.having(role) if s.varies or role is not Role.REWARD)
        having = sorted(telling, key=lambda s: (order.get(s.tag, len(order)), -len(s)))
        found += islice(having, most)
        found += [s for s in having[most:] if role is Role.LOSS and s.tag in order][
            :1
        ]  # held out, and tested
    return sorted(found, key=lambda s: (s.role is not Role.LOSS, s.role is not Role.REWARD))


def _converged(trends: list[SeriesEnd], diagnosis: Diagnosis) -> QuestionRow:
    run, told = diagnosis.run, diagnosis.told_outcomes()
    worse = {o.tag for o in told if o.harms and diagnosis.overall.matters}
    hidden = [t.series.tag for t in reversed(trends) if t.hidden]
    fallen = next((tag for tag in hidden if tag in worse), None)
    text = say("Over the last quarter of the log {moves}.", moves=with_commas([_move(t) for t in trends]))
    still = [t for t in trends if not t.arrives]
    reinforced = any(run.loss_kind(t.series) in REINFORCED for t in trends if t.series.role is Role.LOSS)
    if reinforced and all(t.series.role is not Role.REWARD for t in trends):
        answer = say("Cannot be told: no reward that varies is logged.")
    elif not still and fallen is not None:
        answer = say("Cannot be told: {tag} ended worse, and may still move.", tag=fallen)
    elif not still and hidden:
        answer = say("Cannot be told: {tag} may still move, within its noise.", tag=hidden[0])
    elif not still:
        answer = say("Yes, it has.")
    elif len(trends) > 1 and all(t.series.role is Role.LOSS and t.goes_well for t in still):
        answer = say("All but the loss, which still falls.")
    elif all(t.arrives or t.goes_well for t in trends):
        answer = say("Not yet: it is still getting better.")
    else:
        answer = say("No, it has not.")
    return QuestionRow(say("Converged"), answer, text)


def only_past_its_best(diagnosis: Diagnosis) -> bool:
    """Whether nothing jumped in what was judged, but something ends worse than it was: the verdict."""
    overall = diagnosis.overall
    return diagnosis.lead is None and overall.status is RunStatus.CLEAN and bool(overall.past_best)


def past_its_best(diagnosis: Diagnosis) -> Text:
    """What was better before, and when: the checkpoint from there is the one to keep."""
    moves = [
        say(
            "{tag} stood at {best} in steps {first:,} to {last:,} and ends at {end}",
            tag=p.tag,
            best=num(p.best),
            first=p.first_step,
            last=p.last_step,
            end=num(p.end),
        )
        for p in diagnosis.overall.past_best[:SHOWN_PAST]
    ]
    return say("{moves}. A checkpoint from there is better by that measure.", moves=with_commas(moves))


def _move(t: SeriesEnd) -> Text:
    values: dict[str, Value] = {"tag": t.series.tag, "change": num(t.change, signed=True)}
    match t.course:
        case "flat" if t.hidden:
            return say("{tag} moved no farther than its noise ({change})", **values)
        case "flat":
            return say("{tag} stayed ({change})", **values)
        case "falls":
            return say("{tag} fell ({change})", **values)
        case _:
            return say("{tag} rose ({change})", **values)


def _level(trends: list[SeriesEnd], run: Run) -> QuestionRow:
    levels = [say("{tag} {level}", tag=t.series.tag, level=num(t.level)) for t in trends]
    ends = with_commas(levels)
    error = next((t for t in trends if t.series.role is Role.COMPANION), None)
    missed = _per_dimension(error, run) if error is not None else None
    if missed is None:
        return QuestionRow(say("Level at the end"), None, say("{levels}.", levels=ends))
    dimension = say(
        "{levels} ({missed} per action dimension, root mean square).", levels=ends, missed=num(missed)
    )
    return QuestionRow(say("Level at the end"), None, dimension)


def _per_dimension(error: SeriesEnd, run: Run) -> float | None:
    """The error of one action dimension; None where the tag does not say how it was reduced."""
    dims = run.fact(FactName.ACTION_DIM).number
    series = error.series
    if series.measure is not Measure.SQUARED_ERROR or error.level < 0:
        return None
    if series.reduction is Reduction.SUM and dims:
        return math.sqrt(error.level / dims)
    return math.sqrt(error.level) if series.reduction is Reduction.MEAN else None


def _risks(diagnosis: Diagnosis, writer: Writer) -> tuple[QuestionRow, ...]:
    there = [c for c in diagnosis.conditions if _bears(c, diagnosis)]
    if not there:
        return ()
    names = with_commas([writer.word("condition", c.condition) for c in there])
    return (QuestionRow(RISKS, None, say("{names}.", names=names)),)


def _bears(condition: Condition, diagnosis: Diagnosis) -> bool:
    """Whether a risk is there; that no error is logged is none where another one was tested."""
    tested = diagnosis.lead is not None and diagnosis.lead.coupling.tests
    answered = condition.condition == Role.COMPANION.value and tested
    return condition.status in {Status.SUPPORTED, Status.PLAUSIBLE} and not answered


def _median(values: FloatArray) -> float:
    return float(np.median(values))
