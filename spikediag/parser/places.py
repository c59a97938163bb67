"""The runs below a folder in portions that can be read apart from each other, as on many machines.

`finding` tells runs apart by what is in their logs. Whoever shares the work out must not read them first, so
folders are kept together here that might be one run by their places alone: Lightning's versions, parts of a
W&B run, logs near each other. `Fingerprints` tells, also without reading, whether anything of them changed.
"""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from spikediag.parser import dataset_statistics
from spikediag.parser.event_files.scalars import read_scalars
from spikediag.parser.facts import config_files
from spikediag.parser.finding import (
    Place,
    by_id,
    find_runs,
)
from spikediag.parser.nearby import NEAR, experiment, with_nearby
from spikediag.parser.remote import address, beginning, identity, local, url_of
from spikediag.parser.run_folders import PEEK, Folder, checkpoints, own_id, survey
from spikediag.parser.user_settings import NAME

MOST_TOGETHER = 16  # folders read as one portion; of more, the runs are told apart before they are shared out
LEVELS = 3  # above a run, whose files may say something of it
END = 4096  # bytes at both ends of a file that are compared


def places(root: str | Path, only: str | None = None) -> Iterator[Place]:
    """Yield portions of the runs below a folder; together they hold the runs that `find_runs` finds.

    Args:
        root: a folder, or a log file.
        only: the id of a source, or the name of a file; no other file is seen.

    Raises:
        RunNotFoundError: there is nothing at `root`.
        UnreadableRunError: it lies elsewhere and may not be read, or nobody answers.
    """
    top = local(root)
    if not top.is_dir():
        yield from (Place(top, told=(run,)) for run in find_runs(root, only))
        return
    folders = with_nearby(top, survey(top, only).runs(), only)
    runs = [folder for folder in folders if folder.is_run]
    yield from (Place(top, chain) for chain in _chains(runs))
    for place in _neighbourhoods(top, [folder for folder in folders if not folder.is_run], runs):
        if len(place.folders) <= MOST_TOGETHER:
            yield place
        else:
            yield from (Place(top, told=(run.alone,)) for run in place.runs())


def _chains(runs: Sequence[Folder]) -> Iterator[tuple[Folder, ...]]:
    """Bring folders together of which each may go on with the training of the one before."""
    chain: tuple[Folder, ...] = ()
    for folder in by_id(runs):
        if chain and not _may_go_on(chain[-1], folder):
            yield chain
            chain = ()
        chain = (*chain, folder)
    if chain:
        yield chain


def _may_go_on(before: Folder, folder: Folder) -> bool:
    """Whether the logs must be read to know; not where every counter begins again where it began before."""
    if None in (before.version, folder.version) or before.path.parent != folder.path.parent:
        return False
    if before.kin_name != folder.kin_name:
        return False
    old, new = _first_steps(before), _first_steps(folder)
    shared = old.keys() & new.keys()
    return not shared or any(new[tag] > old[tag] for tag in shared)


def _first_steps(folder: Folder) -> dict[str, int]:
    """By tag: the step at which the only event file of a folder begins; empty where that cannot be told."""
    if len(folder.files) != 1:
        return {}
    try:
        points = read_scalars(beginning(folder.files[0], PEEK)).points
    except OSError:
        return {}
    return {tag: int(track.steps[0]) for tag, track in points.items()}


def _neighbourhoods(top: Path, logs: Sequence[Folder], runs: Sequence[Folder]) -> Iterator[Place]:
    """Bring folders with logs together that may hold the same training, and name the runs beside them."""
    groups = _Groups()
    by_path = {folder.path: folder for folder in logs}
    own_ids = {experiment(folder.path) for folder in logs if not own_id(folder.path)}
    for folder in logs:
        path, home = folder.path, experiment(folder.path)
        groups.join(path, ("home", home, "" if home in own_ids else own_id(path)))
        groups.join(path, ("twin", path.name, path.parent.parent))
        for above in path.parents[:NEAR]:
            if above in by_path:
                groups.join(path, above)
    beside: dict[Path, list[Folder]] = defaultdict(list)
    for run in runs:
        for one in run.nearby:
            beside[one.path].append(run)
    order = {folder.path: n for n, folder in enumerate((*logs, *runs))}
    for together in groups.all():
        near = {run.path: run for path in together for run in beside.get(path, ())}
        members = sorted(together, key=order.__getitem__)
        yield Place(
            top,
            tuple(by_path[path] for path in members),
            tuple(near[path] for path in sorted(near, key=order.__getitem__)),
        )


@dataclass
class _Groups:
    """Paths joined by what they have in common (union-find)."""

    above: dict[Hashable, Hashable] = field(default_factory=dict)

    def join(self, one: Hashable, other: Hashable) -> None:
        """Let two be of one group."""
        self.above[self.head(one)] = self.head(other)

    def head(self, one: Hashable) -> Hashable:
        """What stands for the group of one."""
        while (above := self.above.setdefault(one, one)) != one:
            self.above[one] = self.above.setdefault(above, above)
            one = above
        return one

    def all(self) -> Iterator[list[Path]]:
        """The paths of each group."""
        found: dict[Hashable, list[Path]] = defaultdict(list)
        for one in self.above:
            if isinstance(one, Path):
                found[self.head(one)].append(one)
        return iter(found.values())


def here(place: Place, root: str) -> Place:
    """A place that another process found, with its paths as this one sees them.

    Args:
        place: what was found, maybe on another machine.
        root: what was searched there, as it was typed: a remote folder stands elsewhere in each process.
    """
    return place if url_of(root) is None else place.below(_stands_at(root))


@cache
def _stands_at(root: str) -> Path:
    return local(root)


@dataclass
class Fingerprints:
    """Tells whether a place is as it was, by names, sizes and times of all files that are read for it.

    Of log files the first and last bytes count too. Folders above several runs are looked at once.
    """

    seen: dict[Path, tuple[str, ...]] = field(default_factory=dict)

    def of(self, place: Place) -> str | None:
        """The fingerprint of a place; None where it cannot be known without fetching files."""
        lines = [address(place.root)]
        for folder in place.every:
            marks = {path: _mark(path) for path in sorted(folder.own_logs())}
            if None in marks.values():
                return None
            lines += [f"{address(path)} {mark}" for path, mark in marks.items()]
            lines += [f"{one.path} {one.step}" for one in checkpoints(folder.path)]
            for level in (folder.path, *folder.path.parents[:LEVELS]):
                lines += self._settings(level)
        return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()

    def _settings(self, folder: Path) -> tuple[str, ...]:
        """The files of a folder that may say something of a run there or below."""
        if folder not in self.seen:
            files = (
                folder / NAME,
                *config_files.telling_files(folder),
                *dataset_statistics.statistics_files(folder),
            )
            self.seen[folder] = tuple(f"{address(path)} {identity(path)}" for path in files)
        return self.seen[folder]


def _mark(path: Path) -> str | None:
    """What changes with a log file: size, time and both ends; of a remote one what its server says."""
    known = identity(path)
    if known is None or address(path) != str(path):
        return known
    try:
        with path.open("rb") as file:
            ends = file.read(END)
            file.seek(max(0, path.stat().st_size - END))
            ends += file.read(END)
    except OSError as error:
        return f"{known} {error.errno}"
    return f"{known} {hashlib.sha256(ends).hexdigest()}"
