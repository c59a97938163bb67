"""One training in several files: which were read, which were not, and how to choose."""

import gzip
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike

import spikediag
from spikediag.cli import entry
from spikediag.errors import NoEventsError, UnreadableRunError
from spikediag.parser import find_runs, nothing_at, read_run
from spikediag.parser.places import places
from spikediag.parser.same_training import Sameness, renamed, sameness
from spikediag.parser.track import Track
from tests.parser.sources import wandb_files as wandb
from tests.parser.sources.test_csv_tables import table
from tests.parser.sources.test_progress import progress
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import NAME, paths, scalar, write

TAGS = ("train/loss", "train/approx_kl", "train/value_loss", "rollout/ep_rew_mean")


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """A run with half an event file, a whole table of the same training, and other things beside it."""
    curves = training(*TAGS)
    folder = progress(tmp_path / "run", curves)
    half = {tag: dict(list(curve.items())[:200]) for tag, curve in curves.items() if tag != TAGS[3]}
    half["only/here"] = curves[TAGS[0]]
    as_events(folder, half)
    table(folder / "plot.csv", training(*TAGS, seed=1))
    (folder / "metrics.csv").write_text("model,loss\na,1\n")
    with gzip.open(folder / "progress.csv.gz", "wb") as file:
        file.write((folder / "progress.csv").read_bytes())
    return folder


def test_every_series_names_its_file_and_every_other_log_says_why_it_was_not_read(everything: Path) -> None:
    run = read_run(everything)
    files = {tag: series.file for tag, series in run.series.items()}
    assert files == dict.fromkeys(TAGS, "progress.csv") | {"only/here": NAME}
    assert {file.path: str(file.why) for file in run.unread} == {
        "metrics.csv": "it has no column step",
        "plot.csv": "a table that no library names may be anything; give its file to read it",
        "progress.csv.gz": "it is packed; unpack it, for example with gunzip",
    }


def test_a_table_beside_a_log_of_another_library_is_named_too(tmp_path: Path) -> None:
    folder = progress(tmp_path / "run", training(*TAGS))
    (folder / "0.monitor.csv").write_text('#{"t_start": 1.0}\nr,l,t\n1.0,10,0.5\n')
    (unread,) = read_run(folder).unread
    assert (unread.path, "no library names" in str(unread.why)) == ("0.monitor.csv", True)
    assert not read_run(folder / "progress.csv").unread


@pytest.mark.parametrize("source", ["event_files", NAME])
def test_one_source_may_be_chosen_by_its_id_or_by_the_name_of_its_file(everything: Path, source: str) -> None:
    run = read_run(everything, only=source)
    assert {len(run.series[tag]) for tag in TAGS[:3]} == {200}
    assert read_run(everything, only="plot.csv").series.keys() == set(TAGS)
    assert [found.path for found in find_runs(everything.parent, "plot.csv")] == [everything / "plot.csv"]
    with pytest.raises(NoEventsError):
        read_run(everything, only="wandb_runs")


@pytest.mark.parametrize(
    ("command", "several"),
    [("analyze --json", False), ("check --json", False), ("scan", False), ("compare --json", True)],
)
def test_every_command_that_reads_runs_reads_one_source_of_them(
    everything: Path, command: str, several: bool, capsys
) -> None:
    words = [*command.split(), *[str(everything)] * (1 + several)]
    known = entry.run([*words, "--source", "event_files"])
    assert known in (0, 1)
    half = capsys.readouterr().out
    entry.run(words)
    assert half != capsys.readouterr().out
    assert entry.run([*words, "--source", "nobody_s"]) == 2
    assert "no log of the source 'nobody_s'" in "".join(capsys.readouterr())


def test_the_api_reads_one_source_too(everything: Path) -> None:
    assert {len(spikediag.read_run(everything, source=NAME).series[tag]) for tag in TAGS[:3]} == {200}
    whole, half = (spikediag.diagnose(everything, source=name) for name in ("progress", "event_files"))
    assert (len(whole.run.series), len(half.run.series)) == (4, 4)
    assert half.run.series["only/here"].file == NAME
    with pytest.raises(NoEventsError, match="sources are console, csv_tables"):
        spikediag.compare(everything, whole, source="wandb_runs")


