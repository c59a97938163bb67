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


def part(curves: Curves, steps: range, begin: int | None = None, *, day: int = 1) -> list[bytes]:
    """Some rows of a training; `begin` is the number that W&B gives the first, where it counts itself."""
    some = {tag: {s: v for s, v in curve.items() if s in steps} for tag, curve in curves.items()}
    counted = [
        (step if begin is None else begin + place, row) for place, (step, row) in enumerate(rows(some))
    ]
    return [wandb.history(step, row, clock=START + 86_400 * day) for step, row in counted]


def attempt(tmp_path: Path, day: int) -> Path:
    return tmp_path / "wandb" / f"offline-run-2026110{day}_120000-abc"


def test_what_resumes_offline_and_counts_from_0_again_is_counted_on(tmp_path: Path) -> None:
    curves = training(*TAGS, every=1)
    wandb.write(attempt(tmp_path, 1), [wandb.run({}), *part(curves, range(100), 0)])
    resumed = wandb.run({}, resumes=True)
    wandb.write(attempt(tmp_path, 2), [resumed, *part(curves, range(100, 398), 0, day=2)])
    wandb.write(attempt(tmp_path, 3), [resumed, *part(curves, range(398, 401), 0, day=3)])
    assert paths(tmp_path) == (attempt(tmp_path, 3),)
    run = read_run(paths(tmp_path)[0])
    assert run.series["bc/mse"].steps.tolist() == list(range(400))
    assert len(run.sessions) == 3
    assert "run-abc.wandb resumes and counts its steps from 0 again: they were counted on from 397." in map(
        str, run.notes
    )


def test_a_metric_that_counts_steps_goes_on_by_itself_when_a_run_resumes(tmp_path: Path) -> None:
    curves = training(*TAGS, every=1)
    for day, steps in ((1, range(220)), (2, range(220, 401))):
        some = rows({tag: {s: v for s, v in curve.items() if s in steps} for tag, curve in curves.items()})
        records = [
            wandb.history(place, {**row, "at": step}, clock=START + 86_400 * day)
            for place, (step, row) in enumerate(some)
        ]
        begun = wandb.run({}, resumes=day > 1)
        wandb.write(attempt(tmp_path, day), [begun, wandb.metric("*", "at"), *records])
    run = read_run(attempt(tmp_path, 2))
    assert run.series["bc/mse"].steps.tolist() == list(range(1, 401))
    assert not any("counted on" in str(note) for note in run.notes)


def test_a_run_that_says_so_goes_on_behind_what_a_crash_lost(tmp_path: Path) -> None:
    curves = training(*TAGS, every=1)
    begun, own = wandb.run({}), wandb.counts_itself()
    wandb.write(attempt(tmp_path, 1), [begun, own, *part(curves, range(160))])
    resumed = [wandb.run({}, resumes=True), own]
    wandb.write(attempt(tmp_path, 2), [*resumed, *part(curves, range(200, 401), day=2)])
    run = read_run(paths(tmp_path)[0])
    assert len(run.series["bc/mse"]) == 360
    assert [(rewind.from_step, rewind.to_step) for rewind in run.rewinds] == [(159, 200)]


def test_a_rewound_run_gives_up_what_it_left_behind(tmp_path: Path) -> None:
    curves = training(*TAGS, every=1)
    wandb.write(attempt(tmp_path, 1), [wandb.run({}), *part(curves, range(220))])
    rewound = wandb.run({}, branch=("abc", 199.0))
    wandb.write(attempt(tmp_path, 2), [rewound, *part(curves, range(200, 401), day=2)])
    run = read_run(paths(tmp_path)[0])
    assert run.series["bc/mse"].steps.tolist() == list(range(1, 401))
    assert str(run.notes[-1]).startswith("60 points gave way")


def test_a_fork_says_where_its_beginning_is(tmp_path: Path) -> None:
    forked = wandb.run({}, branch=("xyz", 199.0))
    wandb.write(attempt(tmp_path, 1), [forked, *part(training(*TAGS, every=1), range(200, 401))])
    notes = [str(note) for note in read_run(attempt(tmp_path, 1)).notes]
    assert "run-abc.wandb: it was forked from run xyz at step 199, which holds what was before" in notes


