"""A broken record costs that record alone; no corrupt value is kept; damage is told to the byte."""

import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikediag.errors import UnreadableRunError
from spikediag.parser import read_run
from spikediag.parser.event_files import crc32c
from spikediag.parser.event_files.scalars import read_scalars
from tests.conftest import examples
from tests.parser.writing import NAME, curves, frame, scalar, write

COUNT = 300
FEW = 40  # records in which hypothesis looks for a place to break


def pieces() -> list[bytes]:
    """Framed records of two tags, one piece of bytes each."""
    tags = {"bc/actor_loss": np.arange(COUNT) / 7, "bc/mse": np.arange(COUNT) / 3}
    return [frame(record.SerializeToString()) for record in curves(tags)]


PIECES = pieces()
SIZES = np.cumsum([0] + [len(piece) for piece in PIECES])


def points(buffer: bytes) -> set[tuple[str, int, float]]:
    columns = read_scalars(buffer)
    return {
        (tag, step, value)
        for tag, found in columns.points.items()
        for step, value in zip(found.steps.tolist(), found.values.tolist(), strict=True)
    }


WHOLE = points(b"".join(PIECES))


def without(*records: int) -> set[tuple[str, int, float]]:
    kept = [piece for k, piece in enumerate(PIECES) if k not in records]
    return points(b"".join(kept))


@pytest.mark.parametrize("record", [0, 1, 57, 298, 599])
@pytest.mark.parametrize("place", ["length", "length crc", "payload", "payload crc"])
def test_one_flipped_bit(record: int, place: str) -> None:
    at = {"length": 0, "length crc": 9, "payload": 20, "payload crc": len(PIECES[record]) - 2}[place]
    buffer = bytearray(b"".join(PIECES))
    buffer[SIZES[record] + at] ^= 4
    columns = read_scalars(bytes(buffer))
    assert points(bytes(buffer)) == without(record)
    (gap,) = columns.gaps
    assert (gap.offset, gap.length) == (SIZES[record], len(PIECES[record]))


@pytest.mark.parametrize(
    "filler", [b"\x00" * 5000, b"garbage!" * 40, bytes(range(256)), PIECES[3][:-7], b"\x01"]
)
def test_bytes_between_records(filler: bytes) -> None:
    buffer = b"".join([*PIECES[:100], filler, *PIECES[100:]])
    columns = read_scalars(buffer)
    assert points(buffer) == WHOLE
    (gap,) = columns.gaps
    assert (gap.offset, gap.length) == (SIZES[100], len(filler))


@pytest.mark.parametrize("lost", [1, 10, 30, 55])
def test_bytes_missing_from_a_record(lost: int) -> None:
    piece = PIECES[100]
    buffer = b"".join([*PIECES[:100], piece[: len(piece) - lost], *PIECES[101:]])
    assert points(buffer) == without(100)


@pytest.mark.parametrize("cut", [1, 5, 20, 40])
def test_a_cut_tail(cut: int) -> None:
    buffer = b"".join(PIECES)[:-cut]
    columns = read_scalars(buffer)
    assert points(buffer) == without(599)
    assert str(columns.gaps[0].what) == "the last record is cut off"
    assert columns.gaps[0].offset == SIZES[599]


def test_an_absurd_length_with_a_true_checksum() -> None:
    size = struct.pack("<Q", 1 << 60)
    liar = size + struct.pack("<I", crc32c.masked(size))
    buffer = b"".join([*PIECES[:100], liar, *PIECES[100:]])
    assert points(buffer) == WHOLE


def test_a_file_that_is_being_written(tmp_path) -> None:
    file = write(tmp_path, [])
    for k in range(0, len(PIECES), 37):
        file.write_bytes(b"".join(PIECES[:k]) + PIECES[k][: k % 40])
        assert points(file.read_bytes()) == points(b"".join(PIECES[:k]))


def test_the_run_tells_of_its_damage(tmp_path) -> None:
    file = write(tmp_path, [scalar("loss", step, 1.0) for step in range(50)])
    whole = bytearray(file.read_bytes())
    at = whole.index(b"loss", 500)
    whole[at] ^= 1
    file.write_bytes(whole)
    run = read_run(tmp_path)
    assert len(run.series["loss"]) == 49
    (damage,) = run.damage
    assert (damage.file, str(damage.what)) == (file.name, "a record fails its checksum")
    assert damage.offset <= at < damage.offset + damage.length


