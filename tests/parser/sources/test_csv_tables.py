"""Any CSV with a column that counts steps."""

import csv
from pathlib import Path

import pytest

from spikediag import read_run
from spikediag.errors import UnreadableRunError, UsageError
from spikediag.parser import find_runs
from spikediag.parser.log_files import Gap, Opened
from spikediag.parser.tables import PIECE, Column, read_csv, reads_exactly
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import paths

TAGS = ("train/loss", "train/mse", "lr")


def table(file: Path, curves: Curves, step: str = "step", names: str = "{}") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([step, *(names.format(tag) for tag in curves)])
        writer.writerows([at, *(row.get(tag, "") for tag in curves)] for at, row in rows(curves))
    return file


@pytest.mark.parametrize("step", ["step", "Step", "global_step", "_step", "iteration", "trainer/global_step"])
def test_it_is_understood_as_its_event_file(tmp_path: Path, step: str) -> None:
    curves = training(*TAGS)
    file = table(tmp_path / "run" / "history.csv", curves, step)
    assert told(file) == told(as_events(tmp_path / "events", curves))


def test_each_table_of_a_folder_is_a_run_and_a_copy_is_none(tmp_path: Path) -> None:
    for seed in (0, 1, 1):
        table(tmp_path / f"seed{len(list(tmp_path.iterdir()))}.csv", training(*TAGS, seed=seed))
    assert [path.name for path in paths(tmp_path)] == ["seed0.csv", "seed1.csv"]
    with pytest.raises(UsageError, match="holds 2 runs"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "model,accuracy,loss\nsmall,0.9,0.3\nlarge,0.95,0.2\n",  # results
        "step,x,y\n1,0.2,0.3\n2,0.3,0.4\n3,0.2,0.1\n",  # a trajectory
        "id,text\n1,a\n2,b\n",
        "step,loss\n",
        "step,loss\n1,one\n2,two\n",
        "",
    ],
)
def test_a_table_that_merely_lies_there_is_no_run(tmp_path: Path, content: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "results.csv").write_text(content)
    assert paths(tmp_path) == ()


def test_beside_an_event_file_it_changes_nothing_and_adds_no_run(tmp_path: Path) -> None:
    curves = training(*TAGS)
    alone, beside = as_events(tmp_path / "a", curves), as_events(tmp_path / "b", curves)
    table(beside / "export.csv", training(*TAGS, seed=1))
    table(beside / "plots" / "again.csv", curves)
    assert told(alone) == told(beside)
    assert paths(tmp_path) == (alone, beside)


def test_what_wandb_exports_from_a_panel_holds_a_run_for_each_name(tmp_path: Path) -> None:
    first, second = training("train/loss"), training("train/loss", seed=1)
    one = table(tmp_path / "one" / "export.csv", first, "Step", "misty-sun-4 - {}")
    assert told(one) == told(as_events(tmp_path / "events", first))
    both = {"a/b - train/loss": first["train/loss"], "c - train/loss": second["train/loss"]}
    file = table(
        tmp_path / "both" / "export.csv", {**both, "c - train/loss__MIN": both["c - train/loss"]}, "Step"
    )
    runs = {source.path.name: read_run(source) for source in find_runs(file)}
    assert list(runs) == ["a-b", "c"]
    assert runs["c"].series["train/loss"].values.tolist() == list(second["train/loss"].values())
    assert paths(tmp_path / "both") == (file / "a-b", file / "c")
    assert read_run(file / "c").series.keys() == {"train/loss"}


def test_the_download_of_tensorboard_has_its_tag_in_its_name(tmp_path: Path) -> None:
    lines = [f"{1.7e9 + k},{10 * k},{3 - k}\n" for k in range(50)]
    file = tmp_path / "run-bc-tag-train_loss.csv"
    file.write_text("Wall time,Step,Value\n" + "".join(lines))
    series = read_run(file).series["train_loss"]
    assert series.steps.tolist() == list(range(0, 500, 10))
    assert series.wall_times[0] == 1.7e9


@pytest.mark.parametrize("content", ["model,loss\na,1\n", "\0", ""])
def test_a_table_that_was_named_and_has_no_steps_says_so(tmp_path: Path, content: str) -> None:
    file = tmp_path / "results.csv"
    file.write_text(content)
    with pytest.raises(UnreadableRunError, match="no column step"):
        read_run(file)


def columns(text: str) -> tuple[dict[str, Column], list[Gap]]:
    return read_csv(Opened.of(Path("progress.csv"), text.encode()))


def several_pieces(*, cells: str = "") -> list[str]:
    """The rows of a table that is read in three pieces."""
    rows: list[str] = []
    while sum(map(len, rows[-1:])) * len(rows) < 2.5 * PIECE:
        rows += [f"{step},{step / 3!r}{cells}" for step in range(len(rows), len(rows) + 10_000)]
    return rows


def test_a_table_of_several_pieces_is_read_as_one() -> None:
    rows = several_pieces()
    rows[-2] = f"{len(rows) - 2},"
    whole, gaps = columns("step,loss\n{}\n7".format("\n".join(rows)))
    assert whole["loss"].values[:-2].tolist() == [step / 3 for step in range(len(rows) - 2)]
    assert whole["loss"].there.sum() == len(rows) - 1
    assert [(gap.length, "half written" in str(gap.what)) for gap in gaps] == [(1, True)]


def test_a_word_far_down_costs_its_own_cell_alone() -> None:
    rows = several_pieces(cells=",True")
    rows[-2] = f"{len(rows) - 2},1.5,unknown"
    whole, _ = columns("step,loss,done\n{}\n".format("\n".join(rows)))
    assert whole["done"].there.sum() == len(rows) - 1
    assert whole["loss"].there.all()


def test_a_row_that_is_too_long_is_left_out_wherever_a_piece_begins() -> None:
    rows = several_pieces()
    place = ("step,loss\n" + "\n".join(rows))[:PIECE].count("\n") - 1
    rows[place] += ",7"
    table, gaps = columns("step,loss\n{}\n".format("\n".join(rows)))
    assert place not in table["step"].values
    assert [str(gap.what) for gap in gaps] == [f"row {place + 2} has 3 cells and not 2"]


@pytest.mark.skipif(not reads_exactly(), reason="pandas before 3.1 makes no number of it")
def test_a_whole_number_beyond_every_float_is_infinite_and_costs_no_other_cell() -> None:
    table, gaps = columns(f"step,loss\n0,1.5\n1,{'9' * 400}\n2,2.5\n")
    assert table["loss"].values.tolist() == [1.5, float("inf"), 2.5]
    assert not gaps


def test_a_table_of_endless_columns_is_refused_at_once(tmp_path) -> None:
    file = tmp_path / "progress.csv"
    file.write_text("step," + ",".join(f"loss{k}" for k in range(30_000)) + "\n" + "1," * 30_000 + "1\n")
    with pytest.raises(UnreadableRunError, match="more than 20,000 columns"):
        read_run(file)
