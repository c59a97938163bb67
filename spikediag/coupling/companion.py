"""One companion against one spike."""

import math
import re
from dataclasses import dataclass, replace

import numpy as np

from spikediag.coupling.margin import Margin, Needed, accuracy_scale, choose_margin, rise_needed
from spikediag.coupling.verdict import INTERVAL, ErrorRise, decide, pooled, single
from spikediag.coupling.window import REACH, Stretch, stretches
from spikediag.model import (
    CompanionTest,
    CouplingVerdict,
    FloatArray,
    Measure,
    Role,
    Run,
    Series,
    Spike,
    Text,
    say,
)
from spikediag.stats.medians import median, medians
from spikediag.stats.scale import robust_sigma
from spikediag.stats.trend import lag_one
from spikediag.stats.windows import BASELINE_POINTS, CAUTION, Contrast, contrast

AVERAGED = re.compile(
    r"(?<![a-z])(ema|ewma|polyak|swa|smooth(ed)?|running|rolling|moving|window(ed)?)(?![a-z])"
)
LEAST_ARRIVES = 0.4  # of a rise that lasts as long as the spike
POINTS = 2000  # before the spike, over which smoothness is measured
OUTLIER_SDS = 8.0  # companion points this far from their own level are its own spikes
LEVEL_POINTS = 65  # logged points over which a companion's level is taken
FEWEST_POINTS = 100  # logged points of a companion below which its fall would look like a spike of its own
_PREFERENCE = {Measure.SQUARED_ERROR: 0, Measure.ABSOLUTE_ERROR: 1, Measure.NORMALIZED_ERROR: 2}


def companions(run: Run, loss: Series) -> tuple[Series, ...]:
    """What may say whether the error moved, closest first; the first decisive one decides.

    Error metrics and accuracies, those on the data trained on first, then those of the loss's own group; and
    held-out losses beside a loss that is trained on.
    """
    held_out = () if loss.held_out else (s for s in run.having(Role.LOSS) if s.held_out)
    return tuple(sorted((*run.having(Role.COMPANION), *held_out), key=lambda series: _rank(series, loss)))


def _rank(companion: Series, loss: Series) -> tuple[bool, bool, int, str]:
    return (
        companion.held_out is not loss.held_out,
        companion.group != loss.group,
        _PREFERENCE.get(companion.measure, 3),
        companion.tag,
    )


@dataclass(frozen=True, eq=False)
class _Error:
    """A companion as an error: up is worse, and every value is a number."""

    values: FloatArray  # (n,)
    calm: np.ndarray  # (n,) bool: logged, and part of no spike
    offset: float  # of an accuracy: what a perfect one reads
    sign: int  # -1 for an accuracy

    def without(self, stretches: tuple[Stretch, ...]) -> "_Error":
        """The same with the windows of a spike no part of its calm."""
        calm = self.calm.copy()
        for stretch in stretches:
            calm[stretch.start : stretch.stop] = False
        return replace(self, calm=calm)

    def logged(self, value: float) -> float:
        """A level of the error in the unit in which the companion was logged."""
        return self.offset + self.sign * value


def answer_of(companion: Series, spike: Spike, run: Run) -> CompanionTest | None:
    """Test whether the companion moved while the loss stood high; None when it was not logged then."""
    loss = run.series[spike.tag]
    asked = stretches(spike, loss, companion)
    if not asked:
        return None
    if not any(companion.finite[s.start : s.stop].any() for s in asked):
        return _non_finite(companion)
    error = run.once(_as_error, companion).without(asked)
    measured = [(s, found) for s in asked if (found := _measure(error, s)) is not None]
    if not measured:
        return None
    level = float(np.mean([found.before for _, found in measured]))
    jump = float(np.mean([s.jump for s, _ in measured]))
    needed = rise_needed(
        companion, loss, run, level=level, jump=jump, onset=spike.onset_step, calm=error.calm
    )
    margin = choose_margin(companion, level, jump, needed)
    first, contrasts = measured[0][0], [found for _, found in measured]
    rise = (
        pooled(contrasts, margin.value) if len(contrasts) > 1 else _single(error, first, contrasts[0], margin)
    )
    width = max(s.stop - s.start for s, _ in measured)
    blind = _blindness(companion, error.values, error.calm, first.start, width)
    test = _test(companion, error, rise, margin, needed)
    if blind is not None and test.verdict is not CouplingVerdict.COUPLED:
        return replace(test, verdict=CouplingVerdict.UNDECIDED, blind=blind)
    if test.verdict is CouplingVerdict.UNDECIDED and rise.elsewhere and len(contrasts) == 1:
        return replace(test, strayed_at=_step(companion, first, rise.elsewhere))
    return test


def _measure(error: _Error, stretch: Stretch) -> Contrast | None:
    """The contrast; where the past is too short for windows of it, with the error of a two-sample t-test."""
    found = contrast(error.values, stretch.start, stretch.stop, error.calm, stretch.shifts)
    if found is None or found.degrees > 0:
        return found
    past = error.values[: stretch.start][error.calm[: stretch.start]][-BASELINE_POINTS:]
    width = stretch.stop - stretch.start
    spread = CAUTION * float(past.std(ddof=1)) * math.sqrt(1 / len(past) + 1 / width)
    return replace(found, error=spread, degrees=len(past) - 1.0)


