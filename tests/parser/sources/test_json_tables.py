"""Any file of JSON objects, a line each, with a key that counts steps."""

import json
from pathlib import Path

import pytest

from spikediag import read_run
from spikediag.errors import UnreadableRunError
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import START, paths


def test_it_is_understood_as_its_event_file(tmp_path: Path) -> None:
    curves = training("train/loss", "train/mse")
    file = tmp_path / "run" / "metrics.jsonl"
    file.parent.mkdir()
    lines = [
        {"step": step, "train": {"loss": row["train/loss"], "mse": row["train/mse"]}, "note": "fine"}
        for step, row in rows(curves)
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert told(file) == told(as_events(tmp_path / "events", curves))
    assert paths(tmp_path / "run") == (file,)


def each_with_its_steps(curves: Curves) -> dict[str, object]:
    return {tag: {"steps": [*c], "values": [*c.values()]} for tag, c in curves.items()}  # Sacred


def by_metric_and_variant(curves: Curves) -> dict[str, object]:
    return {
        "train": {
            tag.removeprefix("train/"): {"name": tag, "x": [*curve], "y": [*curve.values()]}
            for tag, curve in curves.items()
        }
    }  # ClearML


@pytest.mark.parametrize("written", [each_with_its_steps, by_metric_and_variant])
def test_curves_that_each_have_their_own_steps_are_read(written, tmp_path: Path) -> None:
    curves = training("train/loss", "train/mse")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.json").write_text(json.dumps(written(curves)))
    assert told(tmp_path / "run") == told(as_events(tmp_path / "events", curves))


def test_a_data_set_is_no_run_and_says_so_when_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text('{"prompt": "a", "answer": "b"}\n' * 3)
    assert paths(tmp_path) == ()
    with pytest.raises(UnreadableRunError, match="no key step"):
        read_run(file)


def test_numbers_that_no_machine_holds_and_steps_that_no_counter_reaches(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    rows = [{"step": k, "loss": 1.0} for k in range(5)]
    odd = [
        '{"step": 5, "loss": 1%s}' % ("0" * 400),
        '{"step": 1e300, "loss": 1}',
        '{"step": 6, "loss": "nan"}',
    ]
    file.write_text("\n".join([*map(json.dumps, rows), *odd, '{"step": 7, "loss": tru']))
    run = read_run(file)
    assert str(run.series["loss"].values[-2:].tolist()) == "[inf, nan]"
    assert [str(d.what) for d in run.damage] == [
        "line 9 is no JSON",
        "left out: 1 point at steps farther than 2^53 from 0",
    ]


RECORDS = [{"step": step, "loss": row["loss"]} for step, row in rows(training("loss"))]
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)
DOCUMENTS = {
    "metrics.json": LINES,
    "scalars.json": json.dumps(RECORDS, indent=1),
    "20260101.log.json": '{"env_info": "x"}\n' + LINES,
    "history.json": json.dumps({key: [record[key] for record in RECORDS] for key in RECORDS[0]}),
    "all_results.json": json.dumps({"seed": 3, "history": RECORDS}),
    "train.log": "".join(f"2026 | INFO | train | {json.dumps(record)}\n" for record in RECORDS),
    "log.txt": LINES,
    "loss_curves.json": json.dumps(
        {"step": [*range(10, 4010, 10)], "x" * 40_000: [], "loss": [r["loss"] for r in RECORDS]}
    ),
    "seen.jsonl": LINES.replace('"step"', '"tokens_seen"'),
    "stats.jsonl": "".join(json.dumps({k: str(v) for k, v in r.items()}) + "\n" for r in RECORDS),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_records_are_read_in_whichever_document_they_stand(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(DOCUMENTS[name])
    loss = read_run(tmp_path).series["loss"]
    assert dict(zip(loss.steps.tolist(), loss.values.tolist(), strict=True)) == training("loss")["loss"]


def test_what_keras_returns_is_counted_by_epochs(tmp_path: Path) -> None:
    losses = list(training("loss")["loss"].values())
    (tmp_path / "history.json").write_text(json.dumps({"loss": losses, "val_loss": losses}))
    assert read_run(tmp_path).series["loss"].steps.tolist() == list(range(len(losses)))


@pytest.mark.parametrize(
    "content", ['{"loss": 0.5, "step": 3}', "[1, 2]", '"loss"', "3", "{}", '{"losses": ', '{"a": [[]]}']
)
def test_a_document_of_results_is_no_run(content: str, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(content)
    assert paths(tmp_path) == ()


def test_points_of_rows_without_a_step_are_said(tmp_path: Path) -> None:
    lines = [json.dumps({"seed": 3}), *LINES.splitlines()[:300], json.dumps({"loss": 1.0})]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    run = read_run(tmp_path)
    assert [str(one.what) for one in run.damage] == ["left out: 1 point of rows that have no step"]


LONG = [{"metricName": "loss", "metricValue": str(r["loss"]), "step": r["step"]} for r in RECORDS]
X, Y = ([record[key] for record in RECORDS] for key in ("step", "loss"))
DOWNLOADS = {
    "run-.-tag-loss.json": [[START + step, step, loss] for step, loss in zip(X, Y, strict=True)],
    "metrics.json": LONG,
    "loss_curve.json": [{"name": "loss", "x": X, "y": Y}],
    "scalars.json": [{"name": "loss", "x": X, "y": Y, "type": "scatter"}, {"name": "lr", "x": [1], "y": [2]}],
    "logs.json": {"env": "x", "train": {"batch": 3}, "metrics": {"agent_steps": X, "loss": Y}},
}


@pytest.mark.parametrize("name", DOWNLOADS)
def test_what_services_let_download_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(json.dumps(DOWNLOADS[name]))
    loss = read_run(tmp_path).series["loss"]
    assert dict(zip(loss.steps.tolist(), loss.values.tolist(), strict=True)) == training("loss")["loss"]


def test_what_tensorboard_lets_download_is_brought_together(tmp_path: Path) -> None:
    for tag in ("loss", "mse"):
        rows = DOWNLOADS["run-.-tag-loss.json"]
        (tmp_path / f"run-.-tag-{tag}.json").write_text(json.dumps(rows if tag == "loss" else rows[1:]))
    assert read_run(tmp_path).series.keys() == {"loss", "mse"}


def test_lists_of_another_length_are_said(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text(json.dumps({"loss": Y, "val_loss": Y[:20], "seeds": []}))
    notes = [str(note) for note in read_run(tmp_path).notes]
    assert "history.json: left out: val_loss, whose lists are shorter and have no steps of their own" in notes


def test_what_was_tested_after_an_epoch_is_placed_where_it_ended(tmp_path: Path) -> None:
    records: list[dict[str, float]] = []
    for k in range(100):
        records.append({"loss": 2.0 - k / 100, "time": 0.5, "epoch": 1 + k // 10, "step": 50 * k + 50})
        if k % 10 == 9:
            records.append({"coco/bbox_mAP": k / 100, "time": 0.1, "step": 1 + k // 10})
    (tmp_path / "scalars.json").write_text("".join(json.dumps(record) + "\n" for record in records))
    run = read_run(tmp_path)
    assert run.series["coco/bbox_mAP"].steps.tolist() == list(range(500, 5001, 500))
    assert len(run.series["time"]) == 100
    assert "step is the epoch were placed" in " ".join(map(str, run.notes))