@pytest.mark.parametrize("begun", [[], [wandb.run({}, resumes=True), wandb.counts_itself()]])
def test_what_begins_again_under_the_same_id_is_a_run_of_its_own_and_said(tmp_path: Path, begun) -> None:
    curves = training(*TAGS, every=1)
    wandb.write(attempt(tmp_path, 1), part(curves, range(220), 0))
    wandb.write(attempt(tmp_path, 2), [*begun, *part(curves, range(401), 0, day=2)])
    assert [len(read_run(path).series["bc/mse"]) for path in paths(tmp_path)] == [219, 400]
    for one, other in ((1, 2), (2, 1)):
        notes = " ".join(map(str, read_run(attempt(tmp_path, one)).notes))
        assert f"{attempt(tmp_path, other).name} has the same id in W&B and is no part of this run" in notes


@pytest.mark.parametrize("empty", [1, 2, 3])
def test_a_part_that_ended_before_its_first_point_parts_nothing(empty: int, tmp_path: Path) -> None:
    curves = training(*TAGS, every=1)
    begun = wandb.run({}, resumes=True)
    wandb.write(attempt(tmp_path, empty), [begun])
    first, second = (day for day in (1, 2, 3) if day != empty)
    wandb.write(attempt(tmp_path, first), [begun, *part(curves, range(220), 0, day=first)])
    wandb.write(attempt(tmp_path, second), [begun, *part(curves, range(220, 401), 0, day=second)])
    assert paths(tmp_path) == (attempt(tmp_path, 3),)
    for path in (attempt(tmp_path, 3), tmp_path):
        assert len(read_run(path).series["bc/mse"]) == 400


def test_two_writers_of_one_id_at_the_same_time_are_not_counted_on(tmp_path: Path) -> None:
    for seed, day in enumerate((1, 2)):
        rank = training(*TAGS, every=1, seed=seed)
        wandb.write(attempt(tmp_path, day), [wandb.run({}, resumes=True), *part(rank, range(401), 0)])
    assert [len(read_run(path).series["bc/mse"]) for path in paths(tmp_path)] == [400, 400]


def test_every_way_to_name_the_newest_part_reads_all(tmp_path: Path, monkeypatch) -> None:
    curves = training(*TAGS, every=1)
    wandb.write(attempt(tmp_path, 1), [wandb.run({}), *part(curves, range(220), 0)])
    newest = wandb.write(
        attempt(tmp_path, 2), [wandb.run({}, resumes=True), *part(curves, range(220, 401), 0, day=2)]
    )
    (tmp_path / "wandb" / "latest-run").symlink_to(newest.name)
    monkeypatch.chdir(tmp_path)
    for named in (newest, newest.relative_to(tmp_path), Path("wandb/latest-run"), Path("wandb")):
        run = read_run(named)
        assert len(run.series["bc/mse"]) == 400, named
        assert len({file.path for file in run.files}) == 2, named
    monkeypatch.chdir(newest)
    assert len(read_run(".").series["bc/mse"]) == 400
    earlier = read_run(attempt(tmp_path, 1))
    assert len(earlier.series["bc/mse"]) == 219
    assert f"to read all of it give {newest.name}." in str(earlier.notes[-1])
    alone = read_run(newest / "run-abc.wandb")
    assert len(alone.series["bc/mse"]) == 181
    assert "to read what is one training give the newest folder." in str(alone.notes[-1])


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


def counted_by(name: str, curves: Curves, nth: int = 1) -> list[bytes]:
    """Rows that say by themselves at which step they were logged, every nth of them."""
    every = enumerate(rows(curves))
    return [wandb.history(k, row | ({name: step} if k % nth == 0 else {})) for k, (step, row) in every]


