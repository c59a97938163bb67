"""Which folders may hold logs of one training: by their place and their clock, whatever is in them."""

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from spikediag.parser.run_folders import Folder, around, of_a_logger, own_id, started, wandb_clock

NEAR = 3  # levels between two folders that may hold logs of one training
MOST_KIN = 16  # folders that one is compared with
MOST_ABOVE = 4  # of them from a folder of W&B's above many runs
APART = 300  # seconds between the starts of two loggers of one training
ZONE = 1800  # seconds by which time zones differ
MOST_ZONES = 14 * 2  # of them, from UTC


def near(one: Path, other: Path) -> bool:
    """Whether two folders may hold logs of one training: by their place, whatever is in them."""
    for low, high in ((one, other), (other, one)):
        if low.is_relative_to(high) and len(low.relative_to(high).parts) <= NEAR:
            return True
    twins = one.name == other.name and one.parent.parent == other.parent.parent
    twins &= of_a_logger(one.parent) and of_a_logger(other.parent)  # tb/version_0, csv/version_0
    ids = {own_id(one), own_id(other)} - {""}
    return twins or (len(ids) < 2 and experiment(one) == experiment(other))


def with_nearby(top: Path, folders: Iterable[Folder], only: str | None = None) -> tuple[Folder, ...]:
    """Name in each folder the likeliest others without event files to hold logs of its training.

    Those outside of what is searched count as well: a run is the same from wherever it is looked at.
    """
    every, known = tuple(folders), defaultdict[Hashable, list[Folder]](list)
    for one in (*every, *around(top, NEAR, only)):
        for key in known_by(one.path) if not one.is_run and one.library_logs else ():
            known[key].append(one)

    def nearby(folder: Folder) -> Iterator[Folder]:
        asked = chain.from_iterable(known.get(key, ()) for key in asked_by(folder.path))
        found = {one.path: one for one in asked if one.path != folder.path and near(one.path, folder.path)}
        begun = min(filter(None, map(started, folder.own_logs())), default=None)
        yield from sorted(found.values(), key=lambda one: _apart(begun, one))[:MOST_KIN]
        for above in folder.path.parents[:NEAR] if folder.is_run and begun else ():
            others = (one for one in known.get(("above", above), ()) if one.path not in found)
            close = ((_apart(begun, one), place, one) for place, one in enumerate(others))
            yield from (one for gap, _, one in heapq.nsmallest(MOST_ABOVE, close) if gap <= APART)

    return tuple(replace(folder, nearby=tuple(nearby(folder))) for folder in every)


def _apart(begun: int | None, other: Folder) -> float:
    """Seconds from the start of a run to W&B's, whose time zone is unknown; 0 where one is not told."""
    clock = wandb_clock(other.path.name)
    if begun is None or clock is None:
        return 0.0
    zones = round((clock - begun) / ZONE)
    return abs(clock - begun - zones * ZONE) + max(abs(zones) - MOST_ZONES, 0) * ZONE


def known_by(path: Path) -> Iterator[Hashable]:
    """What a folder is known by among those that may be near another; `asked_by` has one of it in common."""
    yield ("home", experiment(path))
    yield ("home", experiment(path), own_id(path))
    yield ("twin", path.name, path.parent.parent)
    yield path
    yield from (("below", above) for above in path.parents[:NEAR])
    if own_id(path):
        yield ("above", experiment(path))


def asked_by(path: Path) -> Iterator[Hashable]:
    """What to ask for to find the folders that may be near one."""
    home = ("home", experiment(path))
    yield from ((*home, own_id(path)), (*home, "")) if own_id(path) else (home,)
    yield ("twin", path.name, path.parent.parent)
    yield ("below", path)
    yield from (path, *path.parents[:NEAR])


def experiment(folder: Path) -> Path:
    """The folder of an experiment, above what loggers put into it: `out` of `out/wandb/run-1/files`."""
    while of_a_logger(folder):
        folder = folder.parent
    return folder
