"""Series as no training writes them: extreme numbers, ties, gaps, steps at the edge of 64 bits."""

import random

import numpy as np
from numpy.typing import NDArray

TAGS = (
    "loss", "train/loss", "train/nll", "train/mse", "val/mse", "grad_norm", "lr", "std", "log_std", "entropy",
    "reward", "epoch", "samples", "loss_scale", "actor_loss", "critic_loss", "eval/success_rate", "anything",
)  # fmt: skip
EXTREMES = (
    0.0, -0.0, 5e-324, -5e-324, 1e-310, 1e-160, 1e-45, 1.0, -1.0, 1e6, 3.4e38, 1e59, 1e61, 1e154, 1e308,
    -1e308, 1.7976931348623157e308, -1.7976931348623157e308, float("inf"), float("-inf"), float("nan"),
)  # fmt: skip
FACTS = ("batch_size", "dataset_size", "action_dim", "train_steps", "learning_rate", "grad_clip", "beta2")
COUNTS = (1, 7, 64, 418, 10**9, 10**18, 2**63, 10**100, 0.5, 1e-9, 1e300, "12", -1, True)
EDGE = 2**53


def arrays(rng: random.Random) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """One run of one to seven tags, with at least one loss among them."""
    tags = {"loss", *rng.sample(TAGS, rng.randrange(0, 7))}
    n = rng.choice((1, 2, 3, 5, 9, 20, 50, 120, 300, 700))
    steps = _steps(rng, n)
    return {tag: _cut(rng, steps, _values(rng, n)) for tag in sorted(tags)}


def facts(rng: random.Random) -> dict[str, object]:
    """Some facts, most of them possible."""
    return {name: rng.choice(COUNTS) for name in FACTS if rng.random() < 0.3}


def _cut(
    rng: random.Random, steps: NDArray[np.int64], values: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    every, length = rng.choice((1, 1, 1, 2, 7)), rng.choice((1.0, 1.0, 0.6, 0.1))
    stop = max(1, int(length * len(steps)))
    return steps[:stop:every], values[:stop:every]


def _steps(rng: random.Random, n: int) -> NDArray[np.int64]:
    numpy = np.random.default_rng(rng.getrandbits(64))
    kind = rng.randrange(6)
    if kind == 0:
        return np.sort(numpy.integers(-EDGE, EDGE, n))
    if kind == 1:
        return np.linspace(-EDGE, EDGE, n).astype(np.int64)
    if kind == 2:
        return EDGE - np.arange(n)[::-1]
    if kind == 3:
        return np.sort(numpy.integers(0, 3 * n, n))
    return np.arange(n) * rng.choice((1, 1, 10, 500, 10**12)) - rng.choice((0, 0, 5))


def _values(rng: random.Random, n: int) -> NDArray[np.float64]:
    numpy = np.random.default_rng(rng.getrandbits(64))
    shapes = (
        lambda: numpy.normal(size=n),
        lambda: numpy.normal(size=n).cumsum(),
        lambda: numpy.integers(-3, 4, n).astype(float),
        lambda: np.exp(numpy.normal(scale=rng.choice((1, 50, 300)), size=n)),
        lambda: np.zeros(n),
        lambda: np.arange(n, dtype=float),
        lambda: np.array([rng.choice(EXTREMES) for _ in range(n)]),
        lambda: numpy.standard_cauchy(n),
        lambda: np.exp(-np.arange(n) / max(1, n / 5)) + numpy.normal(scale=0.01, size=n),
    )
    scale = rng.choice((1, 1, 1, 1, 1e-320, 1e-200, 1e-149, 1e-30, 1e30, 1e99, 1e149, 1e200, 1e307))
    with np.errstate(all="ignore"):
        values = np.asarray(
            rng.choice(shapes)() * scale + rng.choice((0, 0, 0, 1e6, -100.0, 1e16)), dtype=float
        )
    for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
        at, width = rng.randrange(n), rng.choice((1, 1, 2, 4, 8, n))
        values[at : at + width] = rng.choice((*EXTREMES, 3.0, 10.0, 40.0, 100.0))
    return values
