"""The user's command at a spike: it gets the finding, and nothing of the finding is a command."""

import json
import logging
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from spikediag.errors import UsageError
from spikediag.live.alerts import Alert, State
from spikediag.live.command import AT_ONCE, Command
from tests.reporter import builders

REPORT = """
import json, os, sys
json.dump([json.load(sys.stdin), dict(os.environ), sys.argv[2:]], open(sys.argv[1], "w"))
"""


def alert(tag: str = "bc/actor_loss", state: State = State.OVER, run: str = "bc") -> Alert:
    finding = builders.findings()[1]
    return Alert.of(replace(finding, spike=replace(finding.spike, tag=tag)), state, 16_000, run)


def heard(tmp_path: Path, one: Alert, *more: str) -> tuple[dict, dict, list[str]]:
    """What a command got of an alert: its input, its environment and its arguments."""
    script, out = tmp_path / "report.py", tmp_path / "out.json"
    script.write_text(REPORT)
    command = Command(" ".join([sys.executable, str(script), str(out), *more]))
    command.send(one)
    command.close()
    assert not command.dropped
    return tuple(json.loads(out.read_text()))


def test_a_command_gets_the_finding_as_json_and_in_variables(tmp_path: Path) -> None:
    document, environment, _ = heard(tmp_path, alert())
    assert document["schema"] == "spikediag.alert/1"
    assert document["finding"]["tag"] == "bc/actor_loss"
    assert environment["SPIKEDIAG_RUN"] == "bc"
    assert environment["SPIKEDIAG_STATE"] == "over"
    assert environment["SPIKEDIAG_TAG"] == "bc/actor_loss"
    assert environment["SPIKEDIAG_STEP"] == str(alert().spike.onset_step)
    assert environment["SPIKEDIAG_CAUSE"] == alert().primary_cause


def test_a_hostile_tag_is_a_value_and_never_a_command(tmp_path: Path) -> None:
    tag = f"loss; touch {tmp_path}/a $(touch {tmp_path}/b) `touch {tmp_path}/c`\x00\n\x1b[31m"
    document, environment, arguments = heard(
        tmp_path, alert(tag, run=tag), "$SPIKEDIAG_TAG", "; echo", "'two words'"
    )
    assert document["finding"]["tag"] == tag
    assert environment["SPIKEDIAG_TAG"].isprintable()
    assert arguments == ["$SPIKEDIAG_TAG", ";", "echo", "two words"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "report.py"]


def test_what_is_withdrawn_starts_no_command(tmp_path: Path) -> None:
    command = Command(f"{sys.executable} -c \"open('{tmp_path}/ran', 'w')\"")
    command.send(alert(state=State.WITHDRAWN))
    command.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("line", "why"), [("", "give a command"), ("echo 'half", "no closing quotation")])
def test_a_line_that_is_no_command_is_refused_at_once(line: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Command(line)


def test_a_command_that_does_not_exist_or_fails_is_told_and_nothing_else(caplog) -> None:
    with caplog.at_level(logging.WARNING, "spikediag"):
        for line in ("/no/such/program", f"{sys.executable} -c 'raise SystemExit(3)'"):
            command = Command(line)
            command.send(alert())
            command.close()
    assert "No such file" in caplog.text
    assert "ended with 3" in caplog.text


def test_commands_that_do_not_end_are_not_piled_up(monkeypatch) -> None:
    monkeypatch.setattr("spikediag.live.command.FAREWELL", 0.0)
    monkeypatch.setattr("spikediag.live.command.LONGEST", 0.5)
    command = Command(f"{sys.executable} -c 'import time; time.sleep(30)'")
    for _ in range(AT_ONCE + 3):
        command.send(alert())
    assert command.dropped >= 3
    for thread in command._running:
        thread.join()
