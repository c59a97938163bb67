"""Flight records beside a log: read into the run, and never trusted."""

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from spikediag.model import DamageKind
from spikediag.parser import flight_records as module
from spikediag.parser import read_run
from spikediag.parser.flight_records import flight_records
from tests.attribution import cases

NAME = "spikediag-record-1.npz"


def layout(**changed: np.ndarray) -> dict[str, np.ndarray]:
    """A record of three updates, two dimensions and four samples."""
    return {
        "layout": np.array(1),
        "incident": np.array([2, 3]),
        "steps": np.array([1, 2, 3]),
        "dimension_nll": np.zeros((3, 2), np.float32),
        "dimension_log_std": np.zeros((3, 0)),
        "sample_nll": np.zeros((3, 4)),
        "indices": np.zeros((3, 4), np.int64),
        "scalar_names": np.array(["grad_norm"]),
        "scalars": np.ones((1, 3)),
        "dimensions": np.array(["x", "gripper"]),
    } | changed


def put(folder: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez_compressed(folder / NAME, **arrays)
    return folder / NAME


def refused(folder: Path) -> str:
    """Why the only file was left out."""
    records, (damage,), files = flight_records([folder])
    assert not records
    assert not files
    assert (damage.kind, damage.file) == (DamageKind.LEFT_OUT, NAME)
    return str(damage.what)


def test_a_run_has_the_records_that_lie_beside_its_log(tmp_path: Path) -> None:
    cases.written(tmp_path, cases.nll(), cases.mse())
    put(tmp_path, layout())
    run = read_run(tmp_path)
    assert [record.file for record in run.flight_records] == [NAME]
    assert run.flight_records[0].dimensions == ("x", "gripper")
    assert NAME in {file.path for file in run.files}


def test_a_damaged_record_is_damage_and_the_log_is_read_all_the_same(tmp_path: Path) -> None:
    cases.written(tmp_path, cases.nll(), cases.mse())
    path = put(tmp_path, layout())
    path.write_bytes(path.read_bytes()[:-40])
    run = read_run(tmp_path)
    assert not run.flight_records
    assert [damage.file for damage in run.damage] == [NAME]
    assert "bc/actor_loss" in run.series


def test_records_stand_in_the_order_of_their_incidents(tmp_path: Path) -> None:
    for number, onset in ((10, 9), (2, 90)):
        np.savez(tmp_path / f"spikediag-record-{number}.npz", **layout(incident=np.array([onset, onset])))
    assert [record.onset_step for record in flight_records([tmp_path, tmp_path])[0]] == [9, 90]


@pytest.mark.parametrize(
    "changed",
    [
        {"steps": np.array([3, 2, 1])},
        {"steps": np.array([[1, 2, 3]])},
        {"steps": np.array([], dtype=np.int64)},
        {"steps": np.array([1.5, 2.0, 3.0])},
        {"incident": np.array([1])},
        {"incident": np.array([np.nan, 1.0])},
        {"sample_nll": np.zeros((2, 4))},
        {"sample_nll": np.zeros(3)},
        {"sample_nll": np.array([["a"] * 4] * 3)},
        {"scalars": np.ones((1, 2))},
        {"indices": np.array([["x"]])},
        {"layout": np.array(2)},
        {"layout": np.array([1, 1])},
    ],
)
def test_arrays_of_another_shape_are_no_record(changed: dict[str, np.ndarray], tmp_path: Path) -> None:
    put(tmp_path, layout(**changed))
    assert "no flight record" in refused(tmp_path)


def test_an_archive_without_the_arrays_is_no_record(tmp_path: Path) -> None:
    np.savez(tmp_path / NAME, weights=np.ones(3))
    assert "layout" in refused(tmp_path)


def test_pickled_objects_are_never_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "sprung",))

    put(tmp_path, layout(dimensions=np.array([Trap()], dtype=object)))
    assert "objects" in refused(tmp_path)
    with zipfile.ZipFile(tmp_path / NAME, "w") as archive:
        archive.writestr("steps.npy", pickle.dumps(Trap()))
    assert "no flight record" in refused(tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_an_archive_that_unpacks_without_end_is_stopped(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1 << 16)
    put(tmp_path, layout(sample_nll=np.zeros((3, 100_000))))
    assert (tmp_path / NAME).stat().st_size < module.LARGEST
    assert "unpacks to more" in refused(tmp_path)
    np.savez(tmp_path / NAME, **layout(sample_nll=np.zeros((3, 100_000))))
    assert "larger than" in refused(tmp_path)


@pytest.mark.parametrize("shape", ["(1 << 60,)", "(9999999999999999999999, 99)", "(-1, -3)", "3", "(2,)"])
def test_a_header_that_claims_another_size_is_refused_before_memory_is_asked_for(
    shape: str, tmp_path: Path
) -> None:
    header = f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}}}".encode()
    with zipfile.ZipFile(tmp_path / NAME, "w") as archive:
        archive.writestr(
            "steps.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 24
        )
    assert "no flight record" in refused(tmp_path)


def test_a_header_of_any_length_is_not_parsed(tmp_path: Path) -> None:
    header = b"(" * 60_000
    with zipfile.ZipFile(tmp_path / NAME, "w") as archive:
        archive.writestr("steps.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    assert "no flight record" in refused(tmp_path)


def test_any_byte_may_be_wrong(tmp_path: Path) -> None:
    whole = io.BytesIO()
    np.savez_compressed(whole, **layout())
    rng = np.random.default_rng(0)
    for _ in range(100):
        content = bytearray(whole.getvalue())
        for at in rng.integers(len(content), size=3):
            content[at] = rng.integers(256)
        (tmp_path / NAME).write_bytes(content)
        records, damage, _ = flight_records([tmp_path])
        assert len(records) + len(damage) == 1