def test_tags_show_where_every_series_came_from(everything: Path, capsys) -> None:
    assert entry.run(["tags", str(everything)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "progress.csv" in shown
    assert "not read: metrics.csv: it has no column step" in shown
    assert "note: 4 series came from progress.csv" in shown
    assert entry.run(["tags", str(everything), "--source", "event_files"]) == 0
    assert "series came from" not in " ".join(capsys.readouterr().out.split())


def test_a_packed_log_says_so_whether_it_is_named_or_its_folder(tmp_path: Path) -> None:
    for name in ("progress.csv.gz", f"{NAME}.gz", "run-abc.wandb.zip"):
        (tmp_path / name).write_bytes(b"packed")
        with pytest.raises(UnreadableRunError, match="unpack it"):
            read_run(tmp_path / name)
        assert paths(tmp_path) == ()
        assert "unpack it" in str(nothing_at(tmp_path))
        (tmp_path / name).unlink()
    (tmp_path / "picture.png.gz").write_bytes(b"packed")
    assert "unpack" not in str(nothing_at(tmp_path))


def test_a_folder_with_one_table_that_is_no_log_says_why(tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text("model,loss\na,1\n")
    with pytest.raises(NoEventsError, match=r"results\.csv .* it has no column step"):
        read_run(tmp_path)


FULL = np.sqrt([3, 2, 1.5, 4.7])


def track(values: ArrayLike, every: int = 1) -> Track:
    values = np.asarray(values, dtype=float)
    steps = np.arange(0, every * len(values), every)
    return Track(steps, values, np.full(len(values), np.nan))


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        (track(FULL), track(FULL), Sameness.SAME),
        (track(FULL), track(FULL[:3]), Sameness.SAME),
        (track(100 * FULL), track(100 * FULL[:3]), Sameness.SAME),
        (track(FULL), track(FULL, every=10), Sameness.OTHER_AXIS),
        (track([3, 2, 1, 4]), track([3, 2, 1.5, 5]), Sameness.DIFFERENT),
        (track([1, 1, 1, 1]), track([1, 1, 1, 1]), Sameness.OPEN),
        (track([3, 2, 1, 4]), track([3, 2, 1, 4]), Sameness.OPEN),
        (track(FULL[:2]), track(FULL[:2]), Sameness.OPEN),
        (track([np.nan, np.inf, -np.inf]), track([np.nan, np.inf, -np.inf]), Sameness.OPEN),
        (track([FULL[0], np.nan, FULL[1], np.inf]), track([FULL[0], np.nan, FULL[1], np.inf]), Sameness.SAME),
    ],
)
def test_trainings_are_told_apart_by_what_they_both_log(one: Track, other: Track, verdict: Sameness) -> None:
    assert sameness({"loss": one, "a": one}, {"loss": other, "b": one}) is verdict


CURVE = np.random.default_rng(1).normal(-15, 1, 200)
OTHER = np.random.default_rng(2).normal(-15, 1, 200)


@pytest.mark.parametrize(
    "rounded", [lambda v: float(f"{v:.6g}"), lambda v: float(f"{v:.3g}"), partial(round, ndigits=2)]
)
def test_digits_that_a_log_does_not_keep_make_no_other_training(rounded) -> None:
    whole, few = track(CURVE), track([rounded(v) for v in CURVE])
    assert sameness({"loss": whole}, {"loss": few}) is Sameness.SAME
    assert sameness({"loss": few}, {"loss": whole}) is Sameness.SAME
    assert sameness({"loss": few}, {"loss": track([rounded(v) for v in OTHER])}) is Sameness.DIFFERENT


@pytest.mark.parametrize("places", [3, 4, 5])
def test_digits_that_are_kept_behind_the_point_make_no_other_training(places: int) -> None:
    """Whatever the size of the values: the smaller ones have fewer significant digits then."""
    skewed = np.exp(0.5 * CURVE + 8)
    rounded = track(np.round(skewed, places))
    for digits in range(3, 7):
        other = track([float(f"{value:.{digits}g}") for value in skewed])
        assert sameness({"loss": rounded}, {"loss": other}) is Sameness.SAME


def test_a_fork_that_logs_what_came_before_it_is_another_training() -> None:
    fork = np.append(CURVE[:-15], OTHER[-15:])
    assert sameness({"loss": track(CURVE)}, {"loss": track(fork)}) is Sameness.DIFFERENT


def test_schedules_are_alike_in_every_repetition_whatever_they_are_called() -> None:
    at = np.arange(200)
    schedules = {
        "epsilon": track(np.exp(-at / 50)),
        "kl_weight": track(np.cos(at / 200)),
        "tokens": track(at * 64.0),
    }
    one, other = ({**schedules, "train/loss": track(curve)} for curve in (CURVE, OTHER))
    assert sameness(one, other) is Sameness.DIFFERENT
    assert sameness(schedules, schedules) is Sameness.OPEN
    called = {f"train/{tag}": curve for tag, curve in schedules.items()}
    assert sameness(schedules, {**called, "epoch": track(at)}) is Sameness.OPEN


def test_as_many_quantities_that_differ_as_agree_are_of_another_training() -> None:
    solved = np.repeat([0.1234567, 0.5, 0.7654321, 1.0], 50)
    one, other = ({"a/success": track(solved), "loss": track(curve)} for curve in (CURVE, OTHER))
    assert sameness(one, other) is Sameness.DIFFERENT


def test_means_in_one_log_make_no_other_training_of_an_error_that_both_log() -> None:
    means = Track(np.arange(9, 200, 10), CURVE.reshape(-1, 10).mean(axis=1), np.full(20, np.nan))
    one, other = ({"loss": loss, "mse": track(np.abs(OTHER))} for loss in (track(CURVE), means))
    assert sameness(one, other) is sameness(other, one) is Sameness.SAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("train_loss", "train/loss"),
        ("loss", "train_loss"),
        ("Loss/train", "train/loss"),
        ("bc.actor_loss", "bc/actor_loss"),
        ("actor_loss", "bc.actor_loss"),
        ("some/where/else/loss", "loss"),
    ],
)
def test_a_quantity_is_known_by_the_words_of_its_name(one: str, other: str) -> None:
    logs = {one: track(CURVE), "x/loss": track(OTHER)}, {other: track(CURVE)}
    assert renamed(*logs) == {other: one}
    assert sameness(*logs) is sameness(*reversed(logs)) is Sameness.SAME


