"""Any CSV with a column that counts steps."""

import csv
import hashlib
import json
from pathlib import Path

import pytest

from spikediag import parser, read_run
from spikediag.errors import UnreadableRunError, UsageError
from spikediag.model import StepUnit
from spikediag.parser import find_runs
from spikediag.parser.log_files import PART, Gap, Opened
from spikediag.parser.tables import Column
from spikediag.parser.text_tables import read_csv, reads_exactly
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


def in_every_way(header: str = "step,loss,lr", cells: str = "{step},{loss!r},{lr!r}", end: str = "\n") -> str:
    lines = [header, *(cells.format(step=step, loss=row["loss"], lr=row["lr"]) for step, row in rows(LOGGED))]
    return end.join(lines) + end


LOGGED = training("loss", "lr", every=1000)
PLAIN = in_every_way()
WRITTEN = {
    "with semicolons and decimal commas": in_every_way("step;loss;lr", "{step};{loss!r};{lr!r}").replace(
        ".", ","
    ),
    "with tabs": in_every_way("step\tloss\tlr", "{step}\t{loss!r}\t{lr!r}"),
    "with quotes and thousands": in_every_way('"step","loss","lr"', '"{step:,}","{loss!r}","{lr!r}"'),
    "with carriage returns": in_every_way(end="\r\n"),
    "with carriage returns alone": in_every_way(end="\r"),
    "with a mark of its bytes": "\ufeff" + PLAIN,
    "in 16 bits": PLAIN.encode("utf-16"),
    "below a comment": "# seed 3, lr 1e-3\n" + PLAIN,
    "with a header that is a comment": "# " + PLAIN,
    "with blank lines": "\n\n" + PLAIN.replace("\n", "\n\n"),
    "with its header once more": PLAIN.replace("\n200000,", "\nstep,loss,lr\n200000,"),
    "with tensors": in_every_way(cells="{step},\"tensor({loss!r}, device='cuda:0')\",{lr!r}"),
    "with steps that are no integers": in_every_way(cells="{step}.0,{loss!r},{lr!r}"),
    "with a comma too many": in_every_way("step,loss,lr,", "{step},{loss!r},{lr!r},"),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_it_is_read_in_whichever_way_it_is_written(way: str, tmp_path: Path) -> None:
    content, file = WRITTEN[way], tmp_path / "log.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    series = read_run(tmp_path).series
    for tag, curve in LOGGED.items():
        assert dict(zip(series[tag].steps.tolist(), series[tag].values.tolist(), strict=True)) == curve


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("-Infinity", "-inf"),
        ("1.#INF", "inf"),
        ("-1.#IND", "nan"),
        ("NaN", "nan"),
        ("-nan", "nan"),
        ("True", "1.0"),
        ("n/a", None),
        ("", None),
        ("1_000", None),
    ],
)
def test_a_cell_is_a_number_however_it_is_spelled(word: str, number: str | None) -> None:
    cells, _ = columns(f"step,loss\n0,1.5\n1,{word}\n")
    assert cells["loss"].there.tolist() == [True, number is not None]
    assert number is None or str(cells["loss"].values[1]) == number


@pytest.mark.parametrize(
    ("header", "counters", "steps"),
    [
        ("epoch,batch", lambda k: f"{k // 40},{k % 40}", range(400)),
        ("epoch,step", lambda k: f"{k // 40},{k % 40 * 10}", range(0, 4000, 10)),
        ("epoch,step,global_step", lambda k: f"{k // 40},{k % 40},{k * 7}", range(0, 2800, 7)),
        ("epoch", lambda k: f"{k / 40}", range(400)),
        ("epoch", lambda k: f"{k // 40}", range(400)),
        ("Epoch", lambda k: f"{k}", range(400)),
        ("total_steps,env_steps", lambda k: f"5000,{k * 3}", range(0, 1200, 3)),
        ("train/iter", lambda k: f"{k}", range(400)),
        ("Global Step", lambda k: f"{k}", range(400)),
        ("n_iter", lambda k: f"{k}", range(400)),
        ("it", lambda k: f"{k}", range(400)),
        ("t", lambda k: f"{k * 10}", range(0, 4000, 10)),
        ("t,policy_step", lambda k: f"{k * 1.5},{k}", range(400)),
    ],
)
def test_what_counts_its_rows_is_found_and_said(header, counters, steps, tmp_path) -> None:
    lines = [f"{counters(k)},{k / 3!r}" for k in range(400)]
    (tmp_path / "log.csv").write_text(f"{header},loss\n" + "\n".join(lines) + "\n")
    run = read_run(tmp_path)
    assert run.series["loss"].steps.tolist() == list(steps)
    said = any("counted" in str(note) for note in run.notes)
    assert said == (header in ("epoch", "epoch,batch", "epoch,step"))


