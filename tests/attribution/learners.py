"""Small logs of reinforcement learners and language models, made of noise and of what happened to them."""

from collections.abc import Mapping

import numpy as np

import spikediag
from spikediag.model import CauseVerdict, Finding

N, AT = 600, 400


def noise(seed: int, level: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return level + np.random.default_rng(seed).normal(0, scale, N)


def burst(values: np.ndarray, at: int, height: float, length: int = 1) -> np.ndarray:
    values = values.copy()
    values[at : at + length] += height
    return values


def found(curves: Mapping[str, np.ndarray], **facts: float) -> Finding:
    """The leading finding of a run that logs these curves at every step."""
    steps = np.arange(len(next(iter(curves.values()))))
    run = spikediag.Run.from_arrays({tag: (steps, values) for tag, values in curves.items()}, **facts)
    lead = spikediag.diagnose(run).lead
    assert lead is not None
    return lead


def verdict(finding: Finding, cause: str) -> CauseVerdict:
    return next(v for v in finding.verdicts if v.cause == cause)


def weights(finding: Finding, cause: str) -> dict[str, float]:
    return {e.what: e.weight for e in verdict(finding, cause).evidence}
