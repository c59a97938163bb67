"""Stable-Baselines3's `progress.csv` and `progress.json`, imitation's and RLlib's."""

import csv
import json
from pathlib import Path

import pytest

from spikediag import read_run
from spikediag.errors import UnreadableRunError
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import paths

TAGS = ("train/loss", "train/approx_kl", "train/value_loss", "rollout/ep_rew_mean")


def progress(
    folder: Path, curves: Curves, suffix: str = "csv", step: str | None = "time/total_timesteps"
) -> Path:
    folder.mkdir(parents=True)
    table = [{**row, **({step: at, "time/iterations": 1} if step else {})} for at, row in rows(curves)]
    with (folder / f"progress.{suffix}").open("w", newline="") as file:
        if suffix == "csv":
            writer = csv.DictWriter(file, list(table[-1]))
            writer.writeheader()
            writer.writerows(table)
        else:
            file.writelines(json.dumps(row) + "\n" for row in table)
    return folder


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_it_is_understood_as_its_event_file(tmp_path: Path, suffix: str) -> None:
    curves = training(*TAGS)
    run = progress(tmp_path / "run", curves, suffix)
    assert told(run) == told(as_events(tmp_path / "events", curves))
    assert read_run(run).library == "stable-baselines3"


def test_rows_of_behaviour_cloning_are_counted_as_its_event_file_counts_them(tmp_path: Path) -> None:
    curves = {tag: dict(enumerate(c.values())) for tag, c in training("bc/neglogp", "bc/l2_norm").items()}
    run = progress(tmp_path / "run", curves, step=None)
    assert told(run) == told(as_events(tmp_path / "events", curves))
    assert read_run(run).library == "imitation"


@pytest.mark.parametrize("step", ["step", "global_step", "timesteps"])
def test_a_plain_column_of_steps_counts_them(tmp_path: Path, step: str) -> None:
    run = read_run(progress(tmp_path / "run", training("train/loss"), step=step))
    steps = training("train/loss")["train/loss"]
    assert list(run.series["train/loss"].steps) == list(steps)


def test_the_table_of_rllib_has_the_names_of_its_event_files(tmp_path: Path) -> None:
    curves = training("info/learner/default_policy/learner_stats/policy_loss", "training_iteration")
    run = progress(tmp_path / "run", curves, step="timesteps_total")
    assert "ray/tune/info/learner/default_policy/learner_stats/policy_loss" in read_run(run).series


def test_the_table_of_spinning_up_counts_what_the_environment_did(tmp_path: Path) -> None:
    lines = [f"{k}\t{k / 3!r}\t{(k + 1) * 4000}" for k in range(60)]
    (tmp_path / "progress.txt").write_text("Epoch\tLossPi\tTotalEnvInteracts\n" + "\n".join(lines) + "\n")
    assert read_run(tmp_path).series["LossPi"].steps.tolist() == list(range(4000, 240_001, 4000))


def test_both_beside_an_event_file_are_one_run_and_change_nothing(tmp_path: Path) -> None:
    curves = training(*TAGS)
    alone, together = as_events(tmp_path / "a", curves), progress(tmp_path / "b", curves)
    as_events(together, curves)
    (together / "progress.json").write_text(
        "".join(json.dumps({**row, "time/total_timesteps": at}) + "\n" for at, row in rows(curves))
    )
    assert told(alone) == told(together)
    assert paths(tmp_path) == (alone, together)
    run = read_run(together)
    assert not run.notes
    assert [file.path for file in run.files] == [file.path for file in read_run(alone).files]


def test_what_it_has_more_of_than_a_cut_event_file_is_taken_and_said(tmp_path: Path) -> None:
    curves = training(*TAGS)
    folder = progress(tmp_path / "run", curves)
    half = {
        tag: dict(list(curve.items())[:200]) for tag, curve in curves.items() if tag != "rollout/ep_rew_mean"
    }
    as_events(folder, half)
    run = read_run(folder)
    assert {len(series) for series in run.series.values()} == {400}
    assert str(run.notes[0]).startswith("4 series came from progress.csv")
    assert [file.path for file in run.files][-1] == "progress.csv"


def test_another_training_beside_an_event_file_is_left_out(tmp_path: Path) -> None:
    curves = training(*TAGS)
    folder = progress(tmp_path / "run", training(*TAGS, seed=1))
    assert told(as_events(folder, curves)) == told(as_events(tmp_path / "alone", curves))


def test_a_row_that_is_half_written_costs_that_row_alone(tmp_path: Path) -> None:
    file = progress(tmp_path / "run", training(*TAGS)) / "progress.csv"
    whole = read_run(file).series["train/loss"].values.tolist()
    content = file.read_bytes()
    for cut in range(2, 90, 7):
        file.write_bytes(content[:-cut])
        run = read_run(file)
        values = run.series["train/loss"].values.tolist()
        assert values == whole[: len(values)]
        assert len(values) in (398, 399)
        assert str(run.damage[0].what).startswith("the last row has no end of line")


def test_a_row_of_another_width_is_left_out_and_said_where(tmp_path: Path) -> None:
    file = progress(tmp_path / "run", training(*TAGS)) / "progress.csv"
    lines = file.read_text().splitlines(keepends=True)
    lines[100] = "1,2,3,4,5,6,7,8,9\n"
    lines[200] = "1,2\n"
    file.write_text("".join(lines))
    run = read_run(file)
    assert len(run.series["train/loss"]) == 398
    assert [str(damage.what) for damage in run.damage] == [
        "row 101 has 9 cells and not 6",
        "row 201 has 2 cells and not 6",
    ]


@pytest.mark.parametrize("content", [b"", b"train/loss,time/total_timesteps\n", b"\0\0\0"])
def test_one_that_holds_nothing_is_found_and_says_why(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "progress.csv").write_bytes(content)
    assert paths(tmp_path) == (tmp_path,)
    with pytest.raises(UnreadableRunError, match=r"progress\.csv: it (is empty|has a header|is no text)"):
        read_run(tmp_path)