def test_a_counter_that_goes_back_with_its_epoch_is_a_resume(tmp_path: Path) -> None:
    steps = [*range(220), *range(180, 400)]
    lines = [f"{step // 40},{step},{at / 3!r}" for at, step in enumerate(steps)]
    (tmp_path / "log.csv").write_text("epoch,step,loss\n" + "\n".join(lines) + "\n")
    run = read_run(tmp_path)
    assert run.series["loss"].steps.tolist() == list(range(400))
    assert [(rewind.from_step, rewind.to_step) for rewind in run.rewinds] == [(219, 180)]


def test_dates_tell_the_time(tmp_path: Path) -> None:
    lines = [f"2026-01-02 03:04:{k:02d},{k},1.5" for k in range(50)]
    (tmp_path / "log.csv").write_text("timestamp,step,loss\n" + "\n".join(lines) + "\n")
    assert read_run(tmp_path).series["loss"].wall_times[:2].tolist() == [1767323040.0, 1767323041.0]


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


def one_table_each(folder: Path, header: str, row: str, name: str, seed: int = 0) -> None:
    for tag, curve in training("train_loss", "train_mse", seed=seed).items():
        lines = [header.format(tag=tag), *(row.format(step=s, value=v) for s, v in curve.items())]
        folder.mkdir(exist_ok=True)
        (folder / name.format(tag=tag)).write_text("".join(f"{line}\n" for line in lines if line))


@pytest.mark.parametrize(
    ("header", "row", "name"),
    [
        ("Wall time,Step,Value", "1.7e9,{step},{value!r}", "run-bc-tag-{tag}.csv"),  # from TensorBoard
        ("Step,sun-4 - {tag},sun-4 - {tag}__MIN", "{step},{value!r},{value!r}", "export_{tag}.csv"),  # W&B
        ("step,value", "{step},{value!r}", "{tag}.csv"),
        ("iteration,{tag}", "{step},{value!r}", "{tag}.csv"),
        ("", "1,{step},{value!r}", "{tag}.csv"),  # d3rlpy
        ("", "{step},1700000000000,{value!r}", "{tag}.csv"),  # Neptune
    ],
)
def test_a_table_for_each_quantity_is_one_training(header: str, row: str, name: str, tmp_path: Path) -> None:
    one_table_each(tmp_path / "run", header, row, name)
    (found,) = find_runs(tmp_path)
    curves = training("train_loss", "train_mse")
    for run in (read_run(found), read_run(tmp_path)):
        for tag, curve in curves.items():
            series = run.series[tag]
            assert dict(zip(series.steps.tolist(), series.values.tolist(), strict=True)) == curve


@pytest.mark.parametrize(
    ("name", "header", "row"),
    [
        ("scalars.csv", ",step,tag,value", "0,{step},{tag},{value!r}"),  # tbparse
        ("loss.csv", "run_id,key,value,step,timestamp", "a,{tag},{value!r},{step},1700000000000"),  # MLflow
        ("metrics.csv", "run.hash,step,epoch,metric.name,value", "a,{step},1,{tag},{value!r}"),  # Aim
    ],
)
def test_a_table_with_a_row_for_each_value_is_read_by_quantity(name, header, row, tmp_path: Path) -> None:
    curves = training("train/loss", "train/mse")
    lines = [row.format(step=s, tag=tag, value=v) for tag, curve in curves.items() for s, v in curve.items()]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text("\n".join([header, *lines, ""]))
    assert told(tmp_path / "run") == told(as_events(tmp_path / "events", curves))


def test_a_table_with_a_row_for_each_value_of_two_runs_holds_two(tmp_path: Path) -> None:
    lines = [f"{run},{k},loss,{ord(run) / (k + 1)}\n" for run in "ab" for k in range(50)]
    (tmp_path / "scalars.csv").write_text("dir_name,step,tag,value\n" + "".join(lines))
    assert [read_run(run).name for run in find_runs(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "header", "mark"),
    [
        ("loss.dat", "step loss mse", " "),
        ("loss.dat", "# step loss mse", " "),
        ("loss.txt", "step  loss  mse", "   "),
        ("log.txt", "  step   loss   mse", "    "),
        ("metrics.txt", "step\tloss\tmse", "\t"),
        ("any.dat", "step,loss,mse", ","),
    ],
)
def test_a_table_between_blanks_is_one(name: str, header: str, mark: str, tmp_path: Path) -> None:
    curves = training("loss", "mse")
    lines = [mark.join(map(str, (step, row["loss"], row["mse"]))) for step, row in rows(curves)]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text("\n".join([header, *lines, ""]))
    assert told(tmp_path / "run") == told(as_events(tmp_path / "events", curves))


