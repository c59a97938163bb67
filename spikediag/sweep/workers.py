"""Who does the work of a scan: this process, others of this machine, or a Dask cluster.

All are `concurrent.futures.Executor`s, and a scan takes any other.
"""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, ParamSpec, TypeVar

from spikediag.errors import UsageError
from spikediag.model import say

P = ParamSpec("P")
T = TypeVar("T")
LOCAL = "local"
THREADS = (  # of the libraries below NumPy: processes that share a machine must not each take all of it
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
ANSWERS = "10s"  # within which a scheduler answers


class Inline(Executor):
    """Does each task at once, in this process."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Do the task; the future is done."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # as any executor: whoever asks for the result meets it
            future.set_exception(error)
        return future


def processes(jobs: int) -> Executor:
    """So many processes of this machine, each with one thread; this process alone for one."""
    if jobs == 1:
        return Inline()
    for name in THREADS:
        os.environ.setdefault(name, "1")  # read when a process loads the library
    return Pool(jobs, mp_context=get_context("spawn"), initializer=_leave_interrupts)


class Pool(ProcessPoolExecutor):
    """Processes that are not waited for when they are no longer wanted, and that no Ctrl-C reaches."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Hand a task out; the first one starts the processes."""
        with _interrupts_held():
            return super().submit(fn, *args, **kwargs)

    def stop(self) -> None:
        """End every process, whatever it does."""
        workers = list((self._processes or {}).values())
        self.shutdown(wait=False, cancel_futures=True)
        for process in workers:
            process.terminate()


def stop(executor: Executor) -> None:
    """End an executor of ours: what it does now is not wanted any more."""
    if isinstance(executor, Pool):
        executor.stop()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back for a moment, and for good in the processes that start in it, where a system can.

    It reaches every process of a terminal; the first one answers for all.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_interrupts() -> None:
    """Ignore Ctrl-C, where none could be held back."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def dask(where: str, jobs: int) -> Iterator[Executor]:
    """The workers of a Dask scheduler.

    Args:
        where: "local" for a cluster of this machine, or the address of a scheduler, "tcp://host:8786".
        jobs: workers of a local cluster.

    Raises:
        UsageError: distributed is not installed, or no scheduler answers.
    """
    try:
        import distributed  # noqa: PLC0415  # an extra
    except ImportError:
        raise UsageError(
            say(
                "--dask needs distributed; install it with `{install}`.",
                install="pip install 'spikediag[dask]'",
            )
        ) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a lost worker is told in its row
    for name in THREADS:
        os.environ.setdefault(name, "1")
    options: dict[str, Any] = (
        {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
        if where == LOCAL
        else {"address": where, "timeout": ANSWERS}
    )
    try:
        client = distributed.Client(**options)
    except (OSError, ValueError) as error:
        kind = type(error).__name__
        raise UsageError(
            say("no Dask scheduler answers at {where} ({kind}); check the address.", where=where, kind=kind)
        ) from None
    with client:
        yield client.get_executor(pure=False, retries=2)
