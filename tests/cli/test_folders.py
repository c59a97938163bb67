"""Folder names: hostile runs stay inside, colliding runs stay apart."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikediag.cli.folders import claim, folder_name
from spikediag.cli.output import write_report
from spikediag.errors import ReportExistsError
from spikediag.model import Artifact

REPORT = (Artifact("report.md", b"# one\n"),)


@pytest.mark.parametrize(
    ("run", "folder"),
    [
        ("bc_single_trajectory", "bc_single_trajectory"),
        ("轨迹 1", "轨迹_1"),
        ("../../etc/passwd", "etc_passwd"),
        ("..", "run-"),
        ("", "run-"),
        (".git", "git"),
        ("-rf", "run--rf"),
        ("NUL.txt", "run-NUL.txt"),
        ("a\nb\x1b[31m", "a_b_31m"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names(run, folder):
    assert folder_name(run) == folder


@settings(deadline=None)
@given(st.text())
def test_any_name_is_one_folder(run):
    name = folder_name(run)
    assert Path(name).name == name
    assert name not in ("", ".", "..")
    assert not name.startswith((".", "-"))
    assert len(name.encode(errors="surrogatepass")) <= 255


def make(path):
    path.mkdir(parents=True)
    return path


def test_runs_of_one_name_get_folders_after_their_parents(tmp_path):
    first, second = make(tmp_path / "a" / "bc"), make(tmp_path / "b" / "bc")
    taken = set()
    assert claim(tmp_path / "out", first, "bc", taken).name == "bc"
    assert claim(tmp_path / "out", second, "BC", taken).name == "b-BC"


def test_a_later_invocation_keeps_them_apart_too(tmp_path):
    first, second = make(tmp_path / "a" / "bc"), make(tmp_path / "b" / "bc")
    write_report(claim(tmp_path / "out", first, "bc", set()), first, REPORT)
    assert claim(tmp_path / "out", second, "bc", set()).name == "b-bc"
    assert claim(tmp_path / "out", first, "bc", set()).name == "bc"


def test_the_report_on_a_run_that_is_gone_is_replaced(tmp_path):
    first, second = make(tmp_path / "a" / "bc"), make(tmp_path / "b" / "bc")
    write_report(claim(tmp_path / "out", first, "bc", set()), first, REPORT)
    first.rmdir()
    assert claim(tmp_path / "out", second, "bc", set()).name == "bc"


def test_an_empty_folder_is_usable_and_a_foreign_one_is_not(tmp_path):
    run = make(tmp_path / "runs" / "bc")
    folder = make(tmp_path / "out" / "bc")
    assert claim(tmp_path / "out", run, "bc", set()) == folder
    (folder / "thesis.tex").write_text("three years")
    with pytest.raises(ReportExistsError, match="--out"):
        claim(tmp_path / "out", run, "bc", set())


@pytest.mark.parametrize("make_it", [lambda p: p.write_text("x"), lambda p: p.symlink_to("nowhere")])
def test_a_file_or_a_dangling_link_is_not_ours(tmp_path, make_it):
    make(tmp_path / "out")
    make_it(tmp_path / "out" / "bc")
    with pytest.raises(ReportExistsError):
        claim(tmp_path / "out", make(tmp_path / "runs" / "bc"), "bc", set())
