"""A slice for strangers: the same story, without what a person would not show."""

import csv
import io
import math
import tomllib
import zipfile

import numpy as np
import pytest

import spikediag
from spikediag.cli import entry
from tests.conftest import SAMPLE_RUNS
from tests.parser.writing import scalar, write

RUN = str(SAMPLE_RUNS / "bc_single_trajectory")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_run(folder, curves):
    points = [
        scalar(tag, step, value)
        for tag, (steps, values) in curves.items()
        for step, value in zip(steps, values, strict=True)
    ]
    write(folder / "events.out.tfevents.1.host.1.0", points)


def told(diagnosis):
    return [
        (f.spike.tag, f.spike.onset_step, f.coupling.verdict, f.primary_cause) for f in diagnosis.findings
    ]


def test_a_zip_is_read_like_the_run_and_gives_the_same_findings(here, capsys):
    assert entry.run(["share", RUN]) == 0
    assert "the same findings as the run: 2." in capsys.readouterr().err
    slice_, whole = spikediag.diagnose("shared.zip"), spikediag.diagnose(RUN)
    assert told(slice_) == told(whole) != []
    assert (slice_.run.path, slice_.run.name) == ("shared.zip", "shared.zip")
    assert slice_.run.fact("batch_size").value == whole.run.fact("batch_size").value


def test_the_same_run_gives_the_same_bytes(here):
    for folder in ("a", "b"):
        assert entry.run(["share", str(SAMPLE_RUNS / "calm"), "--out", f"{folder}/s.zip"]) == 0
    assert (here / "a/s.zip").read_bytes() == (here / "b/s.zip").read_bytes()


def test_times_paths_and_hosts_are_not_in_it(here):
    (here / "secret").mkdir()
    (here / "secret" / "config.yaml").write_text(
        "batch_size: 8\noptimizer: /home/me/adam\nlearning_rate: 0.1\n"
    )
    write_run(here / "secret", {"loss": ([0, 1, 2], [3.0, math.nan, 1.0]), "private/x": ([0], [1.0])})
    assert entry.run(["share", "secret", "--out", "shown", "--tag", "loss"]) == 0
    assert {path.name for path in (here / "shown").iterdir()} == {"metrics.csv", "spikediag.toml"}
    words = "".join(path.read_text() for path in (here / "shown").iterdir())
    assert not [word for word in ("secret", "home", "private", "tfevents") if word in words]
    assert list(csv.reader(io.StringIO((here / "shown" / "metrics.csv").read_text()))) == [
        ["step", "loss"],
        ["0", "3.0"],
        ["1", "nan"],
        ["2", "1.0"],
    ]
    facts = tomllib.loads((here / "shown" / "spikediag.toml").read_text())["facts"]
    assert facts == {"batch_size": 8, "learning_rate": 0.1}
    assert np.isnan(spikediag.read_run("shown").series["loss"].values[1])


def test_what_the_user_said_of_tags_goes_with_them(here):
    (here / "run").mkdir()
    write_run(here / "run", {"my/thing": (range(3), [3.0, 2.0, 1.0]), "other": (range(3), [1.0, 1.0, 1.0])})
    (here / "run" / "spikediag.toml").write_text(
        '[roles]\n"my/thing" = "loss"\n[losses]\n"my/thing" = "likelihood"\n'
    )
    assert entry.run(["share", "run", "--out", "shown"]) == 0
    run = spikediag.read_run("shown")
    assert (run.series["my/thing"].role, run.loss_kind(run.series["my/thing"])) == ("loss", "likelihood")


def test_a_cut_that_loses_a_finding_says_which(capsys):
    assert entry.run(["share", RUN, "--steps", ":10,000", "--out", "cut"]) == 0
    said = capsys.readouterr().err
    assert "its findings are not those of the run" in said
    assert "bc/actor_loss transient 15,510 decoupled" in " ".join(said.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--steps", "many"], "write it as FIRST:LAST"),
        (["--steps", "9:1"], "write it as FIRST:LAST"),
        (["--tag", "bc/actor_los"], "did you mean 'bc/actor_loss'?"),
        (["--out", "there"], "exists already"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(here, capsys, arguments, said):
    (here / "there").mkdir()
    assert entry.run(["share", RUN, *arguments]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in here.iterdir()] == ["there"]


def test_a_zip_of_any_run_is_read(here, capsys):
    with zipfile.ZipFile("run.zip", "w") as archive:
        for path in (SAMPLE_RUNS / "calm").iterdir():
            archive.write(path, f"calm/{path.name}")
    assert entry.run(["tags", "run.zip"]) == 0
    assert "run.zip: 6 tags" in capsys.readouterr().out


def test_a_tag_that_a_spreadsheet_would_obey_is_text_there_and_the_same_tag_here(here):
    steps = range(40)
    tags = ("=cmd|' /C calc'!A0", "+loss", "-loss", "@sum")
    write_run(here / "run", {tag: (steps, [1.0] * 40) for tag in (*tags, "train/loss")})
    assert entry.run(["share", "run", "--out", "s.zip"]) == 0
    with zipfile.ZipFile("s.zip") as archive:
        (table,) = (name for name in archive.namelist() if name.endswith(".csv"))
        header = next(csv.reader(io.StringIO(archive.read(table).decode())))
    assert not [cell for cell in header if cell[0] in "=+-@"]
    assert spikediag.read_run("s.zip").series.keys() == {*tags, "train/loss"}
