"""The flight recorder: the evidence of the last updates, in memory, and one small file for each incident.

What decides between causes exists only while the spike happens: which samples were in the batch, which action
dimension paid, what the same weights lose on samples that never change. `record` keeps that of the last
updates and nothing else; `write` puts what surrounds an incident beside the log, where `spikediag analyze`
reads it.

Nothing here raises into a training: what cannot be kept or written is left out, `problem` says why, and the
first of it is told by the logger `spikediag`.
"""

import io
import logging
import os
import re
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikediag.model import FloatArray, IntArray
from spikediag.model.flight_record import GRAD_NORM, NOBODY, PREFIX, PROBE_LOSS, SUFFIX, FlightRecord

LOGGER = logging.getLogger("spikediag")
STEPS = 512  # updates kept: a spike is known tens of logged points after it began
FILE_BYTES = 1 << 20  # of one incident
MEMORY_BYTES = 1 << 26  # of all that is kept
MOST_FILES = 50  # incidents of one training that are written down
FEWEST = 32  # updates of a file; where it has no room for them, their single samples are left out
OVERHEAD = 4096  # bytes of a file beside its numbers
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class _Update:
    """What is kept of one update; small, whatever the size of the policy."""

    step: int
    indices: IntArray  # (b,) or (0,)
    sample_nll: FloatArray  # (b,) or (0,)
    dimension_nll: FloatArray  # (d,) or (0,)
    dimension_log_std: FloatArray  # (d,) or (0,)
    scalars: Mapping[str, float] = field(default_factory=dict)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        return self.indices, self.sample_nll, self.dimension_nll, self.dimension_log_std

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(array.nbytes for array in self.arrays) + 8 * (1 + len(self.scalars))


