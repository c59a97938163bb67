"""Killed at any instant, without room, or side by side: what stands there is old or new, and whole."""

import errno
import itertools
import os
import signal
import sys
from pathlib import Path

import pytest

from spikediag.cli import whole_files
from spikediag.cli.report_folder import write_report
from spikediag.cli.whole_files import write_file
from spikediag.errors import CannotWriteError
from spikediag.model import Artifact

OLD = (Artifact("report.md", b"# old\n"), Artifact("finding-1.png", b"png"))
NEW = (Artifact("report.md", b"# new\n"), Artifact("overview.png", b"png"))
TOUCHES = ("open", "os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.fsync", "ctypes.dlsym")

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no other way to be killed often")


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != ".spikediag.json"}


def names(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir()]


def written(artifacts) -> dict[str, bytes]:
    return {a.name: a.content for a in artifacts} | {"notes.txt": b"mine"}


def in_a_child(work) -> int:
    """Run something in another process; how it ended: 0, or minus the signal."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        work()
        os._exit(0)
    finally:
        os._exit(1)


def killed_at(touch: int, work) -> bool:
    """Whether a process that does the work was killed just before it touches the disk once more."""

    def kill(event: str, _: object) -> None:
        nonlocal touch
        if event in TOUCHES:
            touch -= 1
        if event in TOUCHES and touch < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def child() -> None:
        fsync = os.fsync
        os.fsync = lambda handle: (sys.audit("os.fsync"), fsync(handle))
        sys.addaudithook(kill)
        work()

    code = in_a_child(child)
    assert code in (0, -signal.SIGKILL)
    return code != 0


@needs_fork
@pytest.mark.parametrize("swaps", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_killed_at_any_instant_a_report_is_old_or_new_and_the_next_one_tidies_up(
    tmp_path, monkeypatch, swaps
) -> None:
    if not swaps:
        monkeypatch.setattr(whole_files, "exchanged", lambda one, other: False)
    run, folder = tmp_path / "run", tmp_path / "reports" / "bc"
    run.mkdir()
    for touch in itertools.count():
        write_report(folder, run, OLD)
        (folder / "notes.txt").write_bytes(b"mine")
        killed = killed_at(touch, lambda: write_report(folder, run, NEW))
        if swaps:
            assert content(folder) in (written(OLD), written(NEW))
        write_report(folder, run, NEW)
        assert content(folder) == written(NEW)
        assert names(folder.parent) == ["bc"]
        if not killed:
            break
    assert touch > 15


@needs_fork
def test_killed_at_any_instant_a_file_is_old_or_new(tmp_path) -> None:
    path = tmp_path / "junit.xml"
    for touch in itertools.count():
        write_file(path, b"old")
        killed = killed_at(touch, lambda: write_file(path, b"new"))
        assert path.read_bytes() in (b"old", b"new")
        write_file(path, b"new")
        assert names(tmp_path) == ["junit.xml"]
        if not killed:
            break
    assert touch > 4


@needs_fork
def test_two_writers_take_turns(tmp_path) -> None:
    run, folder = tmp_path / "run", tmp_path / "reports" / "bc"
    run.mkdir()

    def both() -> None:
        for _ in range(10):
            write_report(folder, run, OLD)

    child = os.fork()
    if not child:
        try:
            both()
            os._exit(0)
        finally:
            os._exit(1)
    for _ in range(10):
        write_report(folder, run, NEW)
    assert os.waitpid(child, 0)[1] == 0
    assert content(folder) in ({a.name: a.content for a in report} for report in (OLD, NEW))
    assert names(folder.parent) == ["bc"]


def test_a_writer_waits_no_longer_than_its_patience(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(whole_files, "PATIENCE", 0.05)
    with whole_files._workshop(tmp_path), pytest.raises(CannotWriteError, match="another spikediag"):
        write_file(tmp_path / "file", b"")


@pytest.mark.parametrize("call", ["mkdir", "fsync", "rename"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_without_room_or_permission_the_old_report_stays_and_nothing_else(
    tmp_path, monkeypatch, call, code
) -> None:
    run, folder = tmp_path / "run", tmp_path / "reports" / "bc"
    run.mkdir()
    write_report(folder, run, OLD)

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as broken:
        broken.setattr(whole_files, "exchanged", lambda one, other: False)
        broken.setattr(os, call, refuse)
        with pytest.raises(CannotWriteError, match=os.strerror(code)):
            write_report(folder, run, NEW)
    assert content(folder) == {a.name: a.content for a in OLD}
    assert names(folder.parent) == ["bc"]


def test_a_file_whose_file_system_knows_no_second_names_is_copied(tmp_path, monkeypatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "notes.txt").write_text("mine")
    whole_files.keep(tmp_path / "notes.txt", tmp_path / "copy.txt")
    assert (tmp_path / "copy.txt").read_text() == "mine"


def test_write_file_makes_its_folder_and_replaces_whole(tmp_path) -> None:
    path = tmp_path / "ci" / "junit.xml"
    write_file(path, b"one")
    write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["junit.xml"]
    with pytest.raises(CannotWriteError, match="cannot write"):
        write_file(tmp_path, b"")


def test_write_file_writes_to_what_a_link_leads_to(tmp_path) -> None:
    (tmp_path / "link").symlink_to("file")
    write_file(tmp_path / "link", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
