"""Local W&B runs, written by a small writer here and, where it is installed, by wandb itself."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spikediag import read_run
from spikediag.errors import NoEventsError, UnreadableRunError
from spikediag.model import FactName
from spikediag.parser.log_files import Log, Opened
from spikediag.parser.sources.wandb_runs import WandbRuns
from tests.conftest import some_of
from tests.parser.sources import wandb_files as wandb
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import START, paths

TAGS = ("bc/actor_loss", "bc/mse", "bc/lr")
FOLDER = "wandb/run-20261101_120000-abc"


def logged(curves: Curves, clock: float = START) -> list[bytes]:
    return [wandb.history(step, row, clock=clock) for step, row in rows(curves)]


def read(content: bytes) -> Log:
    (log,) = WandbRuns().read(Opened.of(Path("run-abc.wandb"), content))
    return log


def pairs(log: Log) -> dict[str, list[tuple[int, float]]]:
    return {
        tag: list(zip(track.steps.tolist(), track.values.tolist(), strict=True))
        for tag, track in log.points.items()
    }


def test_it_is_understood_as_its_event_file(tmp_path: Path) -> None:
    curves = training(*TAGS)
    config = {"batch_size": 64, "optimizer": {"lr": 3e-4}, "_wandb": {"batch_size": 3}}
    wandb.write(tmp_path / "out" / FOLDER, [wandb.run(config), wandb.system(cpu=3.0), *logged(curves)])
    events = as_events(tmp_path / "events", curves)
    (events / "config.json").write_text(json.dumps(config))
    assert told(tmp_path / "out") == told(events)
    run = read_run(tmp_path / "out")
    assert run.library == "hil-serl"
    assert run.series.keys() == curves.keys()
    assert run.fact(FactName.BATCH_SIZE).source == "run-abc.wandb: batch_size"
    assert run.series["bc/mse"].wall_times[0] == START + 10
    assert [file.path for file in run.files] == ["run-abc.wandb"]


def test_runs_are_found_where_libraries_leave_them_each_once(tmp_path: Path) -> None:
    for seed, name in enumerate(("run-20261101_120000-abc", "offline-run-20261102_120000-def")):
        wandb.write(tmp_path / "wandb" / name, logged(training(*TAGS, seed=seed)), f"{name[-7:]}.wandb")
    (tmp_path / "wandb" / "latest-run").symlink_to(tmp_path / "wandb" / "run-20261101_120000-abc")
    (tmp_path / "wandb" / "debug.log").write_text("nothing\n")
    assert [path.name for path in paths(tmp_path)] == []
    for folder in (tmp_path / "wandb").glob("*run-2*"):
        file = next(folder.glob("*.wandb"))
        file.rename(folder / f"run-{folder.name[-3:]}.wandb")
    found = [path.name for path in paths(tmp_path)]
    assert found == ["run-20261101_120000-abc", "offline-run-20261102_120000-def"]
    assert len(read_run(tmp_path / "wandb" / "latest-run").series["bc/mse"]) == 400


def test_a_run_that_was_resumed_is_one_training(tmp_path: Path) -> None:
    curves = training(*TAGS)
    for day, steps in ((1, range(2500)), (2, range(2010, 10_000))):
        part = {tag: {s: v for s, v in curve.items() if s in steps} for tag, curve in curves.items()}
        wandb.write(tmp_path / "wandb" / f"run-2026110{day}_120000-abc", logged(part, START + 86_400 * day))
    wandb.write(
        tmp_path / "wandb" / "run-20261103_120000-def", logged(training(*TAGS, seed=1)), "run-def.wandb"
    )
    assert [path.name[-5:] for path in paths(tmp_path)] == ["0-abc", "0-def"]
    run = read_run(paths(tmp_path)[0])
    assert len(run.series["bc/mse"]) == 400
    assert [(session.first_step, session.last_step) for session in run.sessions] == [(10, 2490), (2010, 4000)]
    assert [(rewind.from_step, rewind.to_step) for rewind in run.rewinds] == [(2490, 2010)]


def test_a_run_is_joined_by_its_id_over_other_runs_between_its_parts(tmp_path: Path) -> None:
    curves = training(*TAGS)
    for day, steps in ((1, range(2500)), (3, range(2010, 3000)), (5, range(2900, 10_000))):
        part = {tag: {s: v for s, v in curve.items() if s in steps} for tag, curve in curves.items()}
        wandb.write(tmp_path / "wandb" / f"run-2026110{day}_120000-abc", logged(part, START + 86_400 * day))
    for day in (2, 4):
        name = f"{'offline-' * (day == 4)}run-2026110{day}_120000-de{day}"
        wandb.write(
            tmp_path / "wandb" / name,
            logged(training(*TAGS, seed=day), START + 86_400 * day),
            f"run-de{day}.wandb",
        )
    found = paths(tmp_path)
    assert [path.name[-3:] for path in found] == ["de2", "de4", "abc"]
    run = read_run(found[2])
    assert [(session.first_step, session.last_step) for session in run.sessions] == [
        (10, 2490),
        (2010, 2990),
        (2900, 4000),
    ]
    assert len(run.series["bc/mse"]) == 400
    assert len(read_run(tmp_path / "wandb" / "run-20261103_120000-abc").sessions) == 2


def test_beside_an_event_file_of_the_same_training_it_is_no_second_run(tmp_path: Path) -> None:
    curves = training(*TAGS)
    events = as_events(tmp_path / "out", curves)
    wandb.write(tmp_path / "out" / FOLDER, logged(curves))
    other = wandb.write(tmp_path / "other" / FOLDER, logged(training(*TAGS, seed=1)))
    assert paths(tmp_path) == (other, events)
    assert told(events) == told(as_events(tmp_path / "alone", curves))


def test_nested_names_are_joined_as_wandb_shows_them_and_words_are_no_series(tmp_path: Path) -> None:
    values = {
        ("bc", "actor_loss"): 0.5,
        ("bc", "deep", "er"): 2,
        "verlust/größe": 1.0,
        "objekt": {"a": 1, "b": {"c": True}},
        "words": "none",
        "picture": {"_type": "image-file", "size": 12},
        "none": None,
        "long" * 60: 1.0,
        "x": float("nan"),
        "y": float("-inf"),
        "many": [1, 2, 3],
        "large": 10**400,
    }
    log = read(wandb.encoded([wandb.history(k, values) for k in range(3)]))
    assert set(log.points) == {
        *("bc.actor_loss", "bc.deep.er", "verlust/größe", "objekt.a", "objekt.b.c"),
        *("long" * 60, "x", "y", "large"),
    }
    assert str([log.points[tag].values.tolist()[0] for tag in ("objekt.b.c", "x", "y", "large")]) == (
        "[1.0, nan, -inf, inf]"
    )


@pytest.mark.parametrize(
    ("name", "counted"), [("*", {"train/loss", "eval/loss"}), ("train/*", {"train/loss"})]
)
def test_the_metric_that_counts_steps_is_the_axis(name: str, counted: set[str]) -> None:
    history = [
        wandb.history(k, {"train/loss": float(k), "opt/step": 100 * k} if k % 3 else {"eval/loss": float(k)})
        for k in range(9)
    ]
    points = read(wandb.encoded([wandb.metric(name, "opt/step"), *history])).points
    assert points["train/loss"].steps.tolist() == [100, 200, 400, 500, 700, 800]
    by_metric = points["eval/loss"].steps.tolist() == [200, 500]  # the first has none before it
    assert by_metric == ("eval/loss" in counted)
    assert by_metric or points["eval/loss"].steps.tolist() == [0, 3, 6]


def test_the_metric_that_counts_all_steps_is_no_series_beside_them() -> None:
    history = [wandb.history(k, {"loss": 0.5 * k, "opt/step": 10.0 * k}) for k in range(3)]
    assert read(wandb.encoded([wandb.metric("*", "opt/step"), *history])).points.keys() == {"loss"}
    assert "opt/step" in read(wandb.encoded([wandb.metric("loss", "opt/step"), *history])).points


def test_a_metric_of_fractions_counts_no_steps() -> None:
    history = [wandb.history(k, {"loss": 1.0, "epoch": k / 4}) for k in range(5)]
    assert read(wandb.encoded([wandb.metric("*", "epoch"), *history])).points["loss"].steps.tolist() == [
        0,
        1,
        2,
        3,
        4,
    ]


def any_history(seed: int) -> list[bytes]:
    """Rows as wandb may write them: any order of names, values of any length, some that cross blocks."""
    rng = random.Random(seed)
    found = [wandb.run({"batch_size": 3, "x": "y" * rng.choice((1, 40_000))})]
    for step in range(rng.randrange(1, 400)):
        names = ["a", "train/loss", "b" * 130, ("n", "m"), "größe", "c" * rng.choice((1, 60, 120, 127, 128))]
        rng.shuffle(names)
        row = {name: rng.choice((step, rng.gauss(0, 1), 10 ** rng.randrange(-300, 300))) for name in names}
        found.append(wandb.history(step * rng.choice((1, 1000)), dict(list(row.items())[rng.randrange(6) :])))
        if rng.random() < 0.02:
            found.append(wandb.system(cpu=1.0))
        if rng.random() < 0.005:
            found.append(wandb.message(99, b"?" * rng.randrange(100_000)))
    return found


@pytest.mark.parametrize("seed", some_of(*range(4), slow=tuple(range(4, 12))))
def test_every_history_is_read_as_field_by_field(seed: int) -> None:
    content = wandb.encoded(any_history(seed))
    log = read(content)
    assert not log.gaps
    assert pairs(log) == wandb.naive(content)


@pytest.mark.parametrize("seed", some_of(0, 1, slow=(2, 3)))
def test_a_file_that_is_still_written_is_a_prefix_of_itself(seed: int) -> None:
    content = wandb.encoded(any_history(seed))
    whole = wandb.naive(content)
    rng = random.Random(seed)
    for size in [7, 8, *(rng.randrange(7, len(content)) for _ in range(12))]:
        log = read(content[:size])
        for tag, found in pairs(log).items():
            assert found == whole[tag][: len(found)]
        assert sum(gap.length for gap in log.gaps) < 50_000 + 100_000


def test_a_flipped_bit_costs_its_record_and_is_told_with_its_place() -> None:
    content = bytearray(wandb.encoded(logged(training(*TAGS))))
    at = content.index(b"bc/mse", len(content) // 2)
    content[at] ^= 1
    log = read(bytes(content))
    assert len(log.points["bc/mse"].steps) == 399
    (gap,) = log.gaps
    assert gap.offset <= at < gap.offset + gap.length < gap.offset + 300


def test_a_length_that_is_wrong_costs_its_record_alone() -> None:
    content = bytearray(wandb.encoded(logged(training(*TAGS))))
    content[wandb.BLOCK + 4] ^= 0x40  # in the header of the first chunk of the second block
    log = read(bytes(content))
    assert 0 < sum(gap.length for gap in log.gaps) < 600
    assert len(log.points["bc/mse"].steps) > 397
    assert log.points["bc/mse"].steps[-1] == 4000


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"", UnreadableRunError, "it is empty"),
        (b"no run of W&B at all", UnreadableRunError, "no run file of W&B"),
        (wandb.START, NoEventsError, "no scalars"),
        (wandb.encoded([wandb.run({"batch_size": 3})]), NoEventsError, "no scalars"),
        (wandb.START + b"\xff" * 100, NoEventsError, "no scalars"),
    ],
)
def test_one_without_a_point_is_found_and_says_why(tmp_path: Path, content: bytes, error, words: str) -> None:
    (tmp_path / "run-abc.wandb").write_bytes(content)
    assert paths(tmp_path) == (tmp_path,)
    with pytest.raises(error, match=words):
        read_run(tmp_path)


SCRIPT = """
import json, sys
import wandb
folder, rows, config = sys.argv[1], json.load(open(sys.argv[2])), {"batch_size": 64, "agent": {"lr": 3e-4}}
run = wandb.init(dir=folder, mode="offline", config=config)
for step, row in rows:
    run.log({**row, "nested": {"value": float(step)}, "text": "word"}, step=step)
run.log({"late": wandb.Histogram([1.0, 2.0])})
run.finish()
"""


@pytest.mark.slow
def test_a_run_that_wandb_wrote_is_understood_as_its_event_file(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    curves = training(*TAGS)
    (tmp_path / "rows.json").write_text(json.dumps(rows(curves)))
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "out"), str(tmp_path / "rows.json")]
    (tmp_path / "out").mkdir()
    quiet = {**os.environ, "WANDB_SILENT": "true", "WANDB_CONSOLE": "off"}
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=quiet)
    curves["nested.value"] = {step: float(step) for step in curves["bc/mse"]}
    events = as_events(tmp_path / "events", curves)
    (events / "config.json").write_text('{"batch_size": 64, "agent": {"lr": 3e-4}}')
    assert told(tmp_path / "out") == told(events)
    run = read_run(tmp_path / "out")
    assert np.isfinite(run.series["bc/mse"].wall_times).all()
