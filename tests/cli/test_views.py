"""`tags`, `scan` and `explain`: what they show, and that a hostile tag cannot move the cursor."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np

import spikediag
from spikediag.cli import entry, tags, terminal
from spikediag.model import Damage, DamageKind, Fact, Rewind, Role, Run
from spikediag.text import say
from tests.conftest import SAMPLE_RUNS
from tests.policy.cases import curve

SPIKY, CALM = str(SAMPLE_RUNS / "lr_step"), str(SAMPLE_RUNS / "bc_batch_32")


def shown(arguments, capsys, code=0):
    assert entry.run(arguments) == code
    return capsys.readouterr()


def test_tags_shows_every_tag_fact_and_the_way_to_override(capsys):
    said = shown(["tags", CALM, "--dataset-size", "999"], capsys).out
    for word in ("bc/actor_loss", "companion", "config.yaml: batch_size", "999", "--dataset-size", "[roles]"):
        assert word in said
    assert "418" in said  # the conflict is shown


def test_tags_shows_the_kind_of_every_loss_and_all_there_are(capsys):
    said = shown(["tags", CALM], capsys).out
    assert re.search(r"bc/actor_loss +loss +likelihood", said)
    assert re.search(r"bc/mse +companion +squared_error", said)
    assert "policy_gradient, actor, value, cross_entropy" in " ".join(said.split())
    assert "[losses]" in said


def test_tags_shows_sessions_rewinds_damage_and_notes(capsys):
    run = Run(
        path="runs/x",
        name="evil\x1b[31m",
        series={"a\x1b]0;owned\x07": curve(tag="a\x1b]0;owned\x07", role=Role.OTHER)},
        facts={"batch_size": Fact("batch_size", None, "unknown", 0.0)},
        rewinds=(Rewind(500, 400, 12.0, 1),),
        damage=(Damage(DamageKind.LOST, "events", 10, 5, say("the last record is cut off")),),
        notes=(say("12 copies were dropped"),),
    )
    tags._show(run)
    said = capsys.readouterr().out
    for word in ("500 -> 400", "the last record is cut off", "12 copies were dropped", "unknown"):
        assert word in said
    assert "\x1b" not in said
    assert "\x07" not in said


def test_tags_says_that_a_log_without_times_has_none(capsys, tmp_path):
    rows = "".join(f"0,{i},{1 / (i + 1)}\n" for i in range(30))
    (tmp_path / "metrics.csv").write_text("epoch,step,train_loss\n" + rows, encoding="utf-8")
    said = shown(["tags", str(tmp_path)], capsys).out
    assert "not logged" in said
    assert "inf" not in said


def test_scan_has_a_line_for_each_run_the_worst_first(capsys, tmp_path):
    for name in ("bc_batch_32", "lr_step", "non_finite"):
        shutil.copytree(SAMPLE_RUNS / name, tmp_path / name)
    said = shown(["scan", str(tmp_path)], capsys).out
    order = [said.index(name) for name in ("non_finite", "lr_step", "bc_batch_32")]
    assert order == sorted(order)


def test_scan_report_and_json_name_the_same_finding_and_cause(capsys, tmp_path, monkeypatch):
    """A NaN burst that passed, and a divergence after it that did not: the divergence leads everywhere."""
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(3).normal(1.0, 0.05, 2000)
    values[600:610] = np.nan
    values[1700:] += np.linspace(1, 40, 300) ** 1.5
    found = spikediag.diagnose(spikediag.Run.from_arrays({"train/loss": (np.arange(2000), values)}))
    found = replace(found, run=replace(found.run, path="runs/two"))
    lead = found.lead
    assert lead.spike.onset_step > 1000
    shutil.copytree(CALM, tmp_path / "runs" / "two")
    monkeypatch.setattr("spikediag.pipeline.diagnose", lambda _: found)
    assert found.overall.primary_cause == lead.primary_cause
    (row,) = (line for line in shown(["scan", "runs"], capsys).out.splitlines() if line.startswith("two"))
    assert f"{lead.spike.onset_step:,}" in row
    assert lead.primary_cause in row
    (entry_of,) = json.loads(shown(["analyze", "runs/two", "--json"], capsys).out)["findings"][-1:]
    assert (entry_of["onset_step"], entry_of["primary_cause"]) == (lead.spike.onset_step, lead.primary_cause)


def test_scan_of_nothing_is_2(capsys, tmp_path):
    said = shown(["scan", str(tmp_path)], capsys, 2)
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


def test_explain_lists_every_id(capsys):
    from spikediag import attribution, detectors, reporter

    said = shown(["explain"], capsys).out
    for package in (detectors, attribution, reporter):
        for name in package.registry.load():
            assert f"  {name} " in said


def test_explain_takes_hyphens_and_underscores(capsys):
    assert shown(["explain", "level-shift"], capsys).out == shown(["explain", "level_shift"], capsys).out


def test_explain_shows_headings_and_keeps_every_word(capsys):
    import inspect

    from spikediag import attribution

    said = shown(["explain", "lr-change"], capsys).out
    page = inspect.getdoc(type(attribution.registry.load()["lr-change"]))
    assert said.split()[1:] == page.replace(":\n", "\n").split()
    assert "\nWhat to do\n" in said


def test_a_kind_and_a_cause_of_almost_one_name_are_told_apart(capsys):
    kind, cause = (shown(["explain", name], capsys).out for name in ("non_finite", "non-finite"))
    assert kind != cause


def test_every_page_can_be_shown(capsys):
    from spikediag import attribution, detectors, reporter

    for package in (detectors, attribution, reporter):
        for name in package.registry.load():
            assert name in shown(["explain", name], capsys).out


def test_explain_of_an_unknown_id_names_the_nearest(capsys):
    assert "did you mean lr-change?" in shown(["explain", "lr-chnge"], capsys, 2).err
    assert "lists all" in shown(["explain", "qqqqqq"], capsys, 2).err


def test_colours_only_on_a_terminal_and_not_with_no_color(monkeypatch, capsys):
    from rich.text import Text

    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    terminal.show(Text("plain", style="red"))
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    terminal.show(Text("red", style="red"))
    assert "\x1b" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.show(Text("bold", style="red"))
    assert "\x1b[31m" not in capsys.readouterr().out


def test_plain_output_has_no_trailing_blanks(capsys):
    said = shown(["tags", CALM], capsys).out + shown(["explain"], capsys).out
    assert [line for line in said.splitlines() if line != line.rstrip()] == []


def test_the_progress_display_waits_and_leaves_nothing(monkeypatch):
    import io
    import time

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(terminal, "PATIENCE", 60)
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with terminal.progress(3) as begin:
        begin(say("reading {path}", path="bc\x1b[2J"))
    assert screen.getvalue() == ""
    monkeypatch.setattr(terminal, "PATIENCE", 0.01)
    with terminal.progress(3) as begin:
        begin(say("reading {path}", path="bc\x1b[2J"))
        time.sleep(0.5)
    assert "reading" in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()
