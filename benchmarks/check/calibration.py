"""How often the exact methods of check and compare are wrong: `python -m benchmarks.check.calibration`.

Intervals: the share of 4,000 pairs of sides whose 95 % interval holds the true rate ratio, for Poisson counts
and for seeds whose rates are gamma-distributed (variance of the counts `dispersion` times their mean).
History: the share of 400 good runs that fail beside five equally good ones, at alpha 5 %.
"""

from types import MappingProxyType

import numpy as np

from spikediag import model, study
from spikediag.policy import Policy, history
from spikediag.policy.rules import judge
from spikediag.stats.rates import Counts, rate_ratio

PAIRS, RUNS = 4000, 400
RATIO = 0.4


def coverage(rng, seeds, mean, dispersion):
    """Share of pairs whose interval holds RATIO, and the median width as a factor."""

    def side(level):
        clump = dispersion - 1
        rates = np.full(seeds, level) if clump == 0 else rng.gamma(level / clump, clump, seeds)
        return Counts(tuple(int(k) for k in rng.poisson(rates)), (1.0,) * seeds)

    stated = study.dispersion() if seeds == 1 else None
    ratios = [rate_ratio(side(mean), side(RATIO * mean), spread=stated) for _ in range(PAIRS)]
    return np.mean([r.low <= RATIO <= r.high for r in ratios])


def failures(rng, spread):
    """Share of good runs that fail beside five good ones; spikes come at a rate drawn for each run."""

    def good():
        values = rng.normal(rng.normal(-15, 0.2), 0.4, 2000)
        for at in rng.choice(np.arange(100, 1990), rng.poisson(3 if spread == 1 else rng.gamma(1, 3)), False):
            values[at : at + 2] += rng.lognormal(2.3, 0.4)
        return diagnosed(values)

    broken = [
        bool(history.against_history(judge(good(), Policy()), [good() for _ in range(5)], 0.05).breaches)
        for _ in range(RUNS)
    ]
    return np.mean(broken)


def diagnosed(values):
    """A diagnosis that found nothing, of one loss."""
    steps = np.arange(len(values))
    loss = model.Series("loss", model.Role.LOSS, steps, values, np.full(len(values), np.nan))
    run = model.Run("run", "run", MappingProxyType({"loss": loss}))
    overall = model.RunVerdict(model.RunStatus.CLEAN, None, None, model.say("Nothing."))
    return model.Diagnosis(run, (), (), overall, tuple, "0")


def main():
    rng = np.random.default_rng(20261122)
    print("| seeds a side | spikes a seed | dispersion | 95 % interval holds the truth |")
    print("| ---: | ---: | ---: | ---: |")
    for seeds, mean, dispersion in (
        (1, 15, 1),
        (1, 15, 1.35),
        (1, 15, 2),
        (3, 15, 1),
        (5, 15, 1),
        (3, 15, 5),
        (5, 15, 5),
        (10, 15, 5),
    ):
        print(f"| {seeds} | {mean} | {dispersion} | {coverage(rng, seeds, mean, dispersion):.1%} |")
    print("\n| spikes of good runs | fail at alpha 5 % |")
    print("| --- | ---: |")
    for spread, name in ((1, "Poisson, 3 a run"), (2, "rate itself exponential, mean 3")):
        print(f"| {name} | {failures(rng, spread):.1%} |")


if __name__ == "__main__":
    main()
