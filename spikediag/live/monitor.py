"""The monitor: what a training loop talks to, one line a step.

    with spikediag.Monitor(on_spike=print, batch_size=256, dataset_size=418) as monitor:
        for step in range(steps):
            ...
            monitor.log({"bc/actor_loss": loss, "bc/mse": mse}, step=step)

It never touches the training and never raises into it: what goes wrong inside is kept in `troubles`, and the
first of it is told by the logger `spikediag`.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from spikediag import parser
from spikediag.errors import UsageError
from spikediag.live.alerts import Alert, State
from spikediag.live.history import scalars
from spikediag.live.incidents import Incidents, in_order
from spikediag.live.lookout import Given, Lookout
from spikediag.live.sinks import Sink
from spikediag.model import Diagnosis, Finding, Kind, Role, say

LOGGER = logging.getLogger("spikediag")
MOST_TROUBLES = 100
RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "LOCAL_RANK")  # the first one that is set counts


class EvidenceKeeper(Protocol):
    """What keeps the evidence of the last updates, and writes it down when a spike was among them."""

    def record(self, step: int, **arrays: Any) -> None:  # noqa: ANN401  # whatever converts to an array
        """Keep what one update gives: arrays per sample or per dimension, by name."""
        ...

    def write(self, name: str, onset: int, peak: int) -> Path | None:
        """Write what is kept around the steps of an incident; a second time, in the place of the first."""
        ...


class Monitor:
    """Watches what a training logs, and tells of a spike while it happens.

    In a distributed training only rank 0 watches and tells; with `stop_on` the others watch silently, so that
    ranks that log the same numbers stop together.

    Args:
        on_spike: Called with an `Alert`, a `Finding` with a `state`, once for each incident and state.
        roles: `{"my_curve": "loss"}`; other roles are assigned from the tags as for event files.
        sinks: Where alerts go as well (`spikediag.live.sinks`); of incidents soon after each other, only the
            first and what is worse.
        stop_on: Kinds of spike for which `should_stop` becomes true, such as `("non_finite", "divergence")`.
            A spike that comes back while the error did not follow is never a reason.
        name: What the run is called.
        folder: That the training writes to: the configuration and the checkpoints in it are read.
        recorder: Keeps the evidence of the last updates, and writes it when a spike is over.
        facts: Such as `batch_size=256`.

    Attributes:
        troubles: What went wrong inside, the first hundred.

    Raises:
        UsageError: a fact, a role or a kind is unknown.
    """

    def __init__(
        self,
        on_spike: Callable[[Alert], object] | None = None,
        roles: Mapping[str, str] | None = None,
        *,
        sinks: Iterable[Sink] = (),
        stop_on: Iterable[str] = (),
        name: str = "live",
        folder: str | Path | None = None,
        recorder: EvidenceKeeper | None = None,
        **facts: str | float | bool,
    ) -> None:
        parser.run_from_arrays({}, facts)  # refuses what is no fact
        stops = (stop_on,) if isinstance(stop_on, str) else tuple(stop_on)
        _refuse_unknown(roles or {}, stops)
        self.troubles: list[Exception] = []
        self._on_spike, self._sinks, self._recorder = on_spike, tuple(sinks), recorder
        self._incidents = Incidents(name, frozenset(map(Kind, stops)))
        beside = Path(folder) if folder is not None else None
        self._lookout = Lookout(Given(name, dict(facts), dict(roles or {}), beside), self._incidents)
        self._lock = threading.RLock()
        self._rank: int | None = None
        self._final: tuple[Finding, ...] | None = None
        self._closed = False

    def log(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Take the numbers of one step; what is no number is passed over.

        Args:
            metrics: By tag; a mapping inside adds its key and a slash to the tags below it.
            step: Of the training; the one after the last where none is given.
        """
        if self._closed or not self._watches:
            return
        try:
            with self._lock:
                at = self._lookout.step + 1 if step is None else whole_step(step)
                self._tell(self._lookout.add(at, scalars(metrics), time.time()))
                if self._lookout.is_blind:
                    LOGGER.warning(
                        "spikediag.Monitor: no tag is understood as a loss so far, so nothing is watched; "
                        'name one: roles={"my_curve": "loss"}'
                    )
        except Exception as error:  # noqa: BLE001  # the training goes on, whatever is wrong here
            self._trouble(error)

    def record(self, step: int, **arrays: Any) -> None:  # noqa: ANN401  # whatever converts to an array
        """Keep the evidence of one update: `indices`, `nll`, `log_std`, `grad_norm`, `probe_loss`.

        Args:
            step: Of the training.
            arrays: Per sample and per dimension.
        """
        if self._recorder is None or self._closed or self.rank:
            return
        try:
            self._recorder.record(step, **arrays)
        except Exception as error:  # noqa: BLE001  # as above
            self._trouble(error)

    def describe(self, settings: Mapping[str, Any]) -> None:
        """Take the settings of the training as its framework names them: they count as its hyper-parameters.

        Args:
            settings: Such as the arguments of the trainer; mappings inside are read too.
        """
        self._safely(self._lookout.given.settings.update, settings)

    @property
    def stops(self) -> bool:
        """Whether it was asked to stop a training for anything."""
        return bool(self._incidents.stop_on)

    @property
    def should_stop(self) -> bool:
        """Whether there was a reason to stop that was asked for; once it is true it stays so."""
        return self._incidents.stop

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is known by now, in step order; after `close`, what the diagnosis found."""
        if self._final is not None:
            return self._final
        return tuple(one.finding for one in in_order(self._incidents.known))

    def diagnosis(self) -> Diagnosis:
        """What `analyze` says of everything that was logged by now.

        Raises:
            NoLossError: no tag is understood as a loss.
            UsageError: a role or the `spikediag.toml` in the folder cannot be used.
        """
        with self._lock:
            return self._lookout.diagnosis()

    def state_dict(self) -> dict[str, Any]:
        """The last points of every tag and what was told of them, for a checkpoint: numbers and texts."""
        with self._lock:
            return self._lookout.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint, in a new process; what was logged before its last points is not known."""
        self._safely(self._lookout.load_state_dict, state)

    def close(self) -> None:
        """End the watch: diagnose the whole training, tell what is final and what is withdrawn."""
        if self._closed:
            return
        self._closed = True
        try:
            with self._lock:
                if self._watches:
                    whole, alerts = self._lookout.finish()
                    self._final = whole.findings if whole else ()
                    self._tell(alerts)
        except Exception as error:  # noqa: BLE001  # as above
            self._trouble(error)
        for sink in self._sinks:
            try:
                sink.close()
            except Exception as error:  # noqa: BLE001  # as above
                self._trouble(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def rank(self) -> int:
        """The rank of this process in a distributed training; 0 in any other."""
        if self._rank is None:
            self._rank = rank()
        return self._rank

    @property
    def _watches(self) -> bool:
        return self.stops or not self.rank

    def _tell(self, alerts: Iterable[Alert]) -> None:
        """Tell what is new to whoever wants to know; each in turn, whatever became of the others."""
        for alert in alerts:
            if self.rank:
                continue
            if self._recorder is not None and alert.state in {State.OVER, State.FINAL}:
                spike = alert.spike
                self._safely(
                    self._recorder.write,
                    f"{spike.kind}-{spike.onset_step}",
                    spike.onset_step,
                    spike.peak_step,
                )
            if self._on_spike is not None:
                self._safely(self._on_spike, alert)
            for sink in () if alert.quiet else self._sinks:
                self._safely(sink.send, alert)

    def _safely(self, told: Callable[..., object], *about: object) -> None:
        try:
            told(*about)
        except Exception as error:  # noqa: BLE001  # as above
            self._trouble(error)

    def _trouble(self, error: Exception) -> None:
        """Keep what went wrong, and tell the first of it."""
        if not self.troubles:
            LOGGER.warning("spikediag.Monitor: the training goes on; here went wrong: %r", error)
        if len(self.troubles) < MOST_TROUBLES:
            self.troubles.append(error)


def _refuse_unknown(roles: Mapping[str, str], stops: Iterable[str]) -> None:
    for what, names, known in (("role", roles.values(), Role), ("kind of spike", stops, Kind)):
        for name in names:
            if name not in {one.value for one in known}:
                raise UsageError(
                    say(
                        "Monitor: {name!r} is no {what}; choose from {names}.",
                        name=name,
                        what=what,
                        names=", ".join(known),
                    )
                )


def whole_step(step: Any) -> int:  # noqa: ANN401  # whatever a training counts with
    """A step as a whole number.

    Raises:
        UsageError: it lies farther from 0 than floating point counts.
    """
    at = int(step)
    if abs(at) > parser.FARTHEST:
        raise UsageError(say("Monitor: {step} is no step; it must be at most 2^53 from 0.", step=at))
    return at


def rank() -> int:
    """The rank of this process: of torch or JAX where one is initialised, else as its launcher says."""
    torch = sys.modules.get("torch.distributed")
    if torch is not None and torch.is_available() and torch.is_initialized():
        return int(torch.get_rank())
    jax = sys.modules.get("jax")
    distributed = getattr(jax, "distributed", None)
    if jax is not None and getattr(distributed, "is_initialized", bool)():
        return int(jax.process_index())
    found = next((os.environ[name] for name in RANKS if name in os.environ), "0")
    return int(found) if found.isdecimal() else 0
