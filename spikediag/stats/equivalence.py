"""Two one-sided tests: 'it did not move' as a claim that can be wrong at most 5 % of the time."""

import math
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit


@dataclass(frozen=True)
class Equivalence:
    """The outcome of two one-sided tests of one change against a margin."""

    low: float  # 1 - 2 alpha confidence interval
    high: float
    p_equivalent: float  # the larger of the two one-sided p-values

    def within(self, margin: float) -> bool:
        """The whole interval lies inside the margin: equivalent."""
        return -margin < self.low and self.high < margin


def two_one_sided(
    change: float, error: float, degrees: float, margin: float, alpha: float = 0.05
) -> Equivalence:
    """Test `|change| < margin` with Student's t (Schuirmann 1987, doi:10.1007/BF01068419).

    Args:
        change: Observed change.
        error: Its standard error, >= 0, same unit.
        degrees: Degrees of freedom of that error, > 0.
        margin: Largest change that still counts as none, > 0.
        alpha: Size of each one-sided test.
    """
    if not math.isfinite(error):
        return Equivalence(-math.inf, math.inf, 1.0)
    if error <= 0:
        return Equivalence(change, change, 0.0 if abs(change) < margin else 1.0)
    spread = float(stdtrit(degrees, 1 - alpha)) * error
    below = float(stdtr(degrees, -(change + margin) / error))
    above = float(stdtr(degrees, (change - margin) / error))
    return Equivalence(change - spread, change + spread, max(below, above))
