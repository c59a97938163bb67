"""From measured rises to a verdict: no rise, a small one, one that may have made the jump, or undecided."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc, stdtrit

from spikediag.coupling.margin import NEEDED_SHARE
from spikediag.model import CouplingVerdict, FloatArray
from spikediag.stats.equivalence import Change
from spikediag.stats.windows import Contrast

CLAIM = 0.03  # chance of "did not move" where the error rose by the margin in the window itself
INTERVAL = 0.05  # on each side of the interval that is printed
FOUND = 0.02  # chance of a rise found where there is none
MEMBER = 0.02  # the same at a single member of a train
NOTABLE = (
    0.5  # of the margin; a smaller rise beside the window is not held against an error that stayed in it
)


@dataclass(frozen=True)
class ErrorRise:
    """How far the error rose: up is worse."""

    before: float
    change: Change  # in the window of the jump; the mean over the members of a train
    found: bool  # beyond its own noise; for a train, as a whole or at more members than chance allows
    near: float  # the largest change of the windows moved by a few points
    elsewhere: int | None = None  # points, 0 too, by which the window moves to a rise that calm times lack
    moved: int | None = None  # for trains: members at which it rose, of `tested`
    tested: int | None = None

    def within(self, margin: float) -> bool:
        """Whether any rise in the window lies inside the margin, and every change measured near it does."""
        return self.change.bound(CLAIM) < margin and self.near < margin


def decide(rise: ErrorRise, margin: float, needed: float | None) -> CouplingVerdict:
    """The verdict on one companion that can answer.

    Args:
        rise: What was measured.
        margin: The largest rise that still counts as none.
        needed: The rise that error alone would need to make the jump, None where that is unknown.
    """
    if rise.found:
        enough = margin if needed is None else NEEDED_SHARE * needed
        most = rise.change.value if needed is None else rise.change.bound(INTERVAL)
        return CouplingVerdict.PARTLY if most < enough else CouplingVerdict.COUPLED
    if rise.elsewhere is None and margin > 0 and rise.within(margin):
        return CouplingVerdict.DECOUPLED
    return CouplingVerdict.UNDECIDED


def single(contrast: Contrast, near: int, margin: float) -> ErrorRise:
    """The rise at one excursion; windows moved by up to `near` points are its neighbourhood."""
    main = contrast.shifts.index(0)
    beside = np.array([abs(shift) <= near for shift in contrast.shifts])
    unusual = contrast.worst > max(NOTABLE * margin, _quantile(contrast.calm.max(axis=1), FOUND))
    change = contrast.known
    return ErrorRise(
        before=contrast.before,
        change=change,
        found=change.bound(1 - FOUND) > 0 and contrast.change > _quantile(contrast.calm[:, main], FOUND),
        near=float(np.nanmax(contrast.moved[beside])),
        elsewhere=contrast.shifts[int(np.nanargmax(contrast.moved))] if unusual else None,
    )


def pooled(members: list[Contrast], margin: float) -> ErrorRise:
    """The rise over the members of a train, and at how many of them it rose by more than the margin."""
    shifts = members[0].shifts
    main = shifts.index(0)
    rows = np.array([member.moved for member in members])
    known = (~np.isnan(rows)).sum(axis=0)  # members at whose shift something was logged
    moved = np.where(known > 0, np.nansum(rows, axis=0) / np.maximum(known, 1), np.nan)
    error = math.sqrt(sum(member.error**2 for member in members)) / len(members)
    change = Change(float(moved[main]), error, min(member.degrees for member in members))
    here = _Members([(m.change, m.calm[:, main], m.error, m.degrees) for m in members], margin)
    beside = _Members([(m.worst, m.calm.max(axis=1), m.error, m.degrees) for m in members], margin)
    apart = np.nanmax(moved) > max(NOTABLE * margin, _limit(error, change.degrees, FOUND / len(shifts)))
    return ErrorRise(
        before=float(np.mean([member.before for member in members])),
        change=change,
        found=change.bound(1 - FOUND) > 0 or here.unusual(1),
        near=float(np.nanmax(moved)),
        elsewhere=shifts[int(np.nanargmax(moved))] if apart or beside.unusual(len(shifts)) else None,
        moved=here.rose(MEMBER),
        tested=len(members),
    )


@dataclass(frozen=True, eq=False)
class _Members:
    """The members of a train one by one: change, calm changes, standard error and its degrees."""

    of: list[tuple[float, FloatArray, float, float]]
    margin: float

    def rose(self, chance: float) -> int:
        """How many rose by more than the margin and further than this share of calm changes."""
        return sum(
            len(calm) > 0 and change > max(self.margin, _quantile(calm, chance))
            for change, calm, _, _ in self.of
        )

    def unusual(self, windows: int) -> bool:
        """Whether more rose than calm times show by chance, or one so far that none of them all should."""
        rarest = 1 / (1 + min(len(calm) for _, calm, _, _ in self.of))
        return (
            self._many(MEMBER)
            or self._many(min(rarest, MEMBER))
            or any(
                change > max(_quantile(calm, 0), _limit(error, degrees, FOUND / (len(self.of) * windows)))
                for change, calm, error, degrees in self.of
            )
        )

    def _many(self, chance: float) -> bool:
        rose = self.rose(chance)
        return rose > 0 and float(bdtrc(rose - 1, len(self.of), chance)) < FOUND


def _quantile(calm: FloatArray, above: float) -> float:
    """The value that a share of the calm changes lies above; without any, nothing is known of it."""
    return np.sort(calm).item(math.ceil((len(calm) - 1) * (1 - above))) if len(calm) else -math.inf


def _limit(error: float, degrees: float, chance: float) -> float:
    """How far a change lies above zero by chance."""
    return -float(stdtrit(degrees, chance)) * error if degrees > 0 else math.inf