def test_digits_too_few_to_tell_trainings_apart_excuse_nothing() -> None:
    one, other = (np.round(0.5 + 0.02 * curve, 1) for curve in (CURVE, OTHER))
    assert sameness({"loss": track(one)}, {"loss": track(other)}) is not Sameness.SAME


def test_what_every_repetition_shares_is_no_sign_of_one_training() -> None:
    planned = {"lr": track(np.linspace(1e-3, 1e-5, 200)), "epoch": track(np.arange(200) / 10)}
    one, other = ({**planned, "train/loss": track(curve)} for curve in (CURVE, OTHER))
    assert sameness(one, other) is Sameness.DIFFERENT
    assert sameness(planned, planned) is Sameness.OPEN
    solved = {"success": track(np.repeat([0.0, 0.5, 1.0], [10, 10, 180]))}
    assert sameness(solved, solved) is Sameness.OPEN


def test_a_quantity_is_known_under_a_shorter_name_if_it_has_the_same_numbers() -> None:
    one = {"train/loss": track(CURVE), "val/loss": track(OTHER)}
    assert sameness({"train/loss": track(CURVE)}, {"loss": track(CURVE)}) is Sameness.SAME
    assert sameness({"train/loss": track(CURVE)}, {"val/loss": track(OTHER)}) is Sameness.OPEN
    assert sameness(one, {"loss": track(CURVE)}) is Sameness.SAME


def test_a_log_of_few_digits_goes_on_where_the_event_file_ends(tmp_path: Path) -> None:
    """Under its own names too, which are then those of the run."""
    curves = training(*TAGS)
    short = {tag.rpartition("/")[2]: curve for tag, curve in curves.items()}
    rounded = {tag: {step: float(f"{v:.6g}") for step, v in curve.items()} for tag, curve in short.items()}
    folder = progress(tmp_path / "run", rounded)
    as_events(folder, {tag: dict(list(curve.items())[:100]) for tag, curve in curves.items()})
    run = read_run(folder)
    assert run.series.keys() == set(TAGS)
    assert {len(series) for series in run.series.values()} == {len(curves[TAGS[0]])}