@pytest.mark.parametrize("text", ["the loss was bad at step 3\nI will try again\n", "1 2 3\n4 5 6\n", "\0\1"])
def test_a_text_that_is_no_table_is_no_run(text: str, tmp_path: Path) -> None:
    for name in ("loss.txt", "data.dat"):
        (tmp_path / name).write_text(text)
    assert paths(tmp_path) == ()


def test_points_between_thousands_are_no_decimal_points_where_commas_are(tmp_path: Path) -> None:
    lines = [f"{10 * k:,}".replace(",", ".") + f";{k},5\n" for k in range(300)]
    (tmp_path / "log.csv").write_text("step;loss\n" + "".join(lines))
    loss = read_run(tmp_path).series["loss"]
    assert loss.steps.tolist() == [10 * k for k in range(300)]
    assert loss.values.tolist() == [k + 0.5 for k in range(300)]


@pytest.mark.parametrize("header", ["Relative Time (Process)", "Wall Time"])
def test_an_export_that_tells_rows_by_their_time_says_how_to_export_it(header: str, tmp_path: Path) -> None:
    (tmp_path / "wandb_export.csv").write_text(f'"{header}","sun-4 - loss"\n1.5,0.25\n')
    with pytest.raises(UnreadableRunError, match="export the panel with Step as its x axis"):
        read_run(tmp_path / "wandb_export.csv")


def test_a_letter_counts_steps_only_in_whole_numbers(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("t,loss\n" + "".join(f"{k * 1.5},{k}\n" for k in range(50)))
    with pytest.raises(UnreadableRunError, match="no column step"):
        read_run(tmp_path / "log.csv")


def test_tables_of_one_quantity_of_two_runs_are_two(tmp_path: Path) -> None:
    for seed, run in enumerate("ab"):
        one_table_each(
            tmp_path, "Wall time,Step,Value", "1.7e9,{step},{value!r}", f"run-{run}-tag-{{tag}}.csv", seed
        )
    assert [(read_run(run).name, len(read_run(run).series)) for run in find_runs(tmp_path)] == [
        ("run-a", 2),
        ("run-b", 2),
    ]


def test_tables_of_different_losses_are_different_trainings_unless_one_training_has_both(
    tmp_path: Path,
) -> None:
    for folder, names in (("two", ("sft_loss", "dpo_loss")), ("one", ("actor_loss", "critic_loss"))):
        for seed, name in enumerate(names):
            curve = training("loss", seed=seed)["loss"]
            (tmp_path / folder).mkdir(exist_ok=True)
            lines = "".join(f"{step},{value!r}\n" for step, value in curve.items())
            (tmp_path / folder / f"{name}.csv").write_text("step,value\n" + lines)
    assert [len(paths(tmp_path / folder)) for folder in ("two", "one")] == [2, 1]


@pytest.mark.parametrize("name", ["metrics.csv", "train.csv", "eval.csv", "any.csv"])
def test_a_name_that_a_library_uses_does_not_hide_a_table(name: str, tmp_path: Path) -> None:
    curves = training("loss", "mse")
    table(tmp_path / "run" / name, curves, "iter ")
    assert told(tmp_path / "run") == told(as_events(tmp_path / "events", curves))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_text("epoch,age\n" + "".join(f"{k},{k % 70}\n" for k in range(50)))
    assert paths(tmp_path / "data") == ()


@pytest.mark.parametrize("content", ["model,loss\na,1\n", "\0", ""])
def test_a_table_that_was_named_and_has_no_steps_says_so(tmp_path: Path, content: str) -> None:
    file = tmp_path / "results.csv"
    file.write_text(content)
    with pytest.raises(UnreadableRunError, match="no column step"):
        read_run(file)


def columns(text: str) -> tuple[dict[str, Column], list[Gap]]:
    return read_csv(Opened.of(Path("progress.csv"), text.encode()))


def many_rows(count: int = 30_000, *, cells: str = "") -> list[str]:
    """The rows of a table that is read in several parts."""
    return [f"{step},{step / 3!r}{cells}" for step in range(count)]


def test_a_table_of_several_parts_is_read_as_one() -> None:
    rows = many_rows()
    rows[-2] = f"{len(rows) - 2},"
    for unended in ("", "7"):
        whole, gaps = columns("step,loss\n{}\n{}".format("\n".join(rows), unended))
        assert whole["loss"].values[:-2].tolist() == [step / 3 for step in range(len(rows) - 2)]
        assert whole["loss"].there.sum() == len(rows) - 1
        assert [(gap.length, "half written" in str(gap.what)) for gap in gaps] == [(1, True)] * len(unended)


def test_its_checksum_is_that_of_its_bytes_however_it_is_read() -> None:
    for text in ("step,loss\n{}\n", "step,loss\n{}\n7", "# of a run\nstep,loss\n{}\n"):
        content = text.format("\n".join(many_rows())).encode()
        file = Opened.of(Path("progress.csv"), content)
        read_csv(file)
        assert file.sha256 == hashlib.sha256(content).hexdigest()


def test_a_word_far_down_costs_its_own_cell_alone() -> None:
    rows = many_rows(300_000, cells=",True")  # more than pandas looks at to tell the type of a column
    rows[-2] = f"{len(rows) - 2},1.5,unknown"
    rows[-1] = f"{len(rows) - 1},nan,"
    whole, _ = columns("step,loss,done\n{}\n".format("\n".join(rows)))
    assert whole["done"].there.sum() == len(rows) - 2
    assert whole["loss"].there.all()


def test_a_row_that_is_too_long_is_left_out_wherever_a_part_begins() -> None:
    rows = many_rows()
    place = ("step,loss\n" + "\n".join(rows))[:PART].count("\n") - 1
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


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("tokens", StepUnit.TOKEN),
        ("num_input_tokens_seen", StepUnit.TOKEN),
        ("consumed_samples", StepUnit.SAMPLE),
        ("train/examples", StepUnit.SAMPLE),
        ("epoch", StepUnit.EPOCH),
        ("step", StepUnit.STEP),
    ],
)
def test_what_was_seen_is_the_axis_where_nothing_counts_steps(
    column: str, unit: StepUnit, tmp_path: Path
) -> None:
    curves = training("loss", every=4096)
    lines = [f"{column},loss", *(f"{step},{row['loss']}" for step, row in rows(curves))]
    (tmp_path / "run.csv").write_text("\n".join(lines) + "\n")
    run = parser.read_run(tmp_path / "run.csv", {"batch_size": 64, "dataset_size": 640})
    assert run.series["loss"].steps.tolist() == list(curves["loss"])
    assert run.step_unit is unit
    last = 4096.0 * 401
    updates = {StepUnit.TOKEN: None, StepUnit.SAMPLE: last / 64, StepUnit.EPOCH: last * 10}
    assert run.updates() == updates.get(unit, last)
    notes = " ".join(map(str, run.notes))
    assert (f"{column}, which counts what was seen, is the axis" in notes) == (
        unit in {StepUnit.TOKEN, StepUnit.SAMPLE}
    )