def test_endless_damage_is_summed_up(tmp_path) -> None:
    broken = [PIECES[k % 7][:-1] + b"\xff" if k % 2 else PIECES[k % 7] for k in range(3000)]
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(broken))
    run = read_run(path)
    assert len(run.damage) == 1001
    assert str(run.damage[-1].what) == "500 more stretches from here on"
    assert sum(damage.length for damage in run.damage) == sum(len(piece) for piece in broken[1::2])


@examples(150)
@given(st.data())
def test_no_corrupt_value_is_ever_kept(data) -> None:
    buffer = bytearray(b"".join(PIECES[:FEW]))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(buffer) - 1))
        kind = data.draw(st.sampled_from(["flip", "zero", "delete", "insert", "copy"]))
        length = data.draw(st.integers(1, 200))
        if kind == "flip":
            buffer[at] ^= data.draw(st.integers(1, 255))
        elif kind == "zero":
            buffer[at : at + length] = bytes(len(buffer[at : at + length]))
        elif kind == "delete" and len(buffer) > length + 20:
            del buffer[at : at + length]
        elif kind == "insert":
            buffer[at:at] = data.draw(st.binary(max_size=60))
        else:
            buffer[at:at] = buffer[:length]
    assert points(bytes(buffer)) <= WHOLE


@examples(150)
@given(st.binary(max_size=400))
def test_any_bytes(buffer: bytes) -> None:
    assert not points(buffer) or buffer


@examples(80)
@given(st.lists(st.binary(max_size=80), max_size=12), st.integers(1, 12))
def test_any_payloads_in_whole_records(payloads: list[bytes], times: int) -> None:
    columns = read_scalars(b"".join(map(frame, payloads)) * times)
    assert columns.records >= 0


@pytest.mark.parametrize(
    "buffer",
    [
        bytes(1_000_000),
        b"\x01\x00\x00\x00\x00\x00\x00\x00" * 125_000,
        frame(b"") * 25_000,
        b"".join(PIECES[k % 7][: -(k % 3) or None] for k in range(4000)),
        np.random.default_rng(0).bytes(1_000_000),
    ],
    ids=["NUL", "small words", "empty payloads", "every other cut", "noise"],
)
def test_hostile_files_are_read_in_bounded_time(buffer: bytes) -> None:
    start = time.process_time()
    assert read_scalars(buffer).records >= 0
    assert time.process_time() - start < 15


def test_endless_tags_are_bounded(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("spikediag.parser.event_files.scalars.MOST_TAGS", 100)
    file = write(tmp_path, [scalar(f"tag{k}", 0, 1.0) for k in range(150)])
    run = read_run(file)
    assert len(run.series) == 100
    assert str(run.damage[0].what).startswith("left out: 50 points of tags")
    repeated = [scalar(f"tag{k}", step, 1.0) for step in range(20) for k in range(150)]
    assert len(read_run(write(tmp_path, repeated)).series) == 100


@pytest.mark.parametrize("tags", [1, 60])
def test_a_file_without_one_intact_record(tags: int) -> None:
    whole = [frame(scalar(f"tag{k % tags:02}", 5, 1.0).SerializeToString()) for k in range(300)]
    columns = read_scalars(b"".join(piece[:-1] + bytes([piece[-1] ^ 1]) for piece in whole))
    assert not columns.points
    assert columns.records == 0


def test_a_git_lfs_pointer_names_the_way_out(tmp_path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 88\n"
    (tmp_path / NAME).write_text(pointer)
    with pytest.raises(UnreadableRunError, match=r"is a Git LFS pointer.*`git lfs pull`") as told:
        read_run(tmp_path)
    assert str(told.value).count("git lfs") == 1
    write(tmp_path / "events.out.tfevents.1700000001.host", curves({"loss": [1.0, 2.0]}))
    assert "git lfs pull" in str(read_run(tmp_path).damage[0].what)
