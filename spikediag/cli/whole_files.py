"""Files and folders that appear whole or not at all, however the program ends.

What is new is built in a workshop beside its place and takes that place in one step. Writers of one folder
take turns, so that a workshop which is there at the beginning of a turn was left by one that was killed.
"""

import contextlib
import errno
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from spikediag.errors import CannotWriteError, refused
from spikediag.text import Text, say

PREFIX = ".spikediag-"
LEFT_BEHIND = re.compile(r"\.spikediag-[0-9a-f]{16}")
NEW, OLD, PLACE = "new", "old", "place"  # in a workshop; the last holds the name of what OLD gave way to
END = say(".")
PATIENCE = 30.0  # seconds to wait for a turn
AT_FDCWD, EXCHANGE = -100, 2  # of renameat2(2)
SWAP = 2  # of renamex_np(2)


def write_file(path: Path, content: bytes) -> None:
    """Write one file, whole or not at all; a pipe, a device or what a link leads to is written to.

    Raises:
        CannotWriteError: the file system refuses.
    """
    with refusals(say("{path}", path=str(path))):
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
            path.write_bytes(content)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with _workshop(path.parent) as workshop:
            write_whole(workshop / NEW, content)
            (workshop / NEW).replace(path)


def replace_folder(place: Path, build: Callable[[Path], None]) -> None:
    """Fill a new folder and put it in the place of what is there; the folder above must exist.

    Args:
        place: where the folder is to stand.
        build: fills the folder it is given; nobody else writes beside `place` meanwhile.

    Raises:
        OSError: the file system refuses; what was there is there still.
    """
    with _workshop(place.parent) as workshop:
        new = workshop / NEW
        new.mkdir()
        build(new)
        if not os.path.lexists(place):
            new.rename(place)
        elif not exchanged(new, place):
            write_whole(workshop / PLACE, os.fsencode(place.name))
            place.rename(workshop / OLD)
            new.rename(place)


def write_whole(path: Path, content: bytes) -> None:
    """Write a new file down to the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def keep(source: Path, target: Path) -> None:
    """Let a file, link or folder stand at `target` too, for when its folder is removed."""
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, copy_function=_keep_file)
    else:
        _keep_file(source, target)


def _keep_file(source: str | Path, target: str | Path) -> None:
    is_copied = Path(source).is_symlink() or Path(source).is_file()
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOSPC or not is_copied:
            raise
        shutil.copy2(source, target, follow_symlinks=False)  # the file system knows no second name


def exchanged(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where the system cannot."""
    import ctypes  # only here, and it takes its time

    names = os.fsencode(one), os.fsencode(other)
    try:
        system = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            return bool(system.renamex_np(*names, SWAP) == 0)
        return bool(system.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE) == 0)
    except (OSError, AttributeError, TypeError):
        return False


@contextlib.contextmanager
def _workshop(parent: Path) -> Iterator[Path]:
    """A temporary folder in `parent`, for one writer at a time; what earlier ones left is put in order."""
    with _turn(parent) as alone:
        for entry in list(os.scandir(parent)) if alone else ():
            if LEFT_BEHIND.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                _clear(Path(entry.path))
        workshop = parent / f"{PREFIX}{secrets.token_hex(8)}"
        workshop.mkdir()
        try:
            yield workshop
        finally:
            _clear(workshop)


def _clear(workshop: Path) -> None:
    """Remove a workshop; what left its place and was not replaced goes back first."""
    with contextlib.suppress(OSError):
        place = workshop.parent / os.fsdecode((workshop / PLACE).read_bytes())
        if place.parent == workshop.parent and not os.path.lexists(place):
            (workshop / OLD).rename(place)
    shutil.rmtree(workshop, ignore_errors=True)


@contextlib.contextmanager
def _turn(folder: Path) -> Iterator[bool]:
    """Wait until nobody else writes in a folder; whether the system can tell."""
    try:
        import fcntl  # not on Windows
    except ImportError:
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        until = time.monotonic() + PATIENCE
        while (state := _locked(handle, fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB)) == errno.EWOULDBLOCK:
            if time.monotonic() > until:
                raise CannotWriteError(
                    say("another spikediag is writing in {folder}; try again.", folder=str(folder))
                )
            time.sleep(0.02)
        yield state == 0
    finally:
        os.close(handle)


def _locked(handle: int, lock: Callable[[int, int], None], how: int) -> int:
    """Try to lock; 0, or why not."""
    try:
        lock(handle, how)
    except OSError as error:
        return error.errno or errno.ENOLCK
    return 0


@contextlib.contextmanager
def refusals(what: Text, way_out: Text = END) -> Iterator[None]:
    """Say in one sentence that the file system refused.

    Raises:
        CannotWriteError: it did.
    """
    try:
        yield
    except (OSError, shutil.Error) as error:
        why = refused(error)
        raise CannotWriteError(
            say("cannot write {what}: {why}{way_out}", what=what, why=why, way_out=way_out)
        ) from error