def test_what_was_seen_is_no_step_beside_one(tmp_path: Path) -> None:
    lines = ["tokens,it,loss", *(f"{4096 * step},{step},{step % 7}" for step in range(100))]
    (tmp_path / "run.csv").write_text("\n".join(lines) + "\n")
    run = read_run(tmp_path / "run.csv")
    assert run.series["loss"].steps.tolist() == list(range(100))
    assert run.series["tokens"].values[-1] == 4096 * 99


@pytest.mark.parametrize("seen", [lambda _: 64, lambda row: 100 + row % 7, lambda row: row + 0.5])
def test_what_does_not_add_up_counts_nothing(seen, tmp_path: Path) -> None:
    lines = ["samples,loss", *(f"{seen(row)},{row % 7}" for row in range(100))]
    (tmp_path / "run.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(UnreadableRunError, match="no column step"):
        read_run(tmp_path / "run.csv")


def test_splits_are_called_after_the_loss_in_the_name_of_their_file(tmp_path: Path) -> None:
    lines = ["iterations,train,val", *(f"{step},{step % 7},2.5" for step in range(100))]
    (tmp_path / "loss.csv").write_text("\n".join(lines) + "\n")
    assert read_run(tmp_path).series.keys() == {"loss/train", "loss/val"}


def test_what_neptune_lets_download_is_read(tmp_path: Path) -> None:
    lines = [f"{step}.0,{1_730_000_000_000 + step},{step % 7}" for step in range(100)]
    (tmp_path / "loss.csv").write_text("\n".join(lines) + "\n")
    assert read_run(tmp_path / "loss.csv").series["loss"].steps.tolist() == list(range(100))


@pytest.mark.parametrize("name", ["run.csv", "run.jsonl"])
def test_how_long_a_step_took_is_no_clock_and_milliseconds_are_one(name: str, tmp_path: Path) -> None:
    for seconds, series in ((0.25, {"loss", "time"}), (1_730_000_000_000, {"loss"})):
        table = [{"step": k, "time": seconds + 1000 * k * (seconds > 1), "loss": k % 7} for k in range(100)]
        cells = "".join(",".join(map(str, row.values())) + "\n" for row in table)
        records = "".join(json.dumps(row) + "\n" for row in table)
        (tmp_path / name).write_text("step,time,loss\n" + cells if name.endswith("csv") else records)
        run = read_run(tmp_path / name)
        assert run.series.keys() == series
    assert run.series["loss"].wall_times.tolist() == [1.73e9 + k for k in range(100)]
