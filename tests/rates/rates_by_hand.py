"""A model of the spike rate written by hand: for tests, its numbers mean nothing."""

import numpy as np

from spikediag.rates import Rates, Settings, Shift

WEIGHTS = {"batch": 0.8, "dataset": -0.2, "rate": 0.5, "floor": -1.0, "degenerate": 2.0}


def rates() -> Rates:
    names = tuple(Settings().features())
    k = len(names)
    ranges = np.array([[-2.0, 2.0]] * k)
    ranges[names.index("batch")] = np.log([32 / 128, 384 / 128])
    return Rates(
        intercept=-9.0,
        names=names,
        weights=np.array([WEIGHTS.get(name, 0.0) for name in names]),
        covariance=np.zeros((k + 1, k + 1)),
        means=np.zeros(k),
        sds=np.full(k, 0.5),
        ranges=ranges,
        between=0.5,
        size=4.0,
        shifts={
            "sigma-floor": Shift(-4.0, 0.5, 0.5, 0.6, 0.54, 0.66, 1.2, 30),
            "grad-clip": Shift(-2.0, 0.3, 0.5, 1.0, 0.9, 1.1, 0.1, 30),
            "beta2": Shift(-1.5, 0.3, 0.5, 1.0, 0.9, 1.1, 0.0, 30),
            "smaller-batch": Shift(-1.2, 0.3, 0.5, 0.9, 0.81, 0.99, 0.4, 30),
            "action-noise": Shift(-3.0, 0.3, 0.5, 0.9, 0.81, 0.99, 1.0, 30),
            "lr-decay": Shift(-1.0, 0.3, 0.5, 1.1, 0.99, 1.2, 0.2, 30),
            "drop-dimension": Shift(-4.0, 0.5, 0.5, 0.8, 0.72, 0.88, 2.0, 30),
            "weighted-sampling": Shift(0.2, 0.3, 0.5, 1.6, 1.4, 1.8, 1.0, 30),
            "more-data": Shift(0.5, 0.3, 0.5, 1.0, 0.9, 1.1, 4.0, 30),
        },
        recipes=130,
        trainings=700,
    )
