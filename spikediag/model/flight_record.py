"""What a flight recorder kept of the updates around an incident, and the layout of its file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikediag.model.run import FloatArray, IntArray

PREFIX, SUFFIX = "spikediag-record-", ".npz"
LAYOUT = 1  # number of the layout that `FlightRecord.arrays` writes
NOBODY = -1  # index of a sample that is not there: batches may differ in size
GRAD_NORM, PROBE_LOSS = "grad_norm", "probe_loss"  # scalars that have a meaning here


@dataclass(frozen=True, eq=False)
class FlightRecord:
    """The last updates before and after an incident: n updates, d action dimensions, b samples of a batch.

    What was not recorded has no column, or NaN. Everything of an update was measured at the weights from
    which it started.
    """

    file: str  # relative to the run; "" before it is written
    onset_step: int  # what the recorder was told of the incident
    peak_step: int
    steps: IntArray  # (n,), strictly increasing
    dimension_nll: FloatArray  # (n, d), nats, the mean of the batch
    dimension_log_std: FloatArray  # (n, d), the mean of the batch
    sample_nll: FloatArray  # (n, b), nats, summed over dimensions
    indices: IntArray  # (n, b), of the samples in the dataset; `NOBODY` where there is none
    scalars: Mapping[str, FloatArray] = field(default_factory=lambda: MappingProxyType({}))  # (n,) each
    dimensions: tuple[str, ...] = ()  # their names, where they are known

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What its file holds, by name."""
        return {
            "layout": np.array(LAYOUT),
            "incident": np.array([self.onset_step, self.peak_step]),
            "steps": self.steps,
            "dimension_nll": self.dimension_nll,
            "dimension_log_std": self.dimension_log_std,
            "sample_nll": self.sample_nll,
            "indices": self.indices,
            "scalar_names": _texts(self.scalars),
            "scalars": np.stack(list(self.scalars.values()) or [np.empty(0)]),
            "dimensions": _texts(self.dimensions),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], file: str) -> "FlightRecord":
        """The record that a file holds.

        Raises:
            ValueError: the layout is another one, or an array is missing or has another shape than it says.
        """
        try:
            _refuse_other_layout(arrays["layout"])
            (onset, peak), steps = arrays["incident"].tolist(), _whole(arrays["steps"])
            named = dict(zip(arrays["scalar_names"].tolist(), _real(arrays["scalars"]), strict=False))
            made = cls(
                file,
                int(onset),
                int(peak),
                steps,
                dimension_nll=_real(arrays["dimension_nll"]),
                dimension_log_std=_real(arrays["dimension_log_std"]),
                sample_nll=_real(arrays["sample_nll"]),
                indices=_whole(arrays["indices"]),
                scalars=MappingProxyType({str(name): values for name, values in named.items()}),
                dimensions=tuple(map(str, arrays["dimensions"].tolist())),
            )
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"{error!s:.100}") from error
        made._refuse_other_shapes()
        return made

    def _refuse_other_shapes(self) -> None:
        n = len(self.steps) if self.steps.ndim == 1 else -1
        tables = (self.dimension_nll, self.dimension_log_std, self.sample_nll, self.indices)
        if n < 1 or np.any(self.steps[1:] <= self.steps[:-1]):
            raise ValueError("its steps do not increase")
        if any(table.ndim != 2 or len(table) != n for table in tables):
            raise ValueError("its tables have other rows than steps")
        if any(column.shape != (n,) for column in self.scalars.values()):
            raise ValueError("its scalars have other rows than steps")


def _refuse_other_layout(given: NDArray[Any]) -> None:
    if given.shape or given.dtype.kind not in "iu" or int(given) != LAYOUT:
        raise ValueError(f"its layout is not {LAYOUT}: a newer spikediag may read it")


def _texts(names: Sequence[str] | Mapping[str, object]) -> NDArray[np.str_]:
    return np.array(list(names), dtype=np.str_)


def _real(array: NDArray[Any]) -> FloatArray:
    if array.dtype.kind not in "fiu":
        raise ValueError("its numbers are none")
    return array.astype(np.float64)


def _whole(array: NDArray[Any]) -> IntArray:
    if array.dtype.kind not in "iu":
        raise ValueError("its steps or indices are not whole numbers")
    return array.astype(np.int64)
