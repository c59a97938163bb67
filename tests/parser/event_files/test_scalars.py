"""The fast reader agrees with its naive twin, on every encoding and any order of records."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.types_pb2 import DT_BFLOAT16, DT_HALF
from tensorboard.util import tensor_util

from spikediag.parser.event_files.scalars import Scalars, read_scalars
from tests.conftest import examples
from tests.parser.event_files import naive
from tests.parser.writing import START, curves, frame, scalar, write

TAGS = ("loss", "a/mse", "b/mse", "bc/actor_loss", "lr", "x" * 40)


def assert_same(columns: Scalars, buffer: bytes) -> None:
    expected = naive.read(buffer)
    assert set(columns.points) == set(expected)
    for tag, points in expected.items():
        steps, values, walls = (np.array(column) for column in zip(*points, strict=True))
        np.testing.assert_array_equal(columns.points[tag].steps, steps)
        np.testing.assert_array_equal(columns.points[tag].values, values)
        np.testing.assert_array_equal(columns.points[tag].walls, walls)


def tensor(tag: str, step: int, array: np.ndarray, plugin: str = "scalars") -> Event:
    record = Event(wall_time=START + step, step=step)
    value = record.summary.value.add(tag=tag)
    value.tensor.CopyFrom(tensor_util.make_tensor_proto(array))
    value.metadata.plugin_data.plugin_name = plugin
    return record


def test_periodic_file(tmp_path) -> None:
    rng = np.random.default_rng(1)
    columns = {tag: rng.normal(size=3000) for tag in TAGS}
    buffer = write(tmp_path, curves(columns, steps=range(0, 3000 * 7, 7))).read_bytes()
    read = read_scalars(buffer)
    assert_same(read, buffer)
    assert read.records == 3000 * len(TAGS) + 1
    assert not read.gaps


def test_tags_at_different_rates(tmp_path) -> None:
    records = [
        scalar(tag, step, step / 3)
        for step in range(2000)
        for tag, every in zip(TAGS, (1, 1, 10, 100, 7, 1000), strict=True)
        if step % every == 0
    ]
    buffer = write(tmp_path, records).read_bytes()
    assert_same(read_scalars(buffer), buffer)


def test_many_tags_of_one_length(tmp_path) -> None:
    records = [scalar(f"layer_{k:03}/norm", step, k + step) for step in range(12) for k in range(200)]
    buffer = write(tmp_path, records).read_bytes()
    assert_same(read_scalars(buffer), buffer)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "u1", "i2", "i4", "i8", "bool"])
@pytest.mark.parametrize("packed", [True, False])
def test_tensor_encodings(tmp_path, dtype: str, packed: bool) -> None:
    records = []
    for step in range(20):
        number = np.array([step % 2] if dtype == "bool" else [step * 5], dtype=dtype)
        records.append(tensor("loss", step, number[0] if packed else number))
    buffer = write(tmp_path, records).read_bytes()
    columns = read_scalars(buffer)
    assert_same(columns, buffer)
    assert len(columns.points["loss"].steps) == 20


@pytest.mark.parametrize(
    ("code", "dtype"),
    [
        (1, "<f4"), (2, "<f8"), (3, "<i4"), (4, "u1"), (5, "<i2"), (6, "i1"), (9, "<i8"), (10, "?"),
        (17, "<u2"), (19, "<f2"), (22, "<u4"), (23, "<u8"),
    ],
)  # fmt: skip
def test_every_numeric_type_as_bytes(tmp_path, code: int, dtype: str) -> None:
    records = []
    for step in range(10):
        record = Event(wall_time=START, step=step)
        value = record.summary.value.add(tag="loss")
        value.tensor.dtype = code
        value.tensor.tensor_content = np.array([step % 2 + 1 if dtype != "?" else 1], dtype).tobytes()
        records.append(record)
    columns = read_scalars(write(tmp_path, records).read_bytes())
    expected = np.ones(10) if dtype == "?" else np.arange(10) % 2 + 1
    np.testing.assert_array_equal(columns.points["loss"].values, expected)


@pytest.mark.parametrize(
    "array", [np.array([1.0, 2.0]), np.array(["text"], object), np.zeros(0), np.array(1 + 2j)], ids=str
)
def test_what_is_no_single_number_is_no_scalar(tmp_path, array: np.ndarray) -> None:
    columns = read_scalars(write(tmp_path, [tensor("x", step, array) for step in range(20)]).read_bytes())
    assert not columns.points
    assert len(columns.excerpt.tags) == 1


@pytest.mark.parametrize(("dtype", "bits"), [(DT_HALF, 0x3E00), (DT_BFLOAT16, 0x3FC0)])
def test_half_floats_as_integers(tmp_path, dtype: int, bits: int) -> None:
    records = []
    for step in range(10):
        record = Event(wall_time=START, step=step)
        value = record.summary.value.add(tag="loss")
        value.tensor.dtype = dtype
        value.tensor.half_val.append(bits)
        records.append(record)
    columns = read_scalars(write(tmp_path, records).read_bytes())
    np.testing.assert_array_equal(columns.points["loss"].values, np.full(10, 1.5))


@pytest.mark.parametrize(("code", "bits"), [(1, "0100807f"), (14, "817f"), (19, "017c")])
def test_a_signalling_nan_is_a_nan(tmp_path, code: int, bits: str) -> None:
    records = []
    for step in range(10):
        record = Event(wall_time=START, step=step)
        value = record.summary.value.add(tag="loss")
        value.tensor.dtype = code
        value.tensor.tensor_content = bytes.fromhex(bits)
        records.append(record)
    scalars = read_scalars(write(tmp_path, records).read_bytes())
    assert np.isnan(scalars.points["loss"].values).all()


def test_several_values_in_one_record(tmp_path) -> None:
    records = []
    for step in range(50):
        record = Event(wall_time=START + step, step=step)
        for tag in TAGS:
            record.summary.value.add(tag=tag, simple_value=step * len(tag))
        records.append(record)
    buffer = write(tmp_path, records).read_bytes()
    assert_same(read_scalars(buffer), buffer)


def test_negative_and_huge_steps_and_special_values(tmp_path) -> None:
    values = [float("nan"), float("inf"), -float("inf"), -0.0, 1e-45, 3e38]
    records = [scalar("loss", step, value) for step in (-5, 0, 2**40, 2**53, 2**62) for value in values]
    buffer = write(tmp_path, records).read_bytes()
    assert_same(read_scalars(buffer), buffer)


def test_text_and_histograms_are_handed_on(tmp_path) -> None:
    text = tensor("args", 0, np.array([b"lr: 1"], dtype=object), plugin="text")
    legacy = Event(wall_time=START, step=3)
    legacy.summary.value.add(tag="log_std").histo.num = 4
    buffer = write(tmp_path, [text, scalar("loss", 1, 2.0), legacy]).read_bytes()
    columns = read_scalars(buffer)
    assert columns.excerpt.tags == {("text", "args"), ("histograms", "log_std")}
    assert set(columns.points) == {"loss"}


@examples(60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(TAGS),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(width=32),
            st.floats(1.0, 1e12),
        ),
        max_size=20,
    ),
    st.integers(1, 40),
)
def test_any_records_repeated(points, times) -> None:
    records = [scalar(*point).SerializeToString() for point in points] * times
    buffer = b"".join(map(frame, records))
    assert_same(read_scalars(buffer), buffer)


def test_tags_of_one_length_in_any_letters_and_places(tmp_path) -> None:
    tags = [f"{a}{b}" for a in "abc\n\x15é" for b in "xyz"]
    records = []
    for step, tag in enumerate(tags * 3):
        twice = Event(wall_time=START + step, step=step)
        twice.summary.value.add(tag=tag, simple_value=step)
        twice.summary.value.add(tag=tags[step % 2], simple_value=-step)
        records += [twice, tensor(tag, step, np.array([step], "f4"), "scalars" if step % 3 else "thistle")]
    buffer = write(tmp_path, records).read_bytes()
    assert_same(read_scalars(buffer), buffer)
