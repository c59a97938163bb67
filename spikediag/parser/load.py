"""Event files opened one after another; what cannot be used is left out and said so."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spikediag.model import Damage, DamageKind
from spikediag.parser.event_files.event_file import EventFile, read_event_file
from spikediag.parser.sink import MOST_TAGS

MOST_GAPS = 1000  # damaged stretches of one file told one by one


@dataclass(frozen=True)
class Loaded:
    """The files that could be read, and the damage of all."""

    files: tuple[EventFile, ...]
    damage: tuple[Damage, ...]


def load_files(paths: Iterable[Path], base: Path) -> Loaded:
    """Read event files; labels are relative to `base`."""
    files, damage = [], []
    for path in paths:
        label = path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name
        try:
            file = read_event_file(path, label)
        except (OSError, MemoryError) as error:
            why = getattr(error, "strerror", None) or "it does not fit into the memory"
            damage.append(Damage(DamageKind.LEFT_OUT, label, 0, 0, f"left out: {why}"))
            continue
        if file.is_foreign:
            damage.append(
                Damage(DamageKind.LEFT_OUT, label, 0, file.size, "left out: no TensorBoard event file")
            )
            continue
        files.append(file)
        damage.extend(_damage(file))
    return Loaded(tuple(files), tuple(damage))


def _damage(file: EventFile) -> Iterator[Damage]:
    gaps = file.columns.gaps
    for gap in gaps[:MOST_GAPS]:
        yield Damage(DamageKind.LOST, file.label, gap.offset, gap.length, gap.what)
    if rest := gaps[MOST_GAPS:]:
        total = sum(gap.length for gap in rest)
        yield Damage(
            DamageKind.LOST, file.label, rest[0].offset, total, f"{len(rest)} more stretches from here on"
        )
    if file.columns.refused:
        what = f"left out: {file.columns.refused} points of tags beyond the first {MOST_TAGS:,}"
        yield Damage(DamageKind.LOST, file.label, 0, 0, what)
