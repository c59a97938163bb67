"""Settings: what the model of the spike rate knows of a training, each None where it is not known."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DEFAULT_MEMORY = 1_000.0  # updates, of Adam's second moment at beta2 0.999
FREE_SIGMA = 0.002  # a floor below it bounded no sigma of the study
DOSES = MappingProxyType(
    {
        "smaller-batch": (1 / 6, 1 / 3),  # times the batch
        "more-data": (3.5, 7.0),  # times the dataset
        "sigma-floor": (0.025, 0.1),  # action units
        "grad-clip": (0.5, 2.0),
        "beta2": (0.93, 0.97),
    }
)  # near what the study tried: a quarter, five times, 0.05, 1 and 0.95
CALM_NORM = 30.0  # a clip above it cut no gradient of the study but those of a spike


@dataclass(frozen=True)
class Settings:
    """The settings of one training that its spikes may depend on.

    Attributes:
        batch_size: Samples of one update.
        dataset_size: Samples.
        updates: Length of the training.
        learning_rate: The highest.
        decays: Whether the rate decays to the end.
        beta2: Of Adam.
        sigma_floor: Smallest standard deviation, action units.
        clip: Gradient norm; infinite where gradients are not clipped.
        weight_decay: Factor of the penalty on half the squared weights.
        dropout: Share of hidden units left out.
        width: Hidden units of a layer.
        action_dims: Action dimensions.
        degenerate: Whether one of them is constant, has two values only, or is mostly zero.
        action_noise: Standard deviation of what noise the dataset has in every action, that one too.
        shuffled: Whether batches are drawn without replacement.
    """

    batch_size: float | None = None
    dataset_size: float | None = None
    updates: float | None = None
    learning_rate: float | None = None
    decays: bool | None = None
    beta2: float | None = None
    sigma_floor: float | None = None
    clip: float | None = None
    weight_decay: float | None = None
    dropout: float | None = None
    width: float | None = None
    action_dims: float | None = None
    degenerate: bool | None = None
    action_noise: float | None = None
    shuffled: bool | None = None

    def features(self) -> Mapping[str, float | None]:
        """What the logarithm of the rate is linear in; natural logarithms, None where not known."""
        memory = None if self.beta2 is None else 1 / max(1 - self.beta2, 1e-6)
        return {
            "batch": _log(self.batch_size, 128),
            "dataset": _log(self.dataset_size, 500),
            "updates": _log(self.updates, 6_000),
            "rate": _log(self.learning_rate, 3e-4),
            "decay": None if self.decays is None else float(self.decays),
            "memory": _log(memory, DEFAULT_MEMORY),
            "floor": _above(self.sigma_floor, FREE_SIGMA),
            "clip": _below(self.clip, CALM_NORM),
            "weight_decay": None if self.weight_decay is None else 1_000 * self.weight_decay,
            "dropout": None if self.dropout is None else 10 * self.dropout,
            "width": _log(self.width, 32),
            "dims": _log(self.action_dims, 5),
            "degenerate": None if self.degenerate is None else float(self.degenerate),
            "action_noise": _above(self.action_noise, FREE_SIGMA),
            "shuffled": None if self.shuffled is None else float(self.shuffled),
        }


def _log(value: float | None, unit: float) -> float | None:
    return None if value is None or value <= 0 else math.log(value / unit)


def _above(value: float | None, free: float) -> float | None:
    """How far a floor lies above what binds nothing; 0 below."""
    return None if value is None else math.log(max(value, free) / free)


def _below(value: float | None, free: float) -> float | None:
    """How far a limit lies below what binds nothing; 0 above."""
    return None if value is None else math.log(free / min(max(value, 1e-6), free))
