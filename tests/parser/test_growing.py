"""Files that grow while they are read: only what is new is read, and it is as if they were read whole."""

import os
from pathlib import Path

import numpy as np
import pytest

from spikediag.parser import GrowingFiles, find_runs, growing, read_run
from spikediag.parser.log_files import LeftOut, LogFile
from spikediag.parser.sources import read_file
from tests.parser import writing
from tests.parser.facts.test_facts import text


def whole(tmp_path: Path, points: int = 60) -> bytes:
    """An event file of two curves, and a text."""
    rng = np.random.default_rng(0)
    records = writing.curves({"loss": rng.normal(size=points), "mse": rng.normal(size=points)})
    records.insert(9, text("config/text_summary", "batch_size: 32"))
    return writing.write(tmp_path / "whole", records).read_bytes()


def same(one: LogFile | LeftOut, other: LogFile | LeftOut) -> None:
    assert type(one) is type(other)
    if isinstance(one, LeftOut):
        assert one == other
        return
    assert (one.label, one.source, one.size, one.sha256) == (
        other.label,
        other.source,
        other.size,
        other.sha256,
    )
    assert (one.log.gaps, one.log.is_cut, one.log.speaks) == (
        other.log.gaps,
        other.log.is_cut,
        other.log.speaks,
    )
    assert one.points.keys() == other.points.keys()
    for tag, track in one.points.items():
        for name in ("steps", "values", "walls"):
            np.testing.assert_array_equal(getattr(track, name), getattr(other.points[tag], name))
    assert one.summaries.texts == other.summaries.texts


@pytest.mark.parametrize("seed", range(4))
def test_a_file_that_grows_by_any_bytes_is_read_as_if_it_were_whole(seed: int, tmp_path: Path) -> None:
    content = whole(tmp_path)
    cuts = np.sort(np.random.default_rng(seed).integers(0, len(content), size=12)).tolist()
    path, files = tmp_path / writing.NAME, GrowingFiles()
    for end in [0, *cuts, len(content)]:
        path.write_bytes(content[:end]) if not path.exists() else append(path, content, end)
        (file,), (expected,) = files.read(path, "label"), read_file(path, "label")
        same(file, expected)


def append(path: Path, content: bytes, end: int) -> None:
    with path.open("ab") as file:
        file.write(content[path.stat().st_size : end])


def test_a_byte_is_read_once(tmp_path: Path, monkeypatch) -> None:
    content, path, files = whole(tmp_path), tmp_path / writing.NAME, GrowingFiles()
    sizes: list[int] = []
    read = growing.bytes_from

    def counted(path: Path, start: int) -> bytes:
        found = read(path, start)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(growing, "bytes_from", counted)
    path.write_bytes(content[: len(content) // 2])
    files.read(path, "x")
    for _ in range(50):
        files.read(path, "x")
    append(path, content, len(content))
    files.read(path, "x")
    assert sum(sizes) < 1.5 * len(content) + 52 * 200  # the seam and the record that is not whole


def test_what_did_not_change_is_known_to_be_the_same(tmp_path: Path) -> None:
    content, path, files = whole(tmp_path), tmp_path / writing.NAME, GrowingFiles()
    path.write_bytes(content[:-100])
    files.read(path, "x")
    before = files.changes[path]
    files.read(path, "x")
    assert files.changes[path] == before
    append(path, content, len(content))
    files.read(path, "x")
    assert files.changes[path] == before + 1


@pytest.mark.parametrize("how", ["shorter", "replaced", "rewritten in place"])
def test_a_file_that_is_another_is_read_from_its_beginning(how: str, tmp_path: Path) -> None:
    content, path, files = whole(tmp_path), tmp_path / writing.NAME, GrowingFiles()
    path.write_bytes(content)
    files.read(path, "x")
    other = writing.write(tmp_path / "other", writing.curves({"loss": np.arange(300.0)})).read_bytes()
    if how == "shorter":
        os.truncate(path, len(content) // 2)
    elif how == "replaced":
        (tmp_path / "new").write_bytes(other)
        (tmp_path / "new").replace(path)
    else:
        path.write_bytes(other)
    (file,), (expected,) = files.read(path, "x"), read_file(path, "x")
    same(file, expected)


def test_a_large_file_is_read_a_part_at_a_time(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(growing, "AT_ONCE", 300)
    path = tmp_path / writing.NAME
    path.write_bytes(whole(tmp_path))
    (file,), (expected,) = GrowingFiles().read(path, "x"), read_file(path, "x")
    same(file, expected)


def test_damage_in_the_middle_is_told_once_and_what_follows_is_read(tmp_path: Path) -> None:
    content, path, files = bytearray(whole(tmp_path)), tmp_path / writing.NAME, GrowingFiles()
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content[: len(content) // 2])
    files.read(path, "x")
    append(path, bytes(content), len(content))
    (file,), (expected,) = files.read(path, "x"), read_file(path, "x")
    assert len(file.log.gaps) == 1
    same(file, expected)


def test_a_file_that_vanished_is_left_out_and_read_anew_when_it_is_back(tmp_path: Path) -> None:
    content, path, files = whole(tmp_path), tmp_path / writing.NAME, GrowingFiles()
    path.write_bytes(content)
    files.read(path, "x")
    path.unlink()
    assert isinstance(files.read(path, "x")[0], LeftOut)
    path.write_bytes(content)
    assert isinstance(files.read(path, "x")[0], LogFile)


def test_a_table_is_read_again_only_when_it_changed(tmp_path: Path, monkeypatch) -> None:
    path, files = tmp_path / "progress.csv", GrowingFiles()
    path.write_text("step,loss\n0,1.5\n1,1.25\n")
    (first,) = files.read(path, "progress.csv")
    reads: list[Path] = []
    monkeypatch.setattr(
        growing, "read_file", lambda path, label: (reads.append(path), read_file(path, label))[1]
    )
    assert files.read(path, "progress.csv")[0] is first
    with path.open("a") as file:
        file.write("2,1.0\n")
    (second,) = files.read(path, "progress.csv")
    assert len(second.points["loss"].steps) == 3
    assert len(reads) == 1


def test_more_tags_than_one_file_may_have_are_refused_over_all_its_parts(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(growing, "MOST_TAGS", 2)
    path, files = tmp_path / writing.NAME, GrowingFiles()
    content = writing.write(tmp_path / "w", writing.curves({"a": [1.0], "b": [1.0], "c": [1.0]})).read_bytes()
    for end in range(40, len(content) + 1, 40):
        path.write_bytes(content[:end]) if not path.exists() else append(path, content, end)
        files.read(path, "x")
    append(path, content, len(content))
    (file,) = files.read(path, "x")
    assert list(file.points) == ["a", "b"]
    assert [str(gap.what) for gap in file.log.gaps] == ["left out: 1 point of tags beyond the first 20,000"]


def test_a_run_of_growing_files_is_the_run_of_whole_ones(tmp_path: Path) -> None:
    content, path, files = whole(tmp_path, 300), tmp_path / "run" / writing.NAME, GrowingFiles()
    path.parent.mkdir()
    for end in (len(content) // 3, len(content)):
        path.write_bytes(content[:end]) if not path.exists() else append(path, content, end)
        (source,) = find_runs(tmp_path / "run", read=files.read)
        run, expected = read_run(source), read_run(tmp_path / "run")
        assert run.series.keys() == expected.series.keys()
        np.testing.assert_array_equal(run.series["loss"].values, expected.series["loss"].values)
        assert run.files == expected.files
        assert dict(run.facts) == dict(expected.facts)
