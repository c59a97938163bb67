"""A file is read stretch by stretch: where one ends makes no difference, and a hole costs nothing."""

import os
import random
import resource
import sys

import numpy as np
import pytest

from spikediag.parser import log_files, read_run
from spikediag.parser.event_files import records
from spikediag.parser.event_files.scalars import read_scalars, read_stretches
from tests.fuzz import event_files
from tests.parser.writing import curves, frame, scalar, write

LOSS = {"loss": [float(k % 7) for k in range(400)]}


@pytest.mark.parametrize("longest", [60, records.LONGEST])
def test_where_stretches_end_makes_no_difference(monkeypatch, longest: int) -> None:
    monkeypatch.setattr(records, "LONGEST", longest)
    for number in range(20):
        rng = random.Random(number)
        content = b"".join(event_files.file(rng) for _ in range(rng.randrange(1, 4)))
        read = read_stretches(event_files.stretches(rng, content), len(content))
        assert event_files.all_of(read) == event_files.all_of(read_scalars(content)), number


def test_a_hole_is_said_and_what_follows_is_read() -> None:
    record = frame(scalar("loss", 1, 2.0).SerializeToString())
    before, after = record * 40, record * 50
    hole = 1 << 40
    read = read_stretches([(0, before[:-5]), (hole, after)], hole + len(after))
    assert len(read.points["loss"].steps) == 39 + 50
    (gap,) = read.gaps
    assert (gap.offset, gap.offset + gap.length) == (39 * len(record), hole)


def test_a_picture_is_passed_over(monkeypatch) -> None:
    monkeypatch.setattr(records, "LONGEST", 1000)
    record = frame(scalar("loss", 1, 2.0).SerializeToString())
    content = record * 3 + frame(bytes(2000)) + record * 5
    read = read_scalars(content)
    assert len(read.points["loss"].steps) == 8
    assert [str(gap.what) for gap in read.gaps] == ["a record longer than 0 MB was passed over"]


@pytest.mark.skipif(not hasattr(os, "SEEK_HOLE"), reason="the system knows no holes")
def test_a_sparse_file_of_terabytes_costs_what_is_on_the_disk(tmp_path) -> None:
    file = write(tmp_path, curves(LOSS))
    with file.open("r+b") as content:
        content.seek(1 << 41)
        content.write(frame(scalar("loss", 400, 3.0).SerializeToString()))
        content.truncate(1 << 42)
    run = read_run(tmp_path)
    assert len(run.series["loss"]) == 401
    lost = sum(damage.length for damage in run.damage)
    assert lost > (1 << 42) - file.stat().st_blocks * 512
    assert str(run.damage[-1].what) == "the file ends in a hole"


def test_a_file_that_grows_while_it_is_read_is_read_as_it_was(tmp_path, monkeypatch) -> None:
    file = write(tmp_path, curves(LOSS))
    size = file.stat().st_size
    monkeypatch.setattr(log_files, "STRETCH", 1000)
    meanwhile(monkeypatch, lambda: append(file))
    run = read_run(tmp_path)
    assert len(run.series["loss"]) == 400
    assert run.files[0].size == size
    assert not run.damage


def test_a_file_that_becomes_shorter_while_it_is_read_says_so(tmp_path, monkeypatch) -> None:
    file = write(tmp_path, curves(LOSS))
    monkeypatch.setattr(log_files, "STRETCH", 1000)
    meanwhile(monkeypatch, lambda: os.truncate(file, 3000))
    run = read_run(tmp_path)
    steps = run.series["loss"].steps
    assert steps.tolist() == list(range(len(steps)))
    assert "it became shorter while it was read" in [str(damage.what) for damage in run.damage]


def test_a_file_that_is_written_over_while_it_is_read_says_so(tmp_path, monkeypatch) -> None:
    file = write(tmp_path, curves(LOSS))
    monkeypatch.setattr(log_files, "STRETCH", 1000)
    meanwhile(monkeypatch, lambda: written_over(file))
    assert "it was written over while it was read" in [str(d.what) for d in read_run(tmp_path).damage]


def test_a_file_that_is_replaced_while_it_is_read_is_read_as_it_was(tmp_path, monkeypatch) -> None:
    file = write(tmp_path, curves(LOSS))
    other = write(tmp_path / "other", curves({"loss": [9.0] * 10}))
    monkeypatch.setattr(log_files, "STRETCH", 1000)
    meanwhile(monkeypatch, lambda: other.replace(file) if other.exists() else None)
    run = read_run(file)
    assert run.series["loss"].values.tolist() == LOSS["loss"]
    assert not run.damage


def append(file) -> None:
    with file.open("ab") as content:
        content.write(frame(scalar("loss", 400, 3.0).SerializeToString()))


def written_over(file) -> None:
    with file.open("r+b") as content:
        content.write(b"\0" * 10)
    os.utime(file, ns=(0, 0))


def meanwhile(monkeypatch, change) -> None:
    """Let something happen to the file after its first stretch was read."""
    read = log_files.Opened.stretches

    def changed(self):
        for n, stretch in enumerate(read(self)):
            if n == 1:
                change()
            yield stretch

    monkeypatch.setattr(log_files.Opened, "stretches", changed)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="memory is measured in a process of its own")
def test_five_million_points_take_less_than_half_a_gigabyte(tmp_path) -> None:
    file = tmp_path / "events.out.tfevents.1700000000.host"
    many_points(file, 5_000_000)
    child = os.fork()
    if not child:
        run = read_run(tmp_path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (
            1024 if sys.platform == "linux" else 1 << 20
        )
        os._exit(0 if len(run.series["train/loss"]) == 5_000_000 and peak < 500 else 1)
    assert os.waitpid(child, 0)[1] == 0


def many_points(file, count: int) -> None:
    """One tag at the steps from 2^21 on, whose records all have one length."""
    from spikediag.parser.event_files import crc32c

    record = frame(scalar("train/loss", 1 << 21, 1.5).SerializeToString())
    table = np.tile(np.frombuffer(record, np.uint8), (count, 1))
    at = record.index(b"\x10", 21) + 1
    steps = (1 << 21) + np.arange(count)
    for k in range(4):
        table[:, at + k] = (steps >> (7 * k) & 0x7F) | (0x80 if k < 3 else 0)
    payload = np.ascontiguousarray(table[:, 12:-4])
    true = crc32c.of_columns(payload.ravel(), payload.shape[1])
    masked = ((true >> np.uint32(15)) | (true << np.uint32(17))) + np.uint32(crc32c.MASK_DELTA)
    table[:, -4:] = masked.astype("<u4").view(np.uint8).reshape(-1, 4)
    file.write_bytes(table.tobytes())
