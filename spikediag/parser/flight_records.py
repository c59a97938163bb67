"""The files that a flight recorder left beside the log: small archives of plain numbers.

They are read as hostile input: nothing pickled, no member larger than its own header says, and nothing beyond
a fixed size whatever the archive claims.
"""

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from spikediag.errors import refused
from spikediag.model import Damage, FlightRecord, SourceFile, Text, say
from spikediag.model.flight_record import PREFIX, SUFFIX
from spikediag.parser.fingerprint import fingerprint
from spikediag.parser.log_files import LeftOut
from spikediag.parser.remote import listed, present

LARGEST = 1 << 25  # bytes of a file, and of all that it unpacks to
MOST_ARRAYS = 32
MOST_RECORDS = 64  # files beside one run
LONGEST_HEADER = 4096  # characters
BROKEN = (ValueError, ArithmeticError, SyntaxError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def flight_records(
    folders: Iterable[Path],
) -> tuple[tuple[FlightRecord, ...], tuple[Damage, ...], tuple[SourceFile, ...]]:
    """The records beside the logs of a run in order of their incidents, the unusable ones, and their files.

    Args:
        folders: Where they may lie; the first is the run's own.
    """
    records: list[FlightRecord] = []
    damage: list[Damage] = []
    files: list[SourceFile] = []
    for folder, path in islice(records_beside(dict.fromkeys(folders)), MOST_RECORDS):
        try:
            record, file = _read(path, folder)
        except (OSError, *BROKEN) as error:
            damage += LeftOut(path.name, _size(path), _why(error)).damage
        else:
            records.append(record)
            files.append(file)
    return tuple(sorted(records, key=lambda one: (one.onset_step, one.file))), tuple(damage), tuple(files)


def records_beside(folders: Iterable[Path]) -> Iterator[tuple[Path, Path]]:
    """The files that flight recorders left in these folders, each with its folder; unread."""
    for folder in folders:
        with suppress(OSError):
            names = (p for p in listed(folder).iterdir() if p.name.startswith(PREFIX) and p.suffix == SUFFIX)
            yield from ((folder, path) for path in sorted(names) if path.is_file())


def _read(path: Path, folder: Path) -> tuple[FlightRecord, SourceFile]:
    with present(path).open("rb") as file:
        content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"it is larger than {LARGEST >> 20} MB")
        return FlightRecord.of(dict(_arrays(content)), path.name), fingerprint(file, folder)


def _arrays(content: bytes) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Unpack an archive of arrays, as `numpy.load` does without pickle, in bounded memory."""
    room = LARGEST
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in islice(archive.infolist(), MOST_ARRAYS):
            with archive.open(entry) as member:
                unpacked = member.read(room + 1)
            room -= len(unpacked)
            if room < 0:
                raise ValueError(f"it unpacks to more than {LARGEST >> 20} MB")
            yield entry.filename.removesuffix(".npy"), _array(io.BytesIO(unpacked))


def _array(member: io.BytesIO) -> NDArray[np.generic]:
    """One array; its header must say exactly what follows."""
    if npy.read_magic(member) != (1, 0):
        raise ValueError("an array in a format that NumPy does not write for plain numbers")
    shape, fortran, dtype = npy.read_array_header_1_0(member, max_header_size=LONGEST_HEADER)
    rest = member.read()
    cells = 1
    for length in shape:
        cells *= length  # Python's own: what is claimed may be beyond 64 bits
    if dtype.hasobject or dtype.names is not None or min(shape, default=0) < 0:
        raise ValueError("an array of objects")
    if cells * dtype.itemsize != len(rest):
        raise ValueError("an array whose header belies its size")
    array = np.frombuffer(rest, dtype) if cells else np.empty(0, dtype)
    return array.reshape(shape, order="F" if fortran else "C")


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _why(error: Exception) -> Text:
    if isinstance(error, OSError):
        return refused(error)
    return say("no flight record ({error})", error=f"{error!s:.100}")
