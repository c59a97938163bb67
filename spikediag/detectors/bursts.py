"""Bursts: rises that came back, each told by itself, or all as one train."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtrc

from spikediag.detectors.chance import Mirror
from spikediag.detectors.rise import EQUAL, Rise, by_onset, child_of, measure
from spikediag.detectors.salience import Salience
from spikediag.detectors.scan import BURSTS, Candidate, Scan
from spikediag.model import FloatArray
from spikediag.stats.contrasts import SIDE
from spikediag.stats.leaps import HISTORY

FEWEST = 4  # bursts that are told as one train
CROWD = 10  # members that are certain only together
CLEAR = 6.0  # score of a member that is certain only with others, about robust deviations
CHOICES = 100  # chances that a crowd is charged for: its bar, its size, its run
OUTSTANDING = 2.0  # times the height of the next highest, from which a burst is told by itself
NO_MEAN = 1.0  # tail index from which a Pareto law has no mean
LOUD = 12.0  # local scales, and standard deviations before, that cannot be passed over in silence
DOUBT = 0.5  # expected by chance from which a burst is not certain alone
HEAVIEST = 2.0  # tail index of what may be usual; beyond, decades are passed
RECORD = 32  # points before, than which a few uncertain ones are higher: in a decay many are not
BEGAN = 0.5  # share of where a log began that such a point reaches
SKEWED_LOUD = 30.0  # the same in skewed noise
EVEN_LOUD = 16.0  # the same where noise grows with the level
DEAFENING, SKEWED_DEAFENING = 100.0, 1000.0  # local scales that are usual nowhere, and not in skewed noise
MEMBER = 10.0  # local scales of what is told along with it
CLUSTERED = 0.005  # chance of so late a beginning, below which bursts have begun rather than been there


@dataclass(frozen=True)
class Bursts:
    """What is told, and as what."""

    singles: tuple[Rise, ...]
    train: tuple[Rise, ...]  # in onset order; those that are usual, or at least four
    expected: float = np.inf  # trains that chance would show
    usual: bool = False  # no more than the tail of such a series may throw; told, and no failure by itself


def tell(values: FloatArray, rises: tuple[Rise, ...], salience: Salience, scan: Scan, alpha: float) -> Bursts:
    """Sort out the bursts of finite values (n,): no one is told while a taller one is left out.

    At least four that are certain alone, or a crowd that is certain together, are a train; so is what came
    together in time. Other bursts that are certain are told each by itself. What is loud, or as tall as
    those, without being certain, is told once, as usual.
    """
    lasting = [rise for rise in rises if rise.lasts(len(values))]
    short = [r for r in rises if r not in lasting and not on_climb(r, lasting)]
    certain = [r for r in short if r.salient or not salience.skewed]
    least = EQUAL * min((r.height for r in certain), default=np.inf)
    certain += [r for r in short if r not in certain and r.height >= least]
    bar, expected = bar_of(certain, salience, scan)
    if expected < alpha:
        alike = likes(values, certain, scan, bar)
        found = [*certain, *(r for r in alike if not salience.skewed or r.height >= least)]
        certain = [r for r in found if not r.lasts(len(values)) and not on_climb(r, lasting)]
    taller = [*as_tall_leaps(values, certain, [*lasting, *certain], salience)]
    loud = [*points(values, [*lasting, *certain, *taller], salience)]
    together = min(expected, chance_of_lateness(loud, len(values)))
    if together < CLUSTERED or expected < alpha:
        return as_train(
            [*certain, *(replace(rise, expected=together) for rise in (*taller, *loud))], together
        )
    bound = SKEWED_DEAFENING if salience.skewed else DEAFENING
    deafening = [rise for rise in loud if rise.score >= bound]
    singles = [*certain, *deafening] if len(loud) < FEWEST else certain
    common = [rise for rise in (*taller, *loud) if rise not in singles]
    if len(common) < FEWEST:
        clear = [rise for rise in singles if rise.salient or rise.height >= SKEWED_LOUD * rise.noise]
        singles = [*singles, *(rise for rise in common if any(map(rise.equals, clear)))]
        common = [rise for rise in common if rise not in singles]
    usual = bool(common) and tail_index([rise.score for rise in common]) < HEAVIEST
    if usual and salience.skewed and len(common) >= FEWEST:
        tallest = max(rise.height for rise in common)
        common += [rise for rise in singles if rise.height < tallest]
    return Bursts(by_onset(rise for rise in singles if rise not in common), by_onset(common), 1.0, usual)


def as_train(members: list[Rise], expected: float) -> Bursts:
    """One train, and the highest by itself where it stands out."""
    told = sorted(members, key=lambda rise: -rise.height)
    single = told[:1] if stands_out(told) else []
    rest = by_onset(rise for rise in members if rise not in single)
    if len(rest) < FEWEST:
        return Bursts(by_onset(members), ())
    return Bursts(tuple(single), rest, min([expected, *(rise.expected for rise in rest)]))


def as_tall_leaps(
    values: FloatArray, certain: list[Rise], taken: list[Rise], salience: Salience
) -> Iterator[Rise]:
    """Leaps that are not certain, but as tall as the lowest of their width that is."""
    for crowd in salience.crowds:
        heights = [rise.height for rise in certain if rise.width == crowd.width]
        if not heights:
            continue
        lowest = min(heights)
        for rise in measured(values, salience, crowd.width, taken):
            if values[rise.start : rise.start + crowd.width].min() - rise.baseline >= lowest:
                yield rise


def points(values: FloatArray, taken: list[Rise], salience: Salience) -> Iterator[Rise]:
    """Single points that are not told otherwise, where the highest is loud."""
    loud = loud_enough(skewed=salience.skewed, even=salience.even is not None)
    by_score = (r for r in measured(values, salience, 1, taken) if r.height >= MEMBER * r.noise)
    if (first := next(by_score, None)) is None or first.score < loud:
        return
    found = [first, *by_score]
    if len(found) < FEWEST:
        found = record_heights(values, found)
    if found and found[0].score >= loud and found[0].height >= loud * found[0].noise:
        yield from (rise for rise in found if rise.score >= MEMBER)


def loud_enough(*, skewed: bool, even: bool) -> float:
    """Local scales, and standard deviations before, from which a point cannot be passed over in silence.

    Args:
        skewed: Whether large values are usual.
        even: Whether noise grows with the level, so that it is even in logarithms only.
    """
    if skewed:
        return SKEWED_LOUD
    return EVEN_LOUD if even else LOUD


def record_heights(values: FloatArray, by_height: list[Rise]) -> list[Rise]:
    """Those that are higher than the 32 points before, but for other records among them.

    The first points of a log, from where its learning began, count half.
    """
    left, kept = values.copy(), []
    for rise in by_onset(by_height):
        before = left[max(0, rise.start - RECORD) : rise.start] - rise.baseline
        before[: max(0, HISTORY - max(0, rise.start - RECORD))] *= BEGAN
        if rise.height > before.max(initial=-np.inf):
            left[rise.start : rise.stop] = -np.inf
            kept.append(rise)
    return [rise for rise in by_height if rise in kept]


def measured(values: FloatArray, salience: Salience, width: int, taken: list[Rise]) -> Iterator[Rise]:
    """Loud leaps that came back, or that the log ends in, and that meet nothing that is taken, measured.

    Those that are news; what lies on something taken is not looked at.
    """
    n, child, taken = len(values), child_of(values, taken), [*taken]
    for leap in salience.loud(width):
        if any(rise.start <= leap.position < rise.reach for rise in taken):
            continue
        if not salience.leaps.holds(leap.position, width):
            continue
        rise = replace(measure(values, leap), salient=False, expected=1.0)
        burst = not rise.lasts(n) or rise.unfinished(n)
        if burst and rise.stands_out(n) and not child(rise) and not any(map(rise.meets, taken)):
            taken.append(rise)
            yield rise


def chance_of_lateness(members: list[Rise], n: int) -> float:
    """Chance that none of so many lies earlier in n points, if they were spread evenly; 1 for a few.

    Bursts that all came late have begun; those that are there from early on are how the series is.
    """
    if len(members) < FEWEST:
        return 1.0
    return float((1 - min(rise.start for rise in members) / n) ** len(members))


def tail_index(sizes: Sequence[float]) -> float:
    """Mean logarithm of sizes over the lowest (Hill 1975, doi:10.1214/aos/1176343247); 0 for a few."""
    if len(sizes) < FEWEST:
        return 0.0
    return float(np.log(np.array(sizes) / min(sizes)).sum()) / (len(sizes) - 1)


def stands_out(by_height: list[Rise]) -> bool:
    """Whether the highest rise is a finding of its own: certain alone, and far above the next.

    Of bursts whose heights span decades, as under a Pareto law without a mean, the highest always is.
    """
    if len(by_height) < 2 or by_height[0].expected >= DOUBT:
        return False
    heights = [rise.height for rise in by_height]
    return heights[0] > OUTSTANDING * heights[1] and tail_index(heights[1:]) < NO_MEAN


def bar_of(members: list[Rise], salience: Salience, scan: Scan) -> tuple[float, float]:
    """The score from which a bump is a member, and the trains expected by chance.

    Either enough members are certain alone: then the first of them set the bar. Or it is the crowd that is
    unlikely: many more bumps than dips beyond `CLEAR` deviations.
    """
    if len(members) >= FEWEST:
        first = [rise for rise in members if not rise.salient][:FEWEST]
        score = min((rise.score for rise in first), default=np.inf)
        return score, sorted(rise.expected for rise in members)[FEWEST - 1]
    if salience.skewed or (not any(rise.score > CLEAR for rise in members) and len(salience.news) < CROWD):
        return np.inf, np.inf
    ups, downs = scan.high[0], scan.low[0]
    mirror = Mirror(BURSTS.past, downs.highest, ups.highest, downs.highest)
    up = int((ups.highest >= CLEAR).sum())
    down = int((mirror.enlarged_dips(len(ups.highest), mirror.skew(len(ups.highest))) >= CLEAR).sum())
    by_chance = CHOICES * float(bdtrc(up - 1, up + down, 0.5)) if up >= CROWD else np.inf
    return CLEAR, by_chance


def likes(values: FloatArray, members: list[Rise], scan: Scan, bar: float) -> Iterator[Rise]:
    """Single-point bumps that score no less than the bar, and are no members yet."""
    if not np.isfinite(bar):
        return
    ups, taken = scan.high[0], list(members)
    for k in np.flatnonzero(ups.highest >= bar):
        rise = measure(values, Candidate(1, int(ups.positions[k]), float(ups.highest[k]), np.inf, SIDE))
        if not any(rise.meets(other) for other in taken):
            taken.append(rise)
            yield rise


def on_climb(rise: Rise, lasting: Iterable[Rise]) -> bool:
    """Whether a rise that does not stand apart is unrest of a slow climb, whose noise often grows with it."""
    within = (climb.start <= rise.start < climb.start + 2 * climb.climb for climb in lasting)
    return not rise.salient and any(within)
