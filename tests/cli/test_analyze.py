"""`spikediag analyze` on real runs."""

import json
import shutil

import pytest

from spikediag.cli import entry
from spikediag.model import Artifact
from tests.conftest import SAMPLE_RUNS

SPIKY, CALM = SAMPLE_RUNS / "bc_single_trajectory", SAMPLE_RUNS / "bc_batch_32"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_without_a_format_it_writes_page_picture_and_document(here, monkeypatch):
    asked = []

    def render(_, formats, lang):
        asked.append((tuple(formats), lang))
        return (Artifact("report.md", b""), Artifact("overview.png", b""))

    monkeypatch.setattr("spikediag.reporter.render", render)
    assert entry.run(["analyze", str(CALM)]) == 0
    assert asked == [(("md", "png", "json"), "en")]
    kept = {p.name for p in (here / "reports" / "bc_batch_32").iterdir()}
    assert kept == {"report.md", "overview.png", ".spikediag.json"}


def test_it_says_what_jumped_and_where_the_report_is(here, capsys):
    assert entry.run(["analyze", str(SPIKY), "--format", "md"]) == 0
    said = capsys.readouterr()
    assert "bc/actor_loss" in said.out
    assert "reports/bc_single_trajectory/report.md" in said.out
    assert said.err == ""


def test_twice_gives_the_same_bytes(here):
    assert entry.run(["analyze", str(CALM), "--format", "md,json"]) == 0
    first = files(here)
    assert entry.run(["analyze", str(CALM), "--format", "md,json"]) == 0
    assert files(here) == first


def test_only_the_formats_asked_for_are_kept(here):
    assert entry.run(["analyze", str(CALM), "--format", "md,json"]) == 0
    assert entry.run(["analyze", str(CALM), "--format", "json"]) == 0
    names = {p.suffix for p in (here / "reports" / "bc_batch_32").iterdir() if p.name != ".spikediag.json"}
    assert names == {".json"}