def every(nth: int, curves: Curves) -> Curves:
    return {tag: dict(list(curve.items())[::nth]) for tag, curve in curves.items()}


def wandb_run(folder: Path, curves: Curves, seed: int = 1) -> Path:
    named = folder / "wandb" / f"run-2026110{seed}_120000-id{seed}"
    return wandb.write(named, [wandb.history(at, row) for at, row in rows(curves)], f"run-id{seed}.wandb")


def test_what_a_folder_nearby_logs_of_the_same_training_is_brought_in(tmp_path: Path) -> None:
    curves = training(*TAGS)
    as_events(tmp_path / "run", every(7, curves))
    wandb_run(tmp_path / "run", curves)
    wandb_run(tmp_path / "run", training(*TAGS, seed=5), seed=2)
    found = paths(tmp_path)
    assert [path.name for path in found] == ["run", "run-20261102_120000-id2"]
    portions = (source for place in places(tmp_path) for source in place.runs())
    for source in (found[0], next(find_runs(tmp_path)), next(portions)):
        run = read_run(source)
        assert {len(series) for series in run.series.values()} == {len(curves[TAGS[0]])}
        assert any("4 series came from wandb/run-20261101_120000-id1/" in str(note) for note in run.notes)
        assert not run.unread


def test_a_wandb_folder_above_many_runs_holds_logs_of_them(tmp_path: Path) -> None:
    """Those that began when they did, whatever the time zone: only they are looked into."""
    many, begun = 20, 1_700_000_000
    for k in range(many):
        curves, start = training(*TAGS[:2], seed=k), begun + 417 * k
        events = [
            scalar(tag, at, y, start + at) for at, row in rows(every(7, curves)) for tag, y in row.items()
        ]
        write(tmp_path / "runs" / f"r{k:02}" / f"events.out.tfevents.{start}.host.1.0", events)
        clock = datetime.fromtimestamp(start + 8 * 3600 - 5, UTC).strftime("%Y%m%d_%H%M%S")
        history = [wandb.history(at, row) for at, row in rows(curves)]
        wandb.write(tmp_path / "wandb" / f"run-{clock}-id{k}", history, f"run-id{k}.wandb")
    found = list(find_runs(tmp_path))
    assert [run.path.name for run in found] == [f"r{k:02}" for k in range(many)]
    portions = [run for place in places(tmp_path) for run in place.runs()]
    assert {run.path for run in portions} == {run.path for run in found}
    assert {len(s) for run in (*found, *portions) for s in read_run(run).series.values()} == {400}


def test_a_run_is_the_same_from_wherever_it_is_looked_at(tmp_path: Path) -> None:
    curves = training(*TAGS)
    table(tmp_path / "pl" / "csv" / "version_0" / "metrics.csv", curves)
    as_events(tmp_path / "pl" / "tb" / "version_0", every(7, curves))
    wandb_run(tmp_path / "out", curves)
    as_events(tmp_path / "out" / "tb", every(7, curves))
    progress(tmp_path / "sb3", curves)
    as_events(tmp_path / "sb3" / "tb" / "PPO_1", every(7, curves))
    found = list(find_runs(tmp_path))
    assert len(found) == 3
    for run in found:
        portions = [source for place in places(run.path) for source in place.runs()]
        for source in (run, run.path, *find_runs(run.path), *portions):
            assert {len(series) for series in read_run(source).series.values()} == {400}


def test_an_attempt_given_by_its_file_is_that_run(tmp_path: Path) -> None:
    for seed in (1, 2):
        curves, start = training(*TAGS, seed=seed), 1_700_000_000 + 10_000 * seed
        events = [
            scalar(tag, at, y, start + at) for at, row in rows(every(7, curves)) for tag, y in row.items()
        ]
        write(tmp_path / f"events.out.tfevents.{start}.host.1.0", events)
        wandb_run(tmp_path, curves, seed=seed)
    found = list(find_runs(tmp_path))
    assert len(found) == 2
    for run in found:
        for source in (run, run.path, *find_runs(run.path)):
            assert {len(series) for series in read_run(source).series.values()} == {400}


