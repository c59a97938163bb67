"""The runs of a folder in portions: together what `find_runs` finds, and changed when a file of them is."""

import os
import pickle
import shutil
from pathlib import Path

import pytest

from spikediag.parser import find_runs
from spikediag.parser.places import MOST_TOGETHER, Fingerprints, places
from tests.conftest import ROOT, SAMPLE_RUNS
from tests.parser.writing import scalar, write

SHARED = ROOT.parent / "shared"


def lightning(folder: Path) -> None:
    """Three versions, of which the second goes on with the first; and one beside them in a table."""
    for version, first in ((0, 0), (1, 30), (2, 0)):
        wall = 1e9 + 1e5 * version
        points = [scalar("train_loss", first + n, 1.0 + n / 99, wall + n) for n in range(30)]
        write(folder / f"version_{version}" / "events.out.tfevents.1.a", points)
    rows = "".join(f"{n},{1.0 + n / 99}\n" for n in range(30))
    (folder.parent / "csv_logs" / "version_0").mkdir(parents=True)
    (folder.parent / "csv_logs" / "version_0" / "metrics.csv").write_text("step,train_loss\n" + rows, "utf-8")


def tables(folder: Path) -> None:
    for n in range(MOST_TOGETHER + 2):
        (folder / "csv_logs" / f"version_{n}").mkdir(parents=True)
        rows = "".join(f"{step},{n + step % 7}\n" for step in range(20))
        (folder / "csv_logs" / f"version_{n}" / "metrics.csv").write_text("step,train_loss\n" + rows, "utf-8")


def found_in(root: Path) -> tuple[list[str], list[str]]:
    apart = (run for place in places(root) for run in pickle.loads(pickle.dumps(place)).runs())
    return sorted(str(run.path) for run in apart), sorted(str(run.path) for run in find_runs(root))


@pytest.mark.parametrize("layout", [lightning, tables])
def test_portions_hold_the_runs_that_are_found(tmp_path, layout):
    layout(tmp_path / "logs")
    apart, whole = found_in(tmp_path)
    assert apart == whole


@pytest.mark.slow
@pytest.mark.parametrize("root", [SAMPLE_RUNS, SHARED / "real_runs", SHARED / "faults"])
def test_portions_of_real_folders_hold_the_runs_that_are_found(root):
    if not root.is_dir():
        pytest.skip("a folder beside the project")
    apart, whole = found_in(root)
    assert apart == whole


def test_a_version_that_begins_again_is_a_portion_of_its_own(tmp_path):
    lightning(tmp_path / "lightning_logs")
    folders = [[folder.path.name for folder in place.folders] for place in places(tmp_path)]
    assert ["version_0", "version_1"] in folders
    assert ["version_2"] in folders


def test_a_file_is_a_portion(tmp_path):
    write(tmp_path / "events.out.tfevents.1.a", [scalar("train_loss", n, 1.0) for n in range(30)])
    (place,) = places(tmp_path / "events.out.tfevents.1.a")
    assert [run.path for run in place.runs()] == [tmp_path / "events.out.tfevents.1.a"]


@pytest.fixture
def sweep(tmp_path) -> Path:
    for name in ("bc_batch_32", "lr_step"):
        shutil.copytree(SAMPLE_RUNS / name, tmp_path / "runs" / name)
    return tmp_path / "runs"


def prints(root: Path) -> dict[str, str | None]:
    known = Fingerprints()
    return {place.folders[0].path.name: known.of(place) for place in places(root)}


def test_a_fingerprint_stays_while_nothing_changes(sweep):
    assert prints(sweep) == prints(sweep)
    assert len(set(prints(sweep).values())) == 2


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("bc_batch_32/config.yaml", ["bc_batch_32"]),
        ("bc_batch_32/spikediag.toml", ["bc_batch_32"]),
        ("bc_batch_32/checkpoint_500", ["bc_batch_32"]),
        ("bc_batch_32/meta/stats.json", ["bc_batch_32"]),
        ("config.yaml", ["bc_batch_32", "lr_step"]),
    ],
)
def test_a_fingerprint_changes_with_every_file_that_is_read(sweep, file, changed):
    before = prints(sweep)
    (sweep / file).parent.mkdir(exist_ok=True)
    with (sweep / file).open("a") as opened:
        opened.write("\n")
    after = prints(sweep)
    assert [name for name in before if before[name] != after[name]] == changed


def test_a_log_of_the_same_size_and_time_is_told_by_its_ends(sweep):
    before = prints(sweep)
    (log,) = (sweep / "lr_step").glob("*tfevents*")
    status, content = log.stat(), log.read_bytes()
    log.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = prints(sweep)
    assert [name for name in before if before[name] != after[name]] == ["lr_step"]