def test_json_goes_to_stdout_and_nothing_is_written(here, capsys):
    assert entry.run(["analyze", str(SPIKY), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["schema"] == "spikediag.diagnosis/1"
    assert list(here.iterdir()) == []


def test_json_of_several_runs_is_an_array(here, capsys):
    assert entry.run(["analyze", str(SPIKY), str(CALM), "--json"]) == 0
    names = [said["run"]["name"] for said in json.loads(capsys.readouterr().out)]
    assert names == ["bc_single_trajectory", "bc_batch_32"]


def test_a_run_that_fails_is_2_and_does_not_stop_the_others(here, capsys):
    assert entry.run(["analyze", "gone", str(CALM), "--format", "md"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("spikediag: gone ")
    assert "bc_batch_32" in said.out
    assert (here / "reports" / "bc_batch_32" / "report.md").exists()


def test_nothing_that_could_be_judged_is_2(here, capsys):
    assert entry.run(["analyze", "gone"]) == 2
    assert capsys.readouterr().out == ""
    assert list(here.iterdir()) == []


def test_the_shape_of_json_follows_from_what_was_asked_never_from_what_failed(here, capsys):
    def said(*paths, code):
        assert entry.run(["analyze", *map(str, paths), "--json"]) == code
        return json.loads(capsys.readouterr().out)

    assert said("gone", code=2)["path"] == "gone"
    both = said("gone", CALM, code=2)
    assert both[0]["path"] == "gone"
    assert "does not exist" in both[0]["error"]
    assert both[1]["run"]["name"] == "bc_batch_32"
    shutil.copytree(CALM, here / "runs" / "one")
    shutil.copytree(CALM, here / "runs" / "two")
    assert [d["run"]["name"] for d in said("runs", code=0)] == ["one", "two"]
    assert [d["run"]["name"] for d in said("runs/one", "runs/one", code=0)] == ["one"]


def test_runs_of_one_name_get_folders_of_their_own(here, capsys):
    for parent in ("a", "b"):
        shutil.copytree(CALM, here / parent / "bc")
    assert entry.run(["analyze", "a", "b/bc", "--format", "md"]) == 0
    assert {p.name for p in (here / "reports").iterdir()} == {"bc", "b-bc"}


def test_a_run_named_twice_is_analyzed_once(here, capsys):
    assert entry.run(["analyze", str(CALM), str(CALM / "..") + "/bc_batch_32", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_what_spikediag_did_not_write_stays(here, capsys):
    mine = here / "reports" / "bc_batch_32"
    mine.mkdir(parents=True)
    (mine / "report.md").write_text("mine")
    assert entry.run(["analyze", str(CALM)]) == 2
    assert "--out" in capsys.readouterr().err
    assert files(here) == {"reports/bc_batch_32/report.md": b"mine"}


def test_facts_from_the_command_line_win(here, capsys):
    assert entry.run(["analyze", str(CALM), "--json", "--batch-size", "300", "--fact", "beta2=0.5"]) == 0
    facts = json.loads(capsys.readouterr().out)["run"]["facts"]
    assert facts["batch_size"]["value"] == 300
    assert facts["batch_size"]["source"] == "--batch-size"
    assert facts["beta2"]["value"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--format", "docx"], "docx"),
        (["--lang", "xx"], "xx"),
        (["--out", __file__], "is no folder"),
        (["--fact", "nonsense=1"], "nonsense"),
        (["--fact", "beta2"], "NAME=VALUE"),
    ],
)
def test_bad_options_are_one_sentence(here, capsys, arguments, sentence):
    assert entry.run(["analyze", str(CALM), *arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("wrong", [["--format", "md,mdd"], ["--lang", "xx"], ["--out", __file__]])
def test_a_wrong_option_is_said_before_any_run_is_read(here, capsys, monkeypatch, wrong):
    monkeypatch.setattr("spikediag.parser.read_run", lambda *_: pytest.fail("a run was read"))
    assert entry.run(["analyze", str(CALM), str(SPIKY), *wrong]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("code", ["zh", "zh-CN", "zh_CN", "ZH"])
def test_chinese_goes_by_several_codes(here, code):
    assert entry.run(["analyze", str(CALM), "--format", "md", "--lang", code]) == 0
    assert "跳变" in (here / "reports" / "bc_batch_32" / "report.md").read_text(encoding="utf-8")


def test_a_mistyped_path_is_answered_with_the_nearest_one(here, capsys):
    wrong = SAMPLE_RUNS / "bc_singel_trajectory"
    assert entry.run(["analyze", str(wrong)]) == 2
    assert f"did you mean {SPIKY}?" in capsys.readouterr().err
    assert entry.run(["tags", str(wrong)]) == 2
    assert f"did you mean {SPIKY}?" in capsys.readouterr().err


def test_an_interrupt_says_how_far_it_came(here, capsys, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("spikediag.pipeline.diagnose", interrupted)
    assert entry.run(["analyze", str(CALM), str(SPIKY)]) == 130
    said = capsys.readouterr().err
    assert f"interrupted at run 1 of 2, {CALM}." in said
    assert "0 of 2 reports written" in said
    assert entry.run(["check", str(CALM), str(SPIKY)]) == 130
    told = capsys.readouterr()
    assert f"interrupted at run 1 of 2, {CALM}." in told.err
    assert not told.out


def test_a_bug_names_the_run(here, capsys, monkeypatch):
    def fail(_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("spikediag.pipeline.diagnose", fail)
    assert entry.run(["analyze", str(CALM)]) == 3
    assert "bc_batch_32" in capsys.readouterr().err


def test_the_brief_report_is_printed_and_nothing_is_written(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert entry.run(["analyze", str(SAMPLE_RUNS / "calm"), "--brief"]) == 0
    assert capsys.readouterr().out.startswith("## No loss jumped")
    assert not list(tmp_path.iterdir())


def test_web_pages_are_listed_and_shown_on_demand(tmp_path, monkeypatch, capsys) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    runs = [str(SAMPLE_RUNS / "calm"), str(SAMPLE_RUNS / "calm_cosine")]
    assert entry.run(["analyze", *runs, "--out", str(tmp_path), "--format", "html"]) == 0
    listed = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert '<a href="calm/report.html">calm</a></td><td>No loss jumped' in listed
    assert "calm_cosine/report.html" in listed
    assert not shown
    assert entry.run(["analyze", runs[0], "--out", str(tmp_path), "--format", "json", "--open"]) == 0
    assert shown == [(tmp_path / "calm" / "report.html").as_uri()]


def test_a_foreign_list_of_reports_is_left_alone(tmp_path, capsys) -> None:
    (tmp_path / "index.html").write_text("<p>mine</p>")
    assert entry.run(["analyze", str(SAMPLE_RUNS / "calm"), "--out", str(tmp_path), "--format", "html"]) == 0
    assert (tmp_path / "index.html").read_text() == "<p>mine</p>"
    assert "was not written by spikediag" in capsys.readouterr().err