@pytest.mark.parametrize("name", ["global_step", "train/global_step"])
def test_the_step_that_a_training_logs_itself_is_the_axis(tmp_path: Path, name: str) -> None:
    curves = training(*TAGS)
    log = read(wandb.encoded(counted_by(name, curves)))
    assert log.points["bc/mse"].steps.tolist() == list(curves["bc/mse"])
    assert log.points.keys() == set(TAGS)
    as_events(tmp_path / "run", curves)
    wandb.write(tmp_path / "run" / FOLDER, [wandb.run({"batch_size": 64}), *counted_by(name, curves)])
    assert paths(tmp_path) == (tmp_path / "run",)
    run = read_run(tmp_path / "run")
    assert [str(one.why) for one in run.unread] == [
        "it logs the same training and adds nothing but its settings"
    ]
    assert run.batch_size.value == 64


def test_rows_before_the_first_step_that_a_training_logs_are_of_that_step() -> None:
    curves = training(*TAGS)
    first = wandb.history(0, {"eval/return": 0.5})
    rest = [wandb.history(k, row | {"global_step": at}) for k, (at, row) in enumerate(rows(curves), 1)]
    points = read(wandb.encoded([first, *rest])).points
    assert points["bc/mse"].steps.tolist() == list(curves["bc/mse"])
    assert points["eval/return"].steps.tolist() == [10]
    assert "global_step" not in points


def test_a_step_that_is_logged_now_and_then_is_no_axis() -> None:
    log = read(wandb.encoded(counted_by("global_step", training(*TAGS), nth=3)))
    assert log.points["bc/mse"].steps.tolist() == list(range(400))


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


def by_wandb(script: str, *given: str) -> None:
    quiet = {**os.environ, "WANDB_SILENT": "true", "WANDB_CONSOLE": "off"}
    command = [sys.executable, "-c", script, *given]
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=quiet)


@pytest.mark.slow
def test_a_run_that_wandb_wrote_is_understood_as_its_event_file(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    curves = training(*TAGS)
    (tmp_path / "rows.json").write_text(json.dumps(rows(curves)))
    (tmp_path / "out").mkdir()
    by_wandb(SCRIPT, str(tmp_path / "out"), str(tmp_path / "rows.json"))
    curves["nested.value"] = {step: float(step) for step in curves["bc/mse"]}
    events = as_events(tmp_path / "events", curves)
    (events / "config.json").write_text('{"batch_size": 64, "agent": {"lr": 3e-4}}')
    assert told(tmp_path / "out") == told(events)
    run = read_run(tmp_path / "out")
    assert np.isfinite(run.series["bc/mse"].wall_times).all()


PART = """
import json, sys, time
import wandb
folder, first, last, options = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
run = wandb.init(dir=folder, mode="offline", **options)
for value in range(first, last):
    run.log({"loss": 2.0 - value / 400}, **({"step": value} if "own" in sys.argv[5:] else {}))
run.finish()
time.sleep(1.1)  # its folder is named by the second
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("begin", "options", "own", "points"),
    [
        (220, {"id": "abc", "resume": "must"}, (), [400]),
        (220, {"id": "abc", "resume": "allow"}, ("own",), [400]),
        (200, {"id": "abc", "resume": "allow"}, ("own",), [400]),
        (200, {"resume_from": "abc?_step=199"}, (), [400]),
        (200, {"id": "def", "fork_from": "abc?_step=199"}, (), [220, 200]),
        (0, {"id": "abc"}, (), [220, 400]),
    ],
)
def test_every_point_of_what_wandb_resumes_offline_is_read(
    tmp_path: Path, begin: int, options: dict, own: tuple[str, ...], points: list[int]
) -> None:
    pytest.importorskip("wandb")
    by_wandb(PART, str(tmp_path), "0", "220", json.dumps({"id": "abc"}), *own)
    by_wandb(PART, str(tmp_path), str(begin), "400", json.dumps(options), *own)
    runs = [read_run(path) for path in paths(tmp_path)]
    assert [len(run.series["loss"]) for run in runs] == points


def test_a_branch_whose_step_is_no_number_costs_nothing_else() -> None:
    branch = wandb.message(23, wandb.message(1, b"abc") + wandb.message(2, b"abc"))
    begun = wandb.message(17, wandb.message(1, b"abc") + branch)
    assert len(read(wandb.encoded([begun, *logged(training(*TAGS))])).points["bc/mse"].steps) == 400
