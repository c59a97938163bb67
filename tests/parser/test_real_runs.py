"""The event files of six public repositories: all are read, and what is known of them is found."""

from pathlib import Path

import pytest

from spikediag.errors import NoEventsError
from spikediag.model import Role
from spikediag.parser import find_runs, read_run
from tests.parser.event_files import naive
from tests.parser.writing import paths

FILES = 55  # of which one is a text side-car
SILENT = 4  # event files without a scalar
SMALL = 80_000  # bytes


@pytest.mark.slow
def test_all_files(real_runs) -> None:
    files = sorted(path for path in real_runs.rglob("*tfevents*") if path.is_file())
    assert len(files) == FILES
    silent = 0
    for path in files:
        if path.suffix == ".meta":
            continue
        try:
            run = read_run(path)
        except NoEventsError:
            silent += 1
            continue
        expected = naive.read(path.read_bytes())
        assert set(run.series) >= set(expected)
        for tag, points in expected.items():
            assert len(run.series[tag]) == len({step for step, _, _ in points})
    assert silent == SILENT


def test_a_small_file_of_each_repository_holds_what_an_obvious_reader_finds(real_runs) -> None:
    """All files take a minute: -m slow."""
    compared = 0
    for folder in filter(Path.is_dir, real_runs.iterdir()):
        files = [path for path in folder.rglob("*tfevents*") if path.suffix != ".meta"]
        path = max((path for path in files if path.stat().st_size < SMALL), key=lambda p: p.stat().st_size)
        found = read_run(path).series
        for tag, points in naive.read(path.read_bytes()).items():
            assert len(found[tag]) == len({step for step, _, _ in points})
            compared += 1
    assert compared > 50


@pytest.mark.slow
def test_every_run_found_is_read(real_runs) -> None:
    assert [bool(read_run(run).series) for run in find_runs(real_runs)] == 49 * [True]


@pytest.mark.parametrize(
    ("name", "offset", "length", "last"),
    [
        ("Sep09_11-39-36_do", 172294, 44, 125),
        ("Sep09_18-00-15_test", 4098, 38, 2),
        ("Sep12_00-22-54_st_b_200", 40962, 52, 29),
        ("Sep12_15-33-19_slope", 76534, 52, 55),
        ("Sep14_18-20-27_blind", 8202, 30, 5),
    ],
)
def test_truncated_files_are_read_to_their_last_record(real_runs, name, offset, length, last) -> None:
    run = read_run(real_runs / "FeilongY__legged" / "logs" / "rough_a1" / name)
    (damage,) = run.damage
    assert (damage.offset, damage.length, str(damage.what)) == (offset, length, "the last record is cut off")
    assert run.series["Loss/surrogate"].steps[-1] == last


def test_megatron_attempts_are_kept_apart(real_runs) -> None:
    folder = real_runs / "NVIDIA__Megatron-LM" / "tensorboard" / "gpt3-357m"
    found = paths(folder)
    assert len(found) == 4
    assert all(path.parent == folder for path in found)
    assert len({read_run(path).name for path in found}) == 4
    run = read_run(folder)
    assert "4 attempts" in str(run.notes[0])
    assert run.series["lm loss"].steps[[0, -1]].tolist() == [1, 100]
    assert run.fact("batch_size").value == 32  # its batch is still being ramped up
    assert run.fact("batch_size").conflicts == ("256 (text tags: global_batch_size)",)


def test_unity_side_car_is_no_run(real_runs) -> None:
    with pytest.raises(NoEventsError):
        read_run(real_runs / "Awesommesh__SoccerPPO" / "Assets")


def test_the_resume_gap_of_soccer(real_runs) -> None:
    run = read_run(real_runs / "Awesommesh__SoccerPPO" / "results" / "curriculum" / "SoccerAgent")
    (gap,) = run.rewinds
    assert 2_980_000 < gap.from_step < 3_010_000
    assert 7_100_000 < gap.to_step < 7_200_000
    assert gap.session == 1
    assert gap.wall_gap > 86_400
    assert run.library == "ml-agents"


def test_duplicate_and_backward_steps(real_runs) -> None:
    folder = real_runs / "janosh__tensorboard-reducer" / "tests" / "runs" / "duplicate_steps" / "run_1"
    run = read_run(folder)
    assert run.series["dup_steps/foo"].steps.tolist() == list(range(200))
    assert [(rewind.from_step, rewind.to_step) for rewind in run.rewinds] == [(99, 90)]


def test_rsl_rl_learning_rate_is_no_loss(real_runs) -> None:
    run = read_run(real_runs / "FeilongY__legged" / "logs" / "rough_a1" / "Aug30_20-36-35_")
    assert run.series["Loss/learning_rate"].role is Role.LEARNING_RATE
    assert {series.tag for series in run.having(Role.LOSS)} == {"Loss/surrogate", "Loss/value_function"}
    assert {series.tag for series in run.having(Role.LOG_STD)} == {"Policy/mean_noise_std"}
    assert run.library == "rsl-rl"
    assert not any(run.having(Role.COMPANION))
