"""The monitor: what a training loop talks to, one line a step.

    monitor = spikediag.Monitor(on_spike=print, batch_size=256, dataset_size=418)
    for step in range(steps):
        ...
        monitor.log({"bc/actor_loss": loss, "bc/mse": mse}, step=step)
    monitor.close()

It never raises into the training and never touches it: what goes wrong inside is kept in `troubles` and told
once by the logger `spikediag`.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from spikediag import parser, pipeline
from spikediag.live.alerts import Alert
from spikediag.live.history import History, scalars
from spikediag.model import Diagnosis, Finding, Run

LOGGER = logging.getLogger("spikediag")
MOST_TROUBLES = 100


class Evidence(Protocol):
    """What keeps the evidence of the last steps, and writes it down when a spike was among them."""

    def record(self, step: int, **arrays: object) -> None:
        """Keep what one step gives: arrays per sample or per dimension, by name."""
        ...

    def write(self, incident: Finding) -> Path:
        """Write what is kept of the steps around a spike to a file; return where."""
        ...


class Monitor:
    """Watches what a training logs, and tells of a spike while it happens.

    Args:
        on_spike: called with an `Alert`, a `Finding` with a `state`, once for each incident and state.
        roles: `{"my_curve": "loss"}`; other roles are assigned from the tags as for event files.
        name: what the run is called.
        folder: that the training writes to: the configuration and the checkpoints in it are read.
        recorder: keeps the evidence of the last steps, and writes it when a spike is over.
        facts: such as `batch_size=256`.
    """

    def __init__(
        self,
        on_spike: Callable[[Alert], object] | None = None,
        roles: Mapping[str, str] | None = None,
        *,
        name: str = "live",
        folder: str | Path | None = None,
        recorder: Evidence | None = None,
        **facts: str | float | bool,
    ) -> None:
        self._on_spike, self._roles, self._facts = on_spike, dict(roles or {}), facts
        self._name, self._folder = name, Path(folder) if folder else None
        self._recorder = recorder
        self._history = History()
        self._lock = threading.RLock()
        self._step = -1
        self.troubles: list[Exception] = []

    def log(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Take the numbers of one step; what is no number is passed over.

        Args:
            metrics: by tag; a mapping inside adds its key and a slash to the tags below it.
            step: of the training; the one after the last where none is given.
        """
        try:
            with self._lock:
                self._step = self._step + 1 if step is None else int(step)
                self._history.add(self._step, scalars(metrics), time.time())
        except Exception as error:  # noqa: BLE001  # the training goes on, whatever is wrong here
            self._trouble(error)

    def record(self, step: int, **arrays: object) -> None:
        """Keep the evidence of one step: `indices`, `nll`, `log_std`, `grad_norm`, `probe_loss`.

        Args:
            step: of the training.
            arrays: per sample and per dimension, or anything that numpy turns into an array.
        """
        if self._recorder is None:
            return
        try:
            self._recorder.record(step, **arrays)
        except Exception as error:  # noqa: BLE001  # as above
            self._trouble(error)

    @property
    def should_stop(self) -> bool:
        """Whether the training has met what it was asked to stop for."""
        return False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is known by now, in step order."""
        return self.diagnosis().findings

    def diagnosis(self) -> Diagnosis:
        """What `analyze` says of everything that was logged by now.

        Raises:
            NoLossError: no tag is understood as a loss.
            UsageError: a fact, a role or the `spikediag.toml` in the folder cannot be used.
        """
        with self._lock:
            return pipeline.diagnose(self._run())

    def _run(self) -> Run:
        return parser.run_from_log(self._history.tracks(), self._facts, self._roles, self._name, self._folder)

    def close(self) -> None:
        """End the watch."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _trouble(self, error: Exception) -> None:
        """Keep what went wrong, and tell the first of it."""
        if not self.troubles:
            LOGGER.warning("spikediag.Monitor goes on without: %r", error)
        if len(self.troubles) < MOST_TROUBLES:
            self.troubles.append(error)
