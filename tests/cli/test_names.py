"""Runs told together have different names; what was accepted of one counts for no other."""

import shutil
from pathlib import Path

import pytest

from spikediag.cli import entry
from spikediag.cli.names import own_ends, told_apart
from tests.cli.test_check import jumped


@pytest.mark.parametrize(
    ("names", "paths", "told"),
    [
        (["bc", "bc"], ["a/bc", "b/bc"], ("a/bc", "b/bc")),
        (["bc", "bc", "dp"], ["x/a/bc", "y/a/bc", "y/dp"], ("x/a/bc", "y/a/bc", "dp")),
        (["bc", "bc"], ["a/1", "a/2"], ("1", "2")),
        (["bc", "bc", "1"], ["a/1", "a/2", "b/0"], ("a/1", "2", "1")),
        (["bc", "bc"], ["a/bc", "a/bc"], ("bc", "bc")),
        (["bc", "dp"], ["a/bc", "b/bc"], ("bc", "dp")),
    ],
)
def test_a_shared_name_gives_way_to_the_shortest_end_of_the_path_that_is_its_own(names, paths, told):
    assert told_apart(names, [Path(p) for p in paths]) == told


def test_the_ends_of_a_path_that_another_has_too_name_neither():
    first, second = own_ends([Path("x/a/bc"), Path("y/a/bc")])
    assert first[0] == "x/a/bc"
    assert second[0] == "y/a/bc"


@pytest.fixture
def twins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    jumped(tmp_path / "a" / "bc")
    shutil.copytree(tmp_path / "a" / "bc", tmp_path / "b" / "bc")
    return tmp_path


def test_every_file_of_a_check_tells_runs_of_one_name_apart(twins, capsys):
    files = [f"--{kind}={kind}" for kind in ("junit", "sarif", "gitlab", "markdown")]
    assert entry.run(["check", "a", "b", *files]) == 1
    for kind in ("junit", "sarif", "gitlab", "markdown"):
        written = (twins / kind).read_text()
        assert "a/bc" in written.replace("\\/", "/")
        assert "b/bc" in written.replace("\\/", "/")


def test_what_was_accepted_of_one_run_does_not_count_for_its_namesake(twins):
    assert entry.run(["check", "a", "b", "--write-baseline", "both.toml"]) == 0
    text = (twins / "both.toml").read_text()
    assert 'run = "a/bc"' in text
    only = twins / "only.toml"
    entries = text.split("[[accepted]]")
    only.write_text("[[accepted]]".join(one for one in entries if 'run = "b/bc"' not in one))
    assert entry.run(["check", "a", "b", "--baseline", "both.toml"]) == 0
    assert entry.run(["check", "a", "b", "--baseline", "only.toml"]) == 1
    assert entry.run(["check", "a", "--baseline", "only.toml"]) == 0
    assert entry.run(["check", "b", "--baseline", "only.toml"]) == 1


def test_an_entry_by_name_alone_holds_while_one_run_has_that_name(twins):
    assert entry.run(["check", "a", "--write-baseline", "old.toml"]) == 0
    old = twins / "old.toml"
    old.write_text(old.read_text().replace("tag =", 'run = "bc"\ntag ='))
    assert entry.run(["check", "b", "--baseline", "old.toml"]) == 0
    assert entry.run(["check", "a", "b", "--baseline", "old.toml"]) == 1


def test_pages_of_several_runs_in_a_terminal_bear_their_names(twins, capsys):
    assert entry.run(["analyze", "a", "b", "--brief"]) == 0
    said = capsys.readouterr().out
    assert "## `a/bc`: `" in said
    assert "## `b/bc`: `" in said
    assert entry.run(["analyze", "a", "--brief"]) == 0
    assert "## `bc`: " not in capsys.readouterr().out


def test_reports_of_one_name_bear_what_tells_them_apart_and_keep_their_folders(twins):
    assert entry.run(["analyze", "a", "b", "--format", "md"]) == 0
    titles = {p.parent.name: p.read_text().splitlines()[0] for p in twins.glob("reports/*/report.md")}
    assert titles == {"bc": "# Post-mortem of `a/bc`", "b-bc": "# Post-mortem of `b/bc`"}
    assert entry.run(["analyze", "a", "--format", "md"]) == 0
    assert (twins / "reports/bc/report.md").read_text().startswith("# Post-mortem of `bc`\n")