class Recorder:
    """Keeps the evidence of the last updates; writes what surrounds an incident to one small file.

    Args:
        folder: Where the log lies.
        steps: Updates kept.
        limit_bytes: Of one file, at most.
        memory_bytes: Of what is kept, at most; the oldest updates give way.
        dimensions: Names of the action dimensions, for the report.

    Attributes:
        problem: Why something was last left out; None while all went well.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        steps: int = STEPS,
        limit_bytes: int = FILE_BYTES,
        memory_bytes: int = MEMORY_BYTES,
        dimensions: Sequence[str] = (),
    ) -> None:
        self.folder = Path(folder)
        self.limit_bytes, self.memory_bytes = limit_bytes, memory_bytes
        self.dimensions = tuple(str(name) for name in dimensions)
        self.problem: str | None = None
        self._kept: deque[_Update] = deque()
        self._most, self._size = max(steps, 1), 0
        self._written: set[str] = set()
        self._lock = threading.Lock()

    def record(
        self,
        step: int,
        *,
        indices: Any = None,  # noqa: ANN401  # whatever converts to an array
        nll: Any = None,  # noqa: ANN401
        log_std: Any = None,  # noqa: ANN401
        grad_norm: Any = None,  # noqa: ANN401
        probe_loss: Any = None,  # noqa: ANN401
        **more: Any,  # noqa: ANN401
    ) -> None:
        """Keep the evidence of one update; all of it is optional, and none of it is changed or held on to.

        Arrays may be NumPy's, or anything that converts: tensors of PyTorch, JAX or TensorFlow. Those of an
        accelerator are copied from it.

        Args:
            step: Of the update, as it is logged; one that is not beyond the last takes the place of what it
                goes back over.
            indices: (b,), which samples of the dataset are in the batch.
            nll: (b, d), the negative log-likelihood of each sample and action dimension, in nats; (b,) where
                only the sum over dimensions is known.
            log_std: (b, d) or (d,).
            grad_norm: Before clipping.
            probe_loss: The loss of samples that are always the same, at the weights from which this update
                starts: a number, or (m,) or (m, d) as for `nll`.
            more: Other numbers, by name; of an array its mean is kept.
        """
        try:
            with np.errstate(all="ignore"):
                scalars = {**more, GRAD_NORM: _array(grad_norm), PROBE_LOSS: _table(probe_loss).sum(axis=1)}
                update = _update(step, indices, _table(nll), _array(log_std), scalars)
            with self._lock:
                self._keep(update)
        except Exception as error:  # noqa: BLE001  # a training must not end for what is kept of it
            self._trouble(f"step {step!r:.20}: {type(error).__name__}: {error!s:.200}")

    def _keep(self, update: _Update) -> None:
        while self._kept and self._kept[-1].step >= update.step:
            self._size -= self._kept.pop().size
        self._kept.append(update)
        self._size += update.size
        while len(self._kept) > self._most or (self._size > self.memory_bytes and self._kept):
            self._size -= self._kept.popleft().size
        if not self._kept:
            self._trouble(f"step {update.step}: one update is larger than {self.memory_bytes} bytes")

    def _trouble(self, why: str) -> None:
        """Keep why something was left out, and tell the first of it."""
        if self.problem is None:
            LOGGER.warning("spikediag.Recorder: left out: %s", why)
        self.problem = why

    def write(self, name: str, onset: int, peak: int) -> Path | None:
        """Write what is kept around an incident beside the log: whole or not at all.

        Called again with the same name it replaces the file, by then with more of what followed, as long as
        what came before the incident is still kept.

        Args:
            name: Of the incident; it becomes part of the name of the file.
            onset: The step at which it began.
            peak: The step at which it was highest so far.

        Returns:
            The path; None where nothing is kept of that time or the disk refuses, and `problem` says so.
        """
        try:
            with np.errstate(over="ignore"):
                return self._write(UNSAFE.sub("_", str(name))[:80], int(onset), int(peak))
        except Exception as error:  # noqa: BLE001  # as above
            self._trouble(f"{name!r:.80}: {type(error).__name__}: {error!s:.200}")
            return None

    def _write(self, name: str, onset: int, peak: int) -> Path | None:
        with self._lock:
            kept = _fitting(tuple(self._kept), self.limit_bytes - OVERHEAD)
        path = self.folder / f"{PREFIX}{name}{SUFFIX}"
        if name in self._written and (not kept or kept[0].step >= onset):
            return path  # what was written then says more than what is left
        chosen = _around(kept, onset, peak, self.limit_bytes - OVERHEAD)
        if not chosen or kept[0].step > peak:
            self._trouble(f"{name}: nothing is kept of that time")
            return None
        if name not in self._written and len(self._written) >= MOST_FILES:
            self._trouble(f"{name}: {MOST_FILES} files exist")
            return None
        record = _together(chosen, onset, peak, self.dimensions)
        content = io.BytesIO()
        np.savez_compressed(content, **record.arrays())  # type: ignore[arg-type]
        self.folder.mkdir(parents=True, exist_ok=True)
        _put(path, content.getvalue())
        self._written.add(name)
        return path


def _update(
    step: int, indices: object, nll: FloatArray, log_std: FloatArray, scalars: Mapping[str, object]
) -> _Update:
    """One update, its arrays reduced to what the diagnosis asks of them; `nll` is (b, d)."""
    given = {name: _array(value) for name, value in scalars.items()}
    return _Update(
        step=int(step),
        indices=_array(indices).astype(np.int64).ravel(),
        sample_nll=nll.sum(axis=1),
        dimension_nll=nll.mean(axis=0) if nll.shape[1] > 1 else np.empty(0),
        dimension_log_std=_by_dimension(log_std),
        scalars={name: float(values.mean()) for name, values in given.items() if values.size},
    )


def _by_dimension(array: FloatArray) -> FloatArray:
    """(d,) of an array (..., d), the mean over all but the last axis; nothing of a single number."""
    rows = array.reshape(-1, array.shape[-1]) if array.ndim and array.size else np.empty((1, 0))
    mean: FloatArray = rows.mean(axis=0)
    return mean


def _table(given: object) -> FloatArray:
    """(b, d) of an array (b, ..., d), summed over what lies between; (b, 1) of (b,), (1, 1) of a number."""
    array = _array(given)
    if not array.size:
        return np.empty((0, 0))
    if array.ndim < 2:
        return array.reshape(-1, 1)
    table: FloatArray = array.reshape(len(array), -1, array.shape[-1]).sum(axis=1)
    return table


def _array(given: Any) -> FloatArray:  # noqa: ANN401
    """A copy in 64 bits, from wherever it lives; empty for None."""
    if given is None:
        return np.empty(0)
    if hasattr(given, "detach"):  # PyTorch: NumPy knows neither its gradients nor its half precision
        given = given.detach().double().cpu().numpy()
    elif not hasattr(given, "__array__") and hasattr(given, "__dlpack__"):
        given = np.from_dlpack(given)
    return np.array(given, dtype=np.float64)


def _fitting(kept: Sequence[_Update], room: int) -> Sequence[_Update]:
    """These updates; without their single samples where a file would hold too few of such large batches."""
    if FEWEST * max((update.size for update in kept), default=0) <= room:
        return kept
    nobody = np.empty(0, dtype=np.int64)
    return [
        replace(
            update,
            indices=nobody,
            sample_nll=np.empty(0),
            dimension_nll=update.dimension_nll if update.dimension_nll.size else _mean(update.sample_nll),
        )
        for update in kept
    ]


def _mean(values: FloatArray) -> FloatArray:
    """(1,) of values (n,); nothing of none."""
    return values.mean(keepdims=True) if values.size else values


def _around(kept: Sequence[_Update], onset: int, peak: int, room: int) -> list[_Update]:
    """The updates nearest to an incident that fit into so many bytes, half of them from before its onset."""
    row = max((update.size for update in kept), default=1)
    before = [update for update in reversed(kept) if update.step < onset]
    since = sorted((u for u in kept if u.step >= onset), key=lambda u: (u.step > peak, abs(u.step - peak)))
    room = max(room // row, 0)
    share = max(room // 2, room - len(since))
    taken = before[:share]
    return sorted([*taken, *since[: room - len(taken)]], key=lambda update: update.step)


def _together(chosen: Sequence[_Update], onset: int, peak: int, names: tuple[str, ...]) -> FlightRecord:
    scalars = dict.fromkeys(name for update in chosen for name in update.scalars)
    return FlightRecord(
        file="",
        onset_step=onset,
        peak_step=peak,
        steps=np.array([update.step for update in chosen], dtype=np.int64),
        dimension_nll=_rows((u.dimension_nll for u in chosen), np.nan).astype(np.float32),
        dimension_log_std=_rows((u.dimension_log_std for u in chosen), np.nan).astype(np.float32),
        sample_nll=_rows((u.sample_nll for u in chosen), np.nan).astype(np.float32),
        indices=_rows((u.indices for u in chosen), NOBODY).astype(np.int64),
        scalars={name: np.array([u.scalars.get(name, np.nan) for u in chosen]) for name in scalars},
        dimensions=names,
    )


def _rows(arrays: Iterable[NDArray[Any]], missing: float) -> NDArray[Any]:
    """Rows of different lengths as one table, filled up with what says that there is nothing."""
    rows = list(arrays)
    table = np.full((len(rows), max(map(len, rows), default=0)), missing)
    for at, row in enumerate(rows):
        table[at, : len(row)] = row
    return table


def _put(path: Path, content: bytes) -> None:
    """Write a file beside its place and let it take that place when it is on the disk.

    What a killed program leaves is overwritten by the next and never read: its name ends otherwise.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
