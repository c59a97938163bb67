"""What every other series did at one jump of a loss, held against what it does elsewhere.

A series is a witness where it moved farther than the tail of its own windows elsewhere allows, all series
asked counted in. Elsewhere means where the loss did not jump: a gradient norm that leaps every few windows,
jump or no jump, says nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spikediag.model import (
    NEAR,
    FloatArray,
    IntArray,
    Measure,
    Moment,
    Role,
    Run,
    Series,
    Shape,
    Spike,
    Witness,
    Witnesses,
    median_gap,
)
from spikediag.model.spike import SURE_SDS
from spikediag.stats.medians import median, medians
from spikediag.stats.scale import row_noise, row_slope
from spikediag.stats.tails import fit_tail
from spikediag.stats.timing import moment
from spikediag.witnesses.copies import AffineFit, alike, copies

LEAD = 10  # logged points of the loss before its onset in which a series may have moved first
BEFORE, FEWEST_BEFORE = 65, 8  # points that give the level and the noise before, half of the past at most
ALPHA = 0.05  # false witnesses per jump that are accepted
FAR = 5.0  # robust standard deviations below which nothing moved
VERY_FAR = 10.0  # where too few windows tell what is usual
ALONE = 3.0  # times the farthest point before, by which a point goes farther there
ROUNDED = 1e-8  # of the largest number: single precision tells no more
WINDOWS, FEWEST_WINDOWS = 80, 8  # elsewhere
SHAPE_MEAN, SHAPE_SD = 0.15, 0.15  # prior of the tail of such moves: heavier than that of noise
RAREST = 1e-6  # chance; how much rarer a move is, nobody has the windows to say
LOOKED_AT = 32  # series that moved farthest, of which more is asked
KEPT = 12  # witnesses of one jump
UNREST = 1.5  # times the farthest point before, beyond which a point has surely moved
BEGUN = 2.0  # robust standard deviations at which a move may have begun


@dataclass(frozen=True, eq=False)
class Numbers:
    """The finite points of one series."""

    series: Series
    steps: IntArray  # (n,)
    values: FloatArray  # (n,)

    @cached_property
    def interval(self) -> float:
        """Median distance of two of them, in steps; 1 for a single one."""
        return self.series.interval if len(self.steps) == len(self.series) else median_gap(self.steps)


@dataclass(frozen=True, eq=False)
class SeriesTable:
    """The series of a run, those with the same steps side by side; made once for all of its jumps."""

    run: Run
    _alike: dict[str, Mapping[str, AffineFit]] = field(default_factory=dict)

    def alike(self, loss: Series) -> Mapping[str, AffineFit]:
        """The series that follow a loss all along, by tag."""
        if loss.tag not in self._alike:
            self._alike[loss.tag] = alike(self.run, loss)
        return self._alike[loss.tag]

    @cached_property
    def all(self) -> tuple[tuple[Numbers, ...], ...]:
        """Every series with at least one number."""
        found: dict[bytes, list[Numbers]] = {}
        for tag in sorted(self.run.series):
            series = self.run.series[tag]
            steps, values = series.numbers
            if len(steps):
                found.setdefault(steps.tobytes(), []).append(Numbers(series, steps, values))
        return tuple(tuple(some) for some in found.values())


@dataclass(frozen=True)
class JumpPlace:
    """Positions of a jump in series with the same steps: what may lead it, its onset, one past its end."""

    first: int
    onset: int
    stop: int
    lasts: bool  # whether the loss stays up, so that a new level of a series tells as well as one point

    @property
    def before(self) -> int:
        """Points before it from which the level is taken."""
        return min(BEFORE, max(FEWEST_BEFORE, self.first // 2))

    @property
    def rows(self) -> IntArray:
        """Positions of the points before and of the jump, relative to its first."""
        return np.arange(-self.before, self.stop - self.first)


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one or more series, each with the points before it."""

    level: FloatArray  # (m,) median before
    noise: FloatArray  # (m,) robust standard deviation before, at least what rounding makes of it
    constant: NDArray[np.bool_]  # (m,) whether there was no noise before
    unrest: FloatArray  # (m,) distance of the farthest point before from the level
    strayed: FloatArray  # (m,) the same from the trend
    flat: FloatArray  # (m, w) points minus the level
    away: FloatArray  # (m, w) the same, or minus the trend where that is nearer
    onset: int  # position of the onset in a window
    lasts: bool

    @classmethod
    def of(cls, rows: FloatArray, place: JumpPlace) -> "Windows":
        """Rows (m, before + w), as `JumpPlace.rows` picks them."""
        before, window = rows[:, : place.before], rows[:, place.before :]
        level = medians(before)
        flat = window - level[:, None]
        ahead = np.arange(rows.shape[1]) - (place.before - 1) / 2
        trend = rows - level[:, None] - row_slope(before)[:, None] * ahead
        past, trend = trend[:, : place.before], trend[:, place.before :]
        noise = row_noise(before)
        nearer = np.sign(flat) * np.minimum(np.abs(flat), np.abs(trend))
        return cls(
            level=level,
            noise=np.maximum(noise, ROUNDED * np.abs(rows).max(axis=1)),
            constant=noise <= ROUNDED * np.abs(before).max(axis=1),
            unrest=np.abs(before - level[:, None]).max(axis=1),
            strayed=np.abs(past).max(axis=1),
            flat=flat,
            away=np.where(flat * trend > 0, nearer, 0.0),
            onset=place.onset - place.first,
            lasts=place.lasts,
        )

    def part(self, first: int, stop: int) -> "Windows":
        """Those from the first on, up to but without the last."""
        rows = (self.level, self.noise, self.unrest, self.strayed, self.flat, self.away)
        level, noise, unrest, strayed, flat, away = (row[first:stop] for row in rows)
        constant = self.constant[first:stop]
        return Windows(level, noise, constant, unrest, strayed, flat, away, self.onset, self.lasts)

    def reached(self, change: float) -> float:
        """Where the first of them stands when it has gone as far as `changes` says, without the trend."""
        at = np.flatnonzero(self.away[0] == change)
        gone = float(self.flat[0, at[0]] if len(at) else median(self.flat[0, self.onset :]))
        return float(self.level[0]) + gone

    def changes(self) -> Iterator[FloatArray]:
        """How far each went, (m,): its farthest point; where the jump lasts, its new level as well."""
        high, low = self.away.max(axis=1), self.away.min(axis=1)
        yield np.where(high >= -low, high, low)
        if self.lasts:
            yield medians(self.away[:, self.onset :])


