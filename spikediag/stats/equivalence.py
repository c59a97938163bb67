"""'It did not rise' as a claim that can be wrong at most 5 % of the time: the interval of one change."""

import math
from dataclasses import dataclass

from scipy.special import betaincinv, stdtr, stdtrit


@dataclass(frozen=True)
class Change:
    """An observed change, its standard error (same unit) and the degrees of freedom of that error.

    Without degrees of freedom nothing is known of the error, and no interval is finite.
    """

    value: float
    error: float
    degrees: float

    def bound(self, alpha: float) -> float:
        """The upper end of the one-sided interval: a larger true change is seen this low in `alpha` of cases.

        With `1 - alpha`, the lower end.
        """
        if not math.isfinite(self.error) or self.degrees <= 0:
            return math.inf if alpha < 0.5 else -math.inf
        return self.value + self.error * float(stdtrit(self.degrees, 1 - alpha))

    def p_at_least(self, margin: float) -> float:
        """Chance of a change this small or smaller if the true one were `margin` (Student's t, one-sided).

        Below 0.05 exactly where `bound(0.05)` lies below the margin: half of Schuirmann's two one-sided
        tests (1987, doi:10.1007/BF01068419), the half that a rise is asked for.
        """
        if not math.isfinite(self.error) or self.degrees <= 0:
            return 1.0
        if self.error <= 0:
            return 0.0 if self.value < margin else 1.0
        return float(stdtr(self.degrees, (self.value - margin) / self.error))


def binomial_interval(hits: int, trials: int, alpha: float = 0.05) -> tuple[float, float]:
    """The exact two-sided interval of a share (Clopper, Pearson 1934, doi:10.1093/biomet/26.4.404)."""
    low = float(betaincinv(hits, trials - hits + 1, alpha / 2)) if hits else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1 - alpha / 2)) if hits < trials else 1.0
    return low, high
