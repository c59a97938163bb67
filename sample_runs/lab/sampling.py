"""Sampling: which transitions make up each batch."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from sample_runs.lab.policy import GaussianPolicy
from sample_runs.lab.recipe import Recipe

REWEIGH_PERIOD = 100  # updates between two looks at the action errors

Batches = Iterator[Tensor]  # (b,) int64, positions in the demonstrations


def batches(recipe: Recipe, policy: GaussianPolicy, observations: Tensor, actions: Tensor) -> Batches:
    """The endless stream of batches that `recipe.sampling` names."""
    rng = np.random.default_rng([recipe.seed, 1])
    if recipe.sampling == "replacement":
        return _with_replacement(rng, recipe.dataset_size, recipe.batch_size)
    if recipe.sampling == "weighted":

        def weights() -> np.ndarray:
            with torch.no_grad():
                error = policy.likelihood(observations, actions).error.square().sum(1).sqrt()
            return error.numpy().astype(np.float64)

        return _weighted(rng, weights, recipe.batch_size)
    if recipe.sampling == "epochs":
        return _epochs(rng, recipe.dataset_size, recipe.batch_size)
    raise ValueError(f"sampling {recipe.sampling!r} is none of replacement, weighted, epochs")


def _with_replacement(rng: np.random.Generator, size: int, batch_size: int) -> Batches:
    while True:
        yield from torch.from_numpy(rng.integers(size, size=(1000, batch_size)))


def _weighted(rng: np.random.Generator, weights: Callable[[], np.ndarray], batch_size: int) -> Batches:
    """Half of the probability by action error, half uniform, so that no transition is ever forgotten."""
    while True:
        share = weights()
        share = 0.5 * share / share.sum() + 0.5 / len(share)
        yield from torch.from_numpy(rng.choice(len(share), p=share, size=(REWEIGH_PERIOD, batch_size)))


def _epochs(rng: np.random.Generator, size: int, batch_size: int) -> Batches:
    while True:
        yield from torch.from_numpy(rng.permutation(size)).split(batch_size)
