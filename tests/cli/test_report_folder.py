"""Reports appear whole, replace only reports, and stay inside a folder of their own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikediag.cli.report_folder import (
    MARK,
    Marker,
    check_out,
    claim,
    folder_name,
    write_report,
)
from spikediag.errors import CannotWriteError, ReportExistsError
from spikediag.model import Artifact
from tests.characters import ANY
from tests.conftest import examples

REPORT = (Artifact("report.md", b"# one\n"), Artifact("overview.png", b"png"))
ONE_PAGE = REPORT[:1]


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "runs" / "bc"
    folder.mkdir(parents=True)
    return folder


def test_a_report_is_a_folder_with_its_artifacts_and_the_mark(tmp_path, run):
    folder = tmp_path / "reports" / "bc"
    write_report(folder, run, REPORT)
    assert names(folder) == [MARK, "overview.png", "report.md"]
    marker = Marker.read(folder)
    assert (marker.run, list(marker.files)) == ("../../runs/bc", ["overview.png", "report.md"])
    assert all(marker.wrote(path) for path in folder.iterdir())
    assert names(folder.parent) == ["bc"]


def test_a_newer_report_removes_what_only_the_older_one_had(tmp_path, run):
    folder = tmp_path / "reports" / "bc"
    write_report(folder, run, REPORT)
    (folder / "my notes.txt").write_text("keep me")
    write_report(folder, run, (Artifact("report.md", b"# two\n"),))
    assert names(folder) == [MARK, "my notes.txt", "report.md"]
    assert (folder / "report.md").read_bytes() == b"# two\n"


def test_a_file_of_somebody_else_is_never_overwritten(tmp_path, run):
    folder = tmp_path / "reports" / "bc"
    folder.mkdir(parents=True)
    (folder / "report.md").write_text("mine")
    with pytest.raises(ReportExistsError, match="spikediag did not write"):
        write_report(folder, run, REPORT)
    assert names(folder) == ["report.md"]
    assert (folder / "report.md").read_text() == "mine"
    assert names(folder.parent) == ["bc"]


@pytest.mark.parametrize(
    "name", ["../evil.md", "/etc/evil", "sub/report.md", "..", "", "a\\b", "c:x", "a\0b"]
)
def test_an_artifact_cannot_leave_its_folder(tmp_path, run, name):
    with pytest.raises(CannotWriteError, match="plain file name"):
        write_report(tmp_path / "reports" / "bc", run, (Artifact(name, b""),))
    assert names(tmp_path / "reports") == []


def test_a_forged_mark_removes_nothing_outside(tmp_path, run):
    folder = tmp_path / "reports" / "bc"
    write_report(folder, run, REPORT)
    precious = tmp_path / "reports" / "precious"
    precious.write_text("mine")
    (folder / MARK).write_bytes(Marker("../../runs/bc", {"../precious": "", "report.md": ""}).content())
    write_report(folder, run, (Artifact("report.md", b"# two\n"),))
    assert precious.read_text() == "mine"


def test_what_was_changed_by_hand_is_kept_under_another_name(tmp_path, run):
    folder = tmp_path / "reports" / "bc"
    write_report(folder, run, REPORT)
    for edit in ("first", "second"):
        (folder / "report.md").write_text(edit)
        (kept,) = write_report(folder, run, REPORT)
        assert (folder / kept).read_text() == edit
    assert names(folder) == [MARK, "overview.png", "report.kept1.md", "report.kept2.md", "report.md"]
    assert write_report(folder, run, REPORT) == ()


def test_a_file_that_the_mark_does_not_know_gives_way_under_another_name(tmp_path, run):
    folder = tmp_path / "reports" / "bc"
    write_report(folder, run, ONE_PAGE)
    (folder / "overview.png").write_bytes(b"left by a version that was killed")
    assert write_report(folder, run, REPORT) == ("overview.kept1.png",)
    assert (folder / "overview.png").read_bytes() == b"png"


def test_the_folder_of_the_run_is_never_that_of_its_report(run):
    (run / MARK).write_bytes(Marker(".", {}).content())
    for path in (run, run / "events.out.tfevents.1.host"):
        with pytest.raises(ReportExistsError, match="where the run itself lies"):
            claim(run.parent, path, "bc", set())


def test_links_and_folders_of_others_stay(tmp_path, run):
    folder = tmp_path / "reports" / "bc"
    write_report(folder, run, REPORT)
    (folder / "link").symlink_to("nowhere")
    make(folder / "mine" / "deep").joinpath("note").write_text("keep me")
    write_report(folder, run, REPORT)
    assert (folder / "link").is_symlink()
    assert (folder / "mine" / "deep" / "note").read_text() == "keep me"


def test_a_failure_halfway_leaves_the_old_report_alone(tmp_path, run):
    folder = tmp_path / "reports" / "bc"
    write_report(folder, run, REPORT)
    with pytest.raises(CannotWriteError):
        write_report(folder, run, (Artifact("report.md", b"# two\n"), Artifact("bad/name", b"")))
    assert (folder / "report.md").read_bytes() == b"# one\n"
    assert names(folder.parent) == ["bc"]


def test_a_refusal_of_the_file_system_is_one_sentence(tmp_path, run):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CannotWriteError, match="--out"):
        write_report(tmp_path / "file" / "bc", run, REPORT)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"schema": "spikediag.report/1", "run": 3, "files": []}', "\udcff", "[" * 10_000],
)
def test_a_broken_mark_is_no_mark(tmp_path, content):
    (tmp_path / MARK).write_bytes(content.encode(errors="surrogatepass"))
    assert Marker.read(tmp_path) is None


def test_a_place_where_nothing_can_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CannotWriteError, match="is no folder"):
        check_out(tmp_path / "file" / "reports")
    check_out(tmp_path / "new" / "reports")
    assert names(tmp_path) == ["file"]


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
        ("com¹", "run-com¹"),
        ("a\nb\x1b[31m", "a_b_31m"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names(run, folder):
    assert folder_name(run) == folder


@examples(50)
@given(st.text(ANY))
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
    write_report(claim(tmp_path / "out", first, "bc", set()), first, ONE_PAGE)
    assert claim(tmp_path / "out", second, "bc", set()).name == "b-bc"
    assert claim(tmp_path / "out", first, "bc", set()).name == "bc"


def test_the_report_on_a_run_that_is_gone_is_replaced(tmp_path):
    first, second = make(tmp_path / "a" / "bc"), make(tmp_path / "b" / "bc")
    write_report(claim(tmp_path / "out", first, "bc", set()), first, ONE_PAGE)
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
