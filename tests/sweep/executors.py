"""Executors that break in every way a cluster can."""

import os
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context

from spikediag.sweep.scan import work


class Recording(Executor):
    """Does each task at once and remembers how many were handed out and not taken up."""

    def __init__(self):
        self.tasks = 0

    def submit(self, fn, /, *args):
        self.tasks += 1
        future = Future()
        try:
            future.set_result(fn(*args))
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)
        return future


class Job:
    """What submitit answers: no future, only `done` and `result`."""

    def __init__(self, fn, args):
        self.at, self.fn, self.args = time.monotonic() + 0.02, fn, args

    def done(self):
        return time.monotonic() > self.at

    def result(self):
        return self.fn(*self.args)


class Polled(Executor):
    """Answers with jobs that cannot be waited for."""

    def submit(self, fn, /, *args):
        return Job(fn, args)


class Failing(Executor):
    """Raises for every task what a cluster raises when it loses one."""

    def __init__(self, error):
        self.error = error

    def submit(self, fn, /, *args):
        future = Future()
        future.set_exception(self.error)
        return future


class Gone(Executor):
    """Broke before the first task."""

    def submit(self, fn, /, *args):
        raise BrokenExecutor


class KilledWorker(Exception):  # noqa: N818  # its name there
    """What Dask raises where a task killed several workers."""


def deadly(search, place):
    """Work that ends its process where a folder says so."""
    if any((folder.path / "deadly").exists() for folder in place.folders):
        os._exit(1)
    return work(search, place)


class Deadly(ProcessPoolExecutor):
    """Two processes, of which one dies of one run."""

    def __init__(self):
        super().__init__(2, mp_context=get_context("spawn"))

    def submit(self, fn, /, *args):
        return super().submit(deadly, *args)
