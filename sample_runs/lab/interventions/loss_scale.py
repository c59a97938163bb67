"""loss-scale: half-precision gradients overflow, and the scaler backs off before it unscales."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.truth import Truth

if TYPE_CHECKING:
    from torch import Tensor

    from sample_runs.lab.state import State

HALF_MAX = 65504.0  # the largest number of half precision


@dataclass(frozen=True)
class LossScale(Intervention):
    """Half-precision gradients of a scaled loss, with a scaler that has one fault.

    The scale is `low` until update `step`, where it is raised by `1 / backoff`, beyond half precision.
    The overflowing gradients are saturated instead of skipped, and unscaled with the scale that the scaler
    has already backed off to: this update counts up to `1 / backoff` times.
    """

    step: int
    low: float = 32.0
    backoff: float = 2.0**-11

    def before_step(self, training: "State", step: int) -> None:
        """Set the scale of this update."""
        if step == 0:
            training.loss_scale = self.low
        if training.overflowed:
            training.loss_scale *= self.backoff
            training.overflowed = False
        if step == self.step:
            training.loss_scale /= self.backoff

    def backward(self, training: "State", loss: "Tensor", step: int) -> None:
        """Scale the loss, round its gradients to half precision, unscale with the next update's scale."""
        (loss * training.loss_scale).backward()
        gradients = [weight.grad for weight in training.policy.parameters() if weight.grad is not None]
        halves = [gradient.half() for gradient in gradients]
        training.overflowed = any(bool(half.isinf().any()) for half in halves)
        next_scale = training.loss_scale * (self.backoff if training.overflowed else 1.0)
        for gradient, half in zip(gradients, halves, strict=True):
            gradient.copy_(half.float().clamp(-HALF_MAX, HALF_MAX) / next_scale)

    def truth(self) -> Truth:
        """One update is far too large; the loss scale falls in the same update."""
        return Truth(
            f"The loss scale is raised to {self.low / self.backoff:,.0f} at update {self.step:,}: "
            "the gradients overflow half precision, and the scaler backs off before it unscales them.",
            "One update counts many times, in the same update in which the loss scale falls.",
            step=self.step,
            kind=("transient", "level_shift", "train"),
            coupling=("coupled", "undecided", "decoupled"),
            primary_cause="loss-scale",
        )