@dataclass(frozen=True, eq=False)
class Move:
    """How far one series went at a jump, and how far it goes elsewhere, one way of looking."""

    change: float
    noise: float
    elsewhere: FloatArray  # (m,) robust standard deviations, in windows without a jump
    strayed: float  # how far points went before; 0 for a level, which no single one makes

    @property
    def sigmas(self) -> float:
        """The change in robust standard deviations."""
        return self.change / self.noise

    @cached_property
    def moved(self) -> int:
        """Windows elsewhere in which it went as far."""
        return int(np.count_nonzero(self.elsewhere >= abs(self.sigmas)))

    @cached_property
    def chance(self) -> float | None:
        """P(as far in any one window), from the tail of the others; None for too few of them."""
        if len(self.elsewhere) < FEWEST_WINDOWS:
            return None
        if self.moved:
            return self.moved / len(self.elsewhere)
        tail = fit_tail(self.elsewhere, SHAPE_MEAN, SHAPE_SD).exceedance(np.array([abs(self.sigmas)]))
        return max(float(tail[0]), RAREST)

    def tells(self, asked: int) -> bool:
        """Whether so many series would hardly ever show such a move by chance."""
        if self.chance is None:
            return abs(self.change) >= max(VERY_FAR * self.noise, ALONE * self.strayed)
        return abs(self.sigmas) >= FAR and self.chance * asked <= ALPHA