def _single(error: _Error, stretch: Stretch, top: Contrast, margin: Margin) -> ErrorRise:
    """The rise where the loss stood highest; over the whole excursion, where it rose later in that."""
    rise = single(top, stretch.near, margin.value)
    if rise.found or rise.elsewhere is None or abs(rise.elsewhere) <= stretch.near:
        return rise
    whole = contrast(error.values, *stretch.whole, error.calm)
    over_all = single(whole, stretch.near, margin.value) if whole is not None else rise
    return over_all if over_all.found else rise


def _test(
    companion: Series, error: _Error, rise: ErrorRise, margin: Margin, needed: Needed | None
) -> CompanionTest:
    change = rise.change
    interval = sorted((error.sign * change.bound(1 - INTERVAL), error.sign * change.bound(INTERVAL)))
    return CompanionTest(
        tag=companion.tag,
        verdict=decide(rise, margin.value, needed.value if needed else None),
        before=error.logged(rise.before),
        during=error.logged(rise.before + change.value),
        change=error.sign * change.value,
        low=interval[0],
        high=interval[1],
        margin=margin.value,
        p_equivalent=change.p_at_least(margin.value),
        margin_reason=margin.reason,
        needed=needed.value if needed else None,
        jump=needed.jump if needed else 0.0,
        price=needed.price if needed else None,
        held_out=companion.held_out,
        moved=rise.moved,
        tested=rise.tested,
        up_is_better=error.sign < 0,
    )


def _step(companion: Series, stretch: Stretch, shift: int) -> int:
    """The first step of the moved window that did not lie in the window of the jump."""
    first = stretch.start + shift if shift < 0 else max(stretch.stop, stretch.start + shift)
    return int(companion.steps[min(max(first, 0), len(companion) - 1)])


def _as_error(_: Run, companion: Series) -> _Error:
    """Up is worse; holes are bridged, and spikes of its own are not calm."""
    finite = companion.finite
    places = np.arange(len(companion))
    values = np.interp(places, places[finite], companion.values[finite])
    offset, sign = 0.0, 1
    if companion.measure is Measure.ACCURACY:
        offset, sign = accuracy_scale(companion), -1
        values = offset - values
    around = values - _level(values)
    spiky = np.abs(around) > OUTLIER_SDS * max(robust_sigma(around), 1e-300)
    return _Error(values, finite & ~spiky if len(companion) >= FEWEST_POINTS else finite, offset, sign)


def _level(values: FloatArray) -> FloatArray:
    """Medians of blocks, joined by straight lines."""
    size = min(LEVEL_POINTS, len(values))
    blocks = -(-len(values) // size)
    padded = np.pad(values, (0, blocks * size - len(values)), mode="symmetric")
    centres = size * (np.arange(blocks) + 0.5) - 0.5
    return np.interp(np.arange(len(values)), centres, medians(padded.reshape(blocks, size)))


def _non_finite(companion: Series) -> CompanionTest:
    _, values = companion.numbers
    return CompanionTest(
        tag=companion.tag,
        verdict=CouplingVerdict.COUPLED,
        before=median(values) if len(values) else math.nan,
        during=math.nan,
        change=math.nan,
        low=math.nan,
        high=math.nan,
        margin=0.0,
        p_equivalent=1.0,
        margin_reason=say("{tag} is not finite there", tag=companion.tag),
        held_out=companion.held_out,
    )


def _blindness(
    companion: Series, errors: FloatArray, calm: np.ndarray, start: int, width: int
) -> Text | None:
    """Why a flat companion proves nothing about this spike; None where it does.

    Args:
        companion: The companion.
        errors: Its values, finite, (n,).
        calm: Which of them belong to no spike, (n,).
        start: First position of the spike in it.
        width: Points of it during the spike.
    """
    if AVERAGED.search(companion.tag.lower()):
        return say("{tag} is an average over earlier weights or batches, as its name says", tag=companion.tag)
    memory = 0.0 if companion.held_out else _memory(errors, calm, start)
    arrives = _arriving(memory, width)
    if arrives >= LEAST_ARRIVES:
        return None
    return say(
        "{tag} is smoother than the jump is long: its neighbouring points correlate by {memory:.2f}, so that "
        "{arrives:.0%} of a rise over {points} logged points would reach it",
        tag=companion.tag,
        memory=memory,
        arrives=arrives,
        points=width,
    )


def _memory(errors: FloatArray, calm: np.ndarray, start: int) -> float:
    first = max(0, start - POINTS)
    return lag_one(np.where(calm[first:start], errors[first:start], np.nan))


def _arriving(memory: float, width: int) -> float:
    """The share of a rise of `width` points that reaches the best window of an exponential average."""
    points = np.arange(1, width + REACH + 1)
    reached = 1 - memory ** np.minimum(points, width)
    reached = reached * memory ** np.maximum(points - width, 0)
    return max(float(reached[k : k + width].mean()) for k in range(REACH + 1))
