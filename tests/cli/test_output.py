"""Reports appear whole, replace only reports, and stay inside the output folder."""

import pytest

from spikediag.cli.marker import NAME, Marker
from spikediag.cli.output import write_file, write_report
from spikediag.errors import CannotWriteError, ReportExistsError
from spikediag.model import Artifact

REPORT = (Artifact("report.md", b"# one\n"), Artifact("overview.png", b"png"))


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
    assert names(folder) == [NAME, "overview.png", "report.md"]
    assert Marker.read(folder) == Marker("../../runs/bc", ("overview.png", "report.md"))
    assert names(folder.parent) == ["bc"]


def test_a_newer_report_removes_what_only_the_older_one_had(tmp_path, run):
    folder = tmp_path / "reports" / "bc"
    write_report(folder, run, REPORT)
    (folder / "my notes.txt").write_text("keep me")
    write_report(folder, run, (Artifact("report.md", b"# two\n"),))
    assert names(folder) == [NAME, "my notes.txt", "report.md"]
    assert (folder / "report.md").read_bytes() == b"# two\n"


def test_a_file_of_somebody_else_is_never_overwritten(tmp_path, run):
    folder = tmp_path / "reports" / "bc"
    folder.mkdir(parents=True)
    (folder / "report.md").write_text("mine")
    with pytest.raises(ReportExistsError, match="not written by spikediag"):
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
    (folder / NAME).write_bytes(Marker("../../runs/bc", ("../precious", "report.md")).content())
    write_report(folder, run, (Artifact("report.md", b"# two\n"),))
    assert precious.read_text() == "mine"


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
    with pytest.raises(CannotWriteError, match="cannot write"):
        write_file(tmp_path, b"")


def test_write_file_makes_its_folder_and_replaces_whole(tmp_path):
    path = tmp_path / "ci" / "junit.xml"
    write_file(path, b"one")
    write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["junit.xml"]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"schema": "spikediag.report/1", "run": 3, "files": []}', "\udcff", "[" * 10_000],
)
def test_a_broken_mark_is_no_mark(tmp_path, content):
    (tmp_path / NAME).write_bytes(content.encode(errors="surrogatepass"))
    assert Marker.read(tmp_path) is None