def ask_every_series(table: SeriesTable, spike: Spike, others: Sequence[Spike]) -> Witnesses:
    """Ask every other series of the run what it did at one jump.

    Args:
        table: The run.
        spike: The jump; of a train, its highest member is asked about.
        others: Every spike of the same loss.
    """
    loss = table.run.series[spike.tag]
    same = copies(table.run, spike, table.alike(loss))
    totals = (s.tag for s in table.run.having(Role.LOSS) if s.measure is Measure.TOTAL)
    left_out = {loss.tag, *totals, *(copy.tag for copy in same), *table.run.on_other_axes}
    asked = len(table.run.series) - len(left_out)
    zones, began = jump_zones(loss, others), moment(loss, spike, spike.onset_of_highest)
    moved = [_witness(mover, asked, began) for mover in _movers(table, spike, left_out, zones)]
    return Witnesses(asked, tuple(sorted((w for w in moved if w is not None), key=_order)[:KEPT]), same)


def _order(witness: Witness) -> tuple[int, float, str]:
    """Who came first leads, who came later ends; in each part by how far."""
    lag = witness.lag
    return (0 if lag.leads else 2 if lag.follows else 1), -abs(witness.sigmas), witness.tag


def place_of(other: Numbers, loss: Series, spike: Spike) -> JumpPlace | None:
    """Where a jump lies among the steps of another series.

    None where too few points come before it, or none lies on it. Where they are logged more sparsely than the
    loss, the first point after the onset counts as on it.
    """
    lasts = spike.shape is not Shape.BURST
    stop = min(spike.start + NEAR, len(loss)) if lasts else spike.window(loss.values)[1]
    start, last = float(loss.steps[spike.onset_of_highest]), float(loss.steps[stop - 1])
    steps, own = other.steps, other.interval
    if own > loss.interval:
        last = max(last, start + own - 1)
    first, at = steps.searchsorted([start - max(LEAD * loss.interval, own), start]).tolist()
    end = int(steps.searchsorted(last, side="right"))
    first = max(first, min(FEWEST_BEFORE, at))
    return JumpPlace(first, at, end, lasts) if first >= FEWEST_BEFORE and at < end else None


def jump_zones(loss: Series, spikes: Sequence[Spike]) -> FloatArray:
    """First and last steps of the stretches in which a loss is not calm, and of what led to them, (k, 2).

    That a loss falls because it learns is calm.
    """
    reach, zones = LEAD * loss.interval, []
    for spike in (s for s in spikes if not s.is_fall):
        for member in spike.excursions:
            stays = not spike.members and not spike.recovered
            last = np.inf if stays else float(loss.steps[min(member.stop, len(loss)) - 1]) + reach
            zones.append((float(loss.steps[member.start]) - reach, last))
    return np.array(zones, dtype=np.float64).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Mover:
    """One series that moved at a jump: its window there, and those in which the loss was calm."""

    one: Numbers
    place: JumpPlace
    here: Windows
    elsewhere: Windows

    def moves(self) -> Iterator[Move]:
        """How far it went, in every way of looking."""
        strayed = float(self.here.strayed[0])
        for here, elsewhere in zip(self.here.changes(), self.elsewhere.changes(), strict=True):
            sigmas = np.abs(elsewhere) / self.elsewhere.noise
            yield Move(float(here[0]), float(self.here.noise[0]), sigmas, strayed)
            strayed = 0.0


