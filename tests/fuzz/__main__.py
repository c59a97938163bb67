"""Fuzz for as long as you like.

    python -m tests.fuzz                                 a minute of each target
    python -m tests.fuzz diagnoses --inputs 10000        so many inputs of one
    python -m tests.fuzz diagnoses --first 4711 --inputs 1   one input again, to mend what it found

Ctrl-C ends it and says how many inputs ran. An input follows from its number alone.
A fault is any exception that no docstring promises, a warning, or
`LIMIT` seconds for one input.
"""

import argparse
import collections
import contextlib
import random
import signal
import time
import traceback
import warnings
from pathlib import Path
from types import FrameType

from tests.fuzz.targets import TARGETS

LIMIT = 20  # seconds of processor time for one input
SHOWN = 10


def one(name: str, number: int) -> None:
    """Run one input of a target, with warnings as errors.

    Raises:
        Exception: what was found.
    """
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            TARGETS[name](random.Random(f"{name} {number}"))
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def many(name: str, first: int, inputs: int | None, seconds: float) -> int:
    """Run inputs until there were so many, or the time is over; print each kind of fault once."""
    signal.signal(signal.SIGVTALRM, _too_long)
    for ending in (signal.SIGINT, signal.SIGTERM):  # in the background too
        signal.signal(ending, signal.default_int_handler)
    begun, faults, number = time.monotonic(), collections.Counter[str](), first
    with contextlib.suppress(KeyboardInterrupt):  # enough
        while number - first < inputs if inputs is not None else time.monotonic() - begun < seconds:
            try:
                one(name, number)
            except Exception as error:  # noqa: BLE001  # any is what is looked for
                _tell(name, number, error, faults)
            number += 1
    took = time.monotonic() - begun
    print(
        f"{name}: {number - first:,} inputs in {took:,.0f} s, "
        f"{faults.total():,} faults of {len(faults)} kinds"
    )
    return faults.total()


def _tell(name: str, number: int, error: Exception, faults: "collections.Counter[str]") -> None:
    last = traceback.extract_tb(error.__traceback__)[-1]
    kind = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {str(error)[:80]}"
    faults[kind] += 1
    if faults[kind] == 1:
        print(f"{name} {number}: {kind}", flush=True)
        if len(faults) <= SHOWN:
            traceback.print_exception(error, limit=-4)


def _too_long(signum: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"more than {LIMIT} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help=f"of {', '.join(TARGETS)}; all")
    parser.add_argument("--inputs", type=int, help="how many; else by the clock")
    parser.add_argument("--seconds", type=float, default=60, help="of each target, unless --inputs is given")
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    asked = parser.parse_args()
    found = [many(name, asked.first, asked.inputs, asked.seconds) for name in asked.targets or TARGETS]
    raise SystemExit(bool(sum(found)))
