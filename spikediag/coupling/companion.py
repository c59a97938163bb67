"""One companion against one spike."""

import math
from dataclasses import replace

import numpy as np

from spikediag.coupling.margin import Margin, choose_margin
from spikediag.coupling.stray import strayed_at
from spikediag.coupling.window import Window
from spikediag.model import CompanionTest, CouplingVerdict, FactName, Measure, Run, Series, Spike, say
from spikediag.stats.equivalence import two_one_sided
from spikediag.stats.scale import robust_sigma
from spikediag.stats.windows import Contrast, contrast

OUTLIER_SDS = 8.0  # companion points this far from their own level are its own spikes
SURE_SHARE = 0.5  # of the margin that the whole interval must exceed for an error beyond it to have moved
LEVEL_POINTS = 65  # logged points over which a companion's level is taken
_PREFERENCE = {Measure.SQUARED_ERROR: 0, Measure.ABSOLUTE_ERROR: 1, Measure.NORMALIZED_ERROR: 2}


def rank(companion: Series, loss: Series) -> tuple[bool, int, str]:
    """Companions of the loss's own group first, errors before scores; the first decisive one decides."""
    group = loss.tag.rpartition("/")[0]
    return (
        companion.tag.rpartition("/")[0] != group,
        _PREFERENCE.get(companion.measure, 3),
        companion.tag,
    )


def test_companion(
    companion: Series, spike: Spike, spans: tuple[Window, ...], run: Run
) -> CompanionTest | None:
    """Test whether the companion moved while the loss stood high; None when it was not logged then."""
    inside = [
        (a, b)
        for span in spans
        if (a := int(np.searchsorted(companion.steps, span.first_step)))
        < (b := int(np.searchsorted(companion.steps, span.last_step, side="right")))
    ]
    if not inside:
        return None
    if not any(np.isfinite(companion.values[a:b]).any() for a, b in inside):
        return _non_finite(companion)
    measured = _pooled(companion, inside)
    if measured is None:
        return None
    sign = -1 if companion.measure is Measure.ACCURACY else 1  # where up is good, a fall is the error
    jump = float(np.mean([span.jump for span in spans]))
    margin = choose_margin(
        companion,
        likelihood=run.is_likelihood(run.series[spike.tag]),
        sigmas=spike.sigmas,
        jump=jump,
        level=measured.before,
        noise=measured.noise,
        dims=run.fact(FactName.ACTION_DIM).number,
    )
    test = _judge(companion, measured, margin, sign)
    if test.verdict is not CouplingVerdict.DECOUPLED:
        return test
    stray = strayed_at(companion, spike, test, measured.noise, sign)
    return test if stray is None else replace(test, verdict=CouplingVerdict.UNDECIDED, strayed_at=stray)


def _pooled(companion: Series, inside: list[tuple[int, int]]) -> Contrast | None:
    """The contrast of one window, or the mean contrast over the members of a train."""
    values, calm = _filled(companion)
    for a, b in inside:
        calm[a:b] = False
    found = [c for a, b in inside if (c := contrast(values, a, b, calm)) is not None]
    if not found:
        return None
    before = float(np.mean([c.before for c in found]))
    change = float(np.mean([c.change for c in found]))
    error = math.sqrt(sum(c.error**2 for c in found)) / len(found)
    return Contrast(
        before=before,
        during=float(np.mean([c.during for c in found])),
        change=change,
        error=error,
        degrees=min(c.degrees for c in found),
        noise=float(np.median([c.noise for c in found])),
    )


def _filled(companion: Series) -> tuple[np.ndarray, np.ndarray]:
    """Values with non-finite points replaced by the median, and which points are calm."""
    finite = np.isfinite(companion.values)
    values = np.where(finite, companion.values, np.median(companion.values[finite]))
    level = _level(values)
    return values, finite & (
        np.abs(values - level) <= OUTLIER_SDS * max(robust_sigma(values - level), 1e-300)
    )


def _level(values: np.ndarray) -> np.ndarray:
    blocks = max(1, len(values) // LEVEL_POINTS)
    centres = [float(np.mean(part)) for part in np.array_split(np.arange(len(values)), blocks)]
    medians = [float(np.median(part)) for part in np.array_split(values, blocks)]
    return np.interp(np.arange(len(values)), centres, medians)


def _judge(companion: Series, measured: Contrast, margin: Margin, sign: int) -> CompanionTest:
    if measured.degrees <= 0 or margin.value <= 0:
        verdict, low, high, p = CouplingVerdict.UNDECIDED, -math.inf, math.inf, 1.0
    else:
        test = two_one_sided(sign * measured.change, measured.error, measured.degrees, margin.value)
        verdict = CouplingVerdict.UNDECIDED
        if test.within(margin.value):
            verdict = CouplingVerdict.DECOUPLED
        elif sign * measured.change > margin.value and test.low > SURE_SHARE * margin.value:
            verdict = CouplingVerdict.COUPLED
        low, high = sorted((sign * test.low, sign * test.high))
        p = test.p_equivalent
    return CompanionTest(
        tag=companion.tag,
        verdict=verdict,
        before=measured.before,
        during=measured.during,
        change=measured.change,
        low=low,
        high=high,
        margin=margin.value,
        p_equivalent=p,
        margin_reason=margin.reason,
    )


def _non_finite(companion: Series) -> CompanionTest:
    finite = companion.values[np.isfinite(companion.values)]
    before = float(np.median(finite)) if len(finite) else math.nan
    return CompanionTest(
        tag=companion.tag,
        verdict=CouplingVerdict.COUPLED,
        before=before,
        during=math.nan,
        change=math.nan,
        low=math.nan,
        high=math.nan,
        margin=0.0,
        p_equivalent=1.0,
        margin_reason=say("{tag} is not finite there", tag=companion.tag),
    )