def _movers(table: SeriesTable, spike: Spike, left_out: set[str], zones: FloatArray) -> list[Mover]:
    """The series that moved farthest, of all that moved."""
    loss, found = table.run.series[spike.tag], []
    for together in table.all:
        place = place_of(together[0], loss, spike)
        if place is None:
            continue
        rows = place.first + place.rows
        windows = Windows.of(np.stack([one.values[rows] for one in together]), place)
        far = np.max([np.abs(changes) for changes in windows.changes()], axis=0) / windows.noise
        calm = calm_windows(together[0].steps, place, zones)
        found += [
            (float(far[n]), together[n], place, windows.part(n, n + 1), calm)
            for n in np.flatnonzero(far >= FAR).tolist()
            if together[n].series.tag not in left_out
        ]
    farthest = sorted(found, key=lambda f: (-f[0], f[1].series.tag))[:LOOKED_AT]
    elsewhere: dict[str, Windows] = {}
    for place, calm in {id(place): (place, calm) for _, _, place, _, calm in farthest}.values():
        elsewhere |= _elsewhere([one for _, one, other, _, _ in farthest if other is place], place, calm)
    return [Mover(one, place, here, elsewhere[one.series.tag]) for _, one, place, here, _ in farthest]


def _elsewhere(series: Sequence[Numbers], place: JumpPlace, calm: IntArray) -> dict[str, Windows]:
    """The calm windows (m,) of series with the same steps, by tag, measured in one go."""
    rows, m = calm[:, None] + place.rows, len(calm)
    windows = Windows.of(np.concatenate([one.values[rows] for one in series]), place)
    return {one.series.tag: windows.part(k * m, (k + 1) * m) for k, one in enumerate(series)}


def _witness(mover: Mover, asked: int, jumped: Moment) -> Witness | None:
    """What one series has to say; None where it moves as far without a jump, or was on its way already."""
    telling = [move for move in mover.moves() if move.tells(asked)]
    if not telling:
        return None
    move = min(telling, key=lambda m: (1.0 if m.chance is None else m.chance, -abs(m.sigmas)))
    began, series = _began(mover, move), mover.one.series
    if began is None:
        return None
    return Witness(
        tag=series.tag,
        role=series.role,
        before=float(mover.here.level[0]),
        at=mover.here.reached(move.change),
        sigmas=move.sigmas,
        lag=began.ahead_of(jumped),
        moved=move.moved,
        windows=len(move.elsewhere),
        chance=move.chance,
        was_constant=bool(mover.here.constant[0]),
    )


def calm_windows(steps: IntArray, place: JumpPlace, zones: FloatArray) -> IntArray:
    """Positions (m,) at which windows like the one of a place begin in which the loss did not jump."""
    width = place.stop - place.first
    starts = np.arange(place.before, len(steps) - width + 1, max(1, width // 2))
    ends = steps[starts + width - 1]
    calm = starts + width <= place.first
    calm |= starts >= place.stop
    for first, last in zones:
        calm &= (ends < first) | (steps[starts] > last)
    starts = starts[calm]
    if len(starts) <= WINDOWS:
        return starts
    return np.asarray(starts[np.linspace(0, len(starts) - 1, WINDOWS).astype(int)])


def _began(mover: Mover, move: Move) -> Moment | None:
    """When a series began to move: from its first sure point back to where it left its noise.

    It began where the stretch begins in which it reaches half of its way; at a jump that lasts, in an earlier
    one with a sure point from which on it mostly stayed away. A sure point lies farther than anything before,
    or half of the way. None where the first point is one: it was on its way already.
    """
    here, half = mover.here, 0.5 * abs(move.change)
    toward = np.sign(move.change) * here.away[0]
    sure = min(half, max(SURE_SDS * move.noise, UNREST * float(here.unrest[0])))
    begun = BEGUN * move.noise
    first = _left(toward <= begun, int(np.argmax(toward >= half)))
    early = np.flatnonzero((toward[:first] >= sure) & here.lasts)
    if len(early) and median(toward[early[0] : first]) > begun:
        first = _left(toward <= begun, int(early[0]))
    by = first + int(np.argmax(toward[first:] >= sure))
    if by == 0:
        return None
    steps = mover.one.steps[mover.place.first :]
    after = float(steps[first - 1]) if first > 0 else -np.inf
    return Moment(after, float(steps[first]), float(steps[by]))


def _left(quiet: NDArray[np.bool_], at: int) -> int:
    """The first position of the stretch without a quiet point that holds a position."""
    before = np.flatnonzero(quiet[:at])
    return int(before[-1]) + 1 if len(before) else 0