def test_what_never_moves_is_brought_in_once_under_one_name(tmp_path: Path) -> None:
    curves = training(*TAGS[:2])
    curves["train/clip_range"] = dict.fromkeys(curves[TAGS[0]], 0.2)
    as_events(tmp_path / "run", curves)
    wandb_run(tmp_path / "run", {tag.rpartition("/")[2]: curve for tag, curve in curves.items()})
    assert read_run(tmp_path / "run").series.keys() == curves.keys()


def test_logs_of_parts_of_a_training_are_put_together(tmp_path: Path) -> None:
    """Whichever holds more of which part: nothing that only one of them has is lost."""
    curves = training(*TAGS)
    first, last = (
        {tag: dict(list(curve.items())[part]) for tag, curve in curves.items()}
        for part in (slice(200), slice(200, None))
    )
    as_events(tmp_path / "thin", every(5, curves))
    wandb_run(tmp_path / "thin", first)
    wandb_run(tmp_path / "thin", last, seed=2)
    as_events(tmp_path / "cut", first)
    wandb_run(tmp_path / "cut", every(5, curves))
    assert paths(tmp_path) == (tmp_path / "cut", tmp_path / "thin")
    assert {len(series) for series in read_run(tmp_path / "thin").series.values()} == {400}
    cut = read_run(tmp_path / "cut").series
    assert {len(series) for series in cut.values()} == {240}
    assert {series.file for series in cut.values()} == {
        f"{NAME}, wandb/run-20261101_120000-id1/run-id1.wandb"
    }


def test_the_same_numbers_on_another_axis_nearby_are_no_second_run(tmp_path: Path) -> None:
    curves = training(*TAGS)
    as_events(tmp_path / "run", curves)
    counted = {tag: dict(enumerate(curve.values())) for tag, curve in curves.items()}
    wandb_run(tmp_path / "run", counted)
    assert paths(tmp_path) == (tmp_path / "run",)
    (unread,) = read_run(tmp_path / "run").unread
    assert "on another axis" in str(unread.why)


def test_what_is_thinned_on_another_axis_is_the_same_training() -> None:
    calls, thin = track(CURVE), Track(np.arange(50) * 640, CURVE[::4], np.full(50, np.nan))
    assert sameness({"loss": thin}, {"loss": calls}) is Sameness.OTHER_AXIS
    assert sameness({"loss": calls}, {"loss": thin}) is Sameness.OTHER_AXIS
    other = Track(thin.steps, OTHER[::4], thin.walls)
    assert sameness({"loss": other}, {"loss": calls}) is Sameness.DIFFERENT
    few = track(np.round(CURVE, 1))
    assert sameness({"loss": few}, {"loss": Track(thin.steps, np.round(OTHER[::4], 1), thin.walls)}) is (
        Sameness.DIFFERENT
    )


def test_a_table_that_proves_to_be_of_the_training_is_brought_in_whatever_its_name(tmp_path: Path) -> None:
    curves = training(*TAGS)
    folder = as_events(tmp_path / "run", {tag: dict(list(c.items())[:100]) for tag, c in curves.items()})
    table(folder / "mine.csv", curves)
    table(folder / "whose.csv", training(*TAGS, seed=5))
    run = read_run(folder)
    assert {series.file for series in run.series.values()} == {"mine.csv"}
    assert [(file.path, "may be anything" in str(file.why)) for file in run.unread] == [("whose.csv", True)]


def test_a_repetition_in_another_experiment_is_a_run_of_its_own_whatever_logs_it(tmp_path: Path) -> None:
    as_events(tmp_path / "one" / "seed_0", training(*TAGS))
    progress(tmp_path / "two" / "seed_0", training(*TAGS))
    assert len(paths(tmp_path)) == 2


def test_a_deterministic_repetition_in_another_folder_is_a_run_of_its_own(tmp_path: Path) -> None:
    for name in ("first", "second"):
        progress(tmp_path / name, training(*TAGS))
    assert len(paths(tmp_path)) == 2
    assert told(tmp_path / "first") == told(tmp_path / "second")
