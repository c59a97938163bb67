import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from spikediag import Monitor
from spikediag.errors import UsageError
from spikediag.live import Alert, State, sinks
from spikediag.live.sinks import (
    JsonLines,
    Payload,
    Terminal,
    TrackioAlert,
    WandbAlert,
    Webhook,
    posted,
    shape_of,
)
from tests.live.trainings import bc, noise, watched

HOSTILE = "loss\x1b[2J <!channel> @everyone `x` *b* <script>"


@pytest.fixture(scope="module")
def alerts() -> list[Alert]:
    """Of a burst in a loss with a hostile name: rising, over, final."""
    loss = noise(400)
    loss[300:303] += 30
    rows = ((step, {HOSTILE: row["bc/actor_loss"], "bc/mse": row["bc/mse"]}) for step, row in bc(loss))
    monitor, told = watched(rows, roles={HOSTILE: "loss"}, name="run <b>")
    monitor.close()
    assert [a.state for a in told] == [State.RISING, State.OVER, State.FINAL]
    return told


@contextmanager
def server(
    answer: int = 200, until: threading.Event | None = None
) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """A webhook that keeps what is posted."""
    got: list[dict[str, object]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if until:
                until.wait(60)
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(answer)
            self.end_headers()

        def log_message(self, *about: object) -> None:
            """Say nothing."""

    one = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{one.server_port}/secret-token", got
    finally:
        one.shutdown()
        one.server_close()


def test_a_webhook_posts_each_alert_in_order(alerts: list[Alert]) -> None:
    with server() as (url, got):
        sink = Webhook(url)
        for alert in alerts:
            sink.send(alert)
        sink.close()
    assert [one["state"] for one in got] == ["rising now", "over", "final"]
    assert got[0]["schema"] == "spikediag.alert/1"
    assert got[1]["finding"]["tag"] == HOSTILE
    assert got[1]["finding"]["coupling"]["verdict"] == "decoupled"
    assert got[1]["step"] == alerts[1].step
    assert sink.dropped == 0


def test_a_slow_webhook_never_holds_the_training_up(
    alerts: list[Alert], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "FAREWELL", 0.05)
    monkeypatch.setattr(sinks, "WAITING", 3)
    release = threading.Event()
    with server(until=release) as (url, got):
        sink = Webhook(url)
        for alert in alerts * 10:
            sink.send(alert)
        sink.close()
        assert not got  # the server has not answered once, and the training went on
        release.set()
    assert sink.dropped >= 20


@pytest.mark.parametrize("answer", [404, None])
def test_a_webhook_that_is_down_is_told_once_without_its_address(
    answer: int | None, alerts: list[Alert], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "PAUSES", (0.01,))
    with server(answer or 200) as (url, _), caplog.at_level(logging.WARNING, logger="spikediag"):
        sink = Webhook(url if answer else "http://127.0.0.1:1/secret-token", timeout=1)
        for alert in alerts:
            sink.send(alert)
        sink.close()
    assert sink.dropped == len(alerts)
    assert "did not take an alert" in caplog.text
    assert "secret" not in caplog.text
    assert len(caplog.records) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "hooks.slack.com/x", ""])
def test_only_web_addresses_are_posted_to(url: str) -> None:
    with pytest.raises(UsageError):
        Webhook(url)


def test_an_unknown_shape_is_refused_and_hosts_tell_theirs() -> None:
    with pytest.raises(UsageError):
        Webhook("https://example.org", shape="teams")
    assert shape_of("https://hooks.slack.com/services/T/B/x") is Payload.SLACK
    assert shape_of("https://discord.com/api/webhooks/1/x") is Payload.DISCORD
    assert shape_of("https://hooks.slack.com.evil.org/x") is Payload.GENERIC


def test_a_hostile_tag_calls_nobody_in_a_chat(alerts: list[Alert]) -> None:
    slack = posted(alerts[1], Payload.SLACK, "en")["text"]
    assert "<" not in slack
    assert "\x1b" not in slack
    assert "&lt;!channel&gt;" in slack
    discord = posted(alerts[1], Payload.DISCORD, "en")
    assert discord["allowed_mentions"] == {"parse": []}
    assert "\x1b" not in discord["content"]


def test_the_terminal_says_it_in_both_languages_and_obeys_no_tag(alerts: list[Alert]) -> None:
    said = {}
    for lang in ("en", "zh"):
        stream = io.StringIO()
        for alert in alerts:
            Terminal(stream, lang).send(alert)
        said[lang] = stream.getvalue()
    assert "\x1b" not in said["en"] + said["zh"]
    assert said["en"].count("\n") == said["zh"].count("\n") == 6
    assert "rising now:" in said["en"]
    assert "and is not back yet" in said["en"]
    assert "正在上升" in said["zh"]
    assert "尚未回落" in said["zh"]


def test_a_file_has_one_object_a_line(alerts: list[Alert], tmp_path: Path) -> None:
    sink = JsonLines(tmp_path / "alerts.jsonl")
    for alert in alerts:
        sink.send(alert)
    lines = (tmp_path / "alerts.jsonl").read_text(encoding="ascii").splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["rising now", "over", "final"]


def test_weights_and_biases_is_given_a_title_that_it_takes(
    alerts: list[Alert], monkeypatch: pytest.MonkeyPatch
) -> None:
    got = []
    run = SimpleNamespace(alert=lambda **about: got.append(about))
    WandbAlert(run).send(alerts[0])
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(run=run))
    WandbAlert().send(alerts[1])
    assert [len(one["title"]) < 64 for one in got] == [True, True]
    assert {one["level"] for one in got} == {"WARN"}
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(run=None))
    with pytest.raises(UsageError):
        WandbAlert().send(alerts[0])


def test_trackio_is_given_its_level(alerts: list[Alert], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "trackio", raising=False)
    with pytest.raises(UsageError):
        TrackioAlert().send(alerts[0])
    got = []
    level = SimpleNamespace(WARN="warn", ERROR="error")
    trackio = SimpleNamespace(AlertLevel=level, alert=lambda **about: got.append(about))
    monkeypatch.setitem(sys.modules, "trackio", trackio)
    TrackioAlert().send(alerts[0])
    assert [one["level"] for one in got] == ["warn"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_real_trackio_keeps_an_alert(
    alerts: list[Alert], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    trackio = pytest.importorskip("trackio")
    run = trackio.init(project="spikes", embed=False)
    got = []
    monkeypatch.setattr(run, "alert", lambda **about: got.append(about))
    TrackioAlert().send(alerts[0])
    trackio.finish()
    assert got[0]["level"] is trackio.AlertLevel.WARN


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_real_wandb_takes_an_alert(
    alerts: list[Alert], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.chdir(tmp_path)
    with wandb.init(mode="offline", project="spikes", dir=tmp_path):
        WandbAlert().send(alerts[0])


def test_a_sink_that_fails_leaves_the_others_theirs() -> None:
    def fail(*about: object) -> None:
        raise OSError("disk full")

    got = []
    loss = noise(200)
    loss[150] += 50
    both = [SimpleNamespace(send=fail, close=fail), SimpleNamespace(send=got.append, close=lambda: None)]
    monitor, _ = watched(bc(loss), sinks=both)
    monitor.close()
    assert [alert.state for alert in got] == [State.RISING, State.OVER, State.FINAL]
    assert isinstance(monitor, Monitor)
    assert monitor.troubles
