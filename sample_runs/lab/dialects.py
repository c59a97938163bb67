"""Dialects: the tags under which different libraries log the same metrics, and how they encode a scalar."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """How one library writes.

    Attributes:
        tags: Metric of the logbook to TensorBoard tag; metrics that are not named are not logged.
        tensors: True if scalars are TF2 tensors (`tf.summary.scalar`), false for `simple_value`.
    """

    tags: dict[str, str]
    tensors: bool = False

    def __add__(self, tags: dict[str, str]) -> "Dialect":
        return Dialect({**self.tags, **tags}, self.tensors)


HIL_SERL = Dialect(
    {
        "actor_loss": "bc/actor_loss",
        "total_loss": "bc/total_loss",
        "mse": "bc/mse",
        "normalized_mse": "bc/normalized_mse",
    }
)
