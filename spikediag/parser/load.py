"""Event files opened one after another; what cannot be used is left out and said so."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spikediag.model import Damage
from spikediag.parser.eventfile import EventFile, read_event_file


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
        except OSError as error:
            damage.append(Damage(label, 0, 0, f"left out: {error.strerror or 'it cannot be read'}"))
            continue
        if file.is_foreign:
            damage.append(Damage(label, 0, file.size, "left out: no TensorBoard event file"))
            continue
        files.append(file)
        damage.extend(Damage(label, gap.offset, gap.length, gap.what) for gap in file.columns.gaps)
    return Loaded(tuple(files), tuple(damage))
