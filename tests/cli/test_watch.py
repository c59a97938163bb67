"""`watch`: what it says of a log that grows, what it starts, and how it ends."""

import io
import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from spikediag.cli import entry, watch
from spikediag.live.follow import Follower
from tests.parser import writing

STEPS, AT = 600, 450
NOW = ["--interval", "0.05", "--until-idle", "0.3"]


def records(start: int, stop: int, height: float = 39.0) -> bytes:
    """A loss that leaps at a step beside an error that stays."""
    rng = np.random.default_rng(0)
    loss, error = rng.normal(-15, 0.4, STEPS), rng.normal(0.1, 0.004, STEPS)
    loss[AT : AT + 3] += (height / 2, height, height / 2)
    events = writing.curves({"bc/actor_loss": loss, "bc/mse": error})[2 * start : 2 * stop]
    return b"".join(writing.frame(event.SerializeToString()) for event in events)


def begun(folder: Path, stop: int, **more) -> Path:
    """A log of some steps, in its own folder."""
    file = writing.write(folder, [])
    with file.open("ab") as out:
        out.write(records(0, stop, **more))
    return file


@pytest.fixture
def growing(tmp_path: Path) -> threading.Thread:
    """A training that goes on once it is started."""
    file = begun(tmp_path / "bc", 400)

    def train() -> None:
        time.sleep(0.6)
        with file.open("ab") as out:
            out.write(records(400, STEPS)[:-7])

    return threading.Thread(target=train)


def watched(paths: list[Path], *more: str) -> int:
    return entry.run(["watch", *map(str, paths), *NOW, "--lang", "en", *more])


def test_a_calm_log_passes_as_it_does_in_a_check(tmp_path: Path, capsys) -> None:
    begun(tmp_path / "bc", STEPS, height=0.0)
    assert watched([tmp_path / "bc"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "bc: clean, step 599"
    assert "passed" in said[-1]
    assert entry.run(["check", str(tmp_path / "bc"), "--lang", "en"]) == 0
    assert capsys.readouterr().out.splitlines() == said[1:]


def test_a_spike_that_was_there_is_no_news_but_fails_the_check(tmp_path: Path, capsys) -> None:
    begun(tmp_path / "bc", STEPS)
    assert watched([tmp_path / "bc"], "--on-spike", f"{sys.executable} -c 'raise SystemExit'") == 1
    said = capsys.readouterr().out
    assert "over:" not in said
    assert "bc: spiky, step 599" in said
    assert "1 failed" in said


def test_a_spike_that_happens_is_told_starts_the_command_and_is_posted(
    tmp_path: Path, growing, capsys
) -> None:
    posts: list[dict] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that the library calls
            posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    out = tmp_path / "finding.json"
    copy = f"{sys.executable} -c 'import sys; open(sys.argv[1], \"w\").write(sys.stdin.read())' {out}"
    growing.start()
    address = f"http://127.0.0.1:{server.server_port}/"
    code = watched([tmp_path / "bc"], "--until-idle", "2", "--on-spike", copy, "--webhook", address)
    server.shutdown()
    server.server_close()
    said = capsys.readouterr().out
    assert code == 1
    assert "bc: over: transient spike in bc/actor_loss" in said
    assert said.count("leapt by") == 2  # the alert, and the check
    assert json.loads(out.read_text())["finding"]["onset_step"] == AT
    assert [post["finding"]["onset_step"] for post in posts] == [AT]


def test_what_cannot_be_read_yet_is_said_once_and_is_no_pass(tmp_path: Path, capsys) -> None:
    assert watched([tmp_path]) == 2
    said = capsys.readouterr().out
    assert said.count("no log here or below") == 2  # while it waits, and in the check


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["s3://bucket/run"], "cannot be followed"),
        (["/no/such/folder"], "does not exist"),
        ([".", "--on-spike", ""], "give a command"),
        ([".", "--webhook", "ftp://x"], "http or https"),
        ([".", "--policy", "/no/such/file"], "No such file"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(arguments: list[str], why: str, capsys) -> None:
    assert entry.run(["watch", *arguments, "--lang", "en"]) == 2
    assert why in capsys.readouterr().err


def test_ctrl_c_ends_it_with_a_verdict_and_its_own_code(tmp_path: Path, monkeypatch, capsys) -> None:
    begun(tmp_path / "bc", STEPS)

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch.time, "sleep", interrupt)
    assert entry.run(["watch", str(tmp_path / "bc"), "--lang", "en"]) == 130
    assert "1 failed" in capsys.readouterr().out


def test_a_log_that_stopped_is_said_once_and_so_is_that_it_goes_on(
    tmp_path: Path, capsys, monkeypatch
) -> None:
    file = begun(tmp_path / "bc", 400)
    seconds = iter([0.0, 100.0, 200.0, 300.0])
    clock = [0.0]

    def pass_time(_seconds: float) -> None:
        clock[0] = next(seconds, 10_000.0)
        if clock[0] == 300.0:
            with file.open("ab") as out:
                out.write(records(400, STEPS))

    monkeypatch.setattr(watch.time, "sleep", pass_time)
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    follower = watch_with(clock)
    monkeypatch.setattr("spikediag.live.follow.Follower", follower)
    assert entry.run(["watch", str(tmp_path / "bc"), "--until-idle", "5000", "--lang", "en"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "spikediag: bc has not grown for 100 s: finished, or stuck.",
        "spikediag: bc grows again.",
        "spikediag: bc has not grown for 9,700 s: finished, or stuck.",
    ]


def watch_with(clock: list[float]):
    """A follower on the clock of the test."""
    from spikediag.live.follow import Follower

    return lambda *asked: Follower(*asked, now=lambda: clock[0])


def test_a_hostile_tag_moves_no_cursor(tmp_path: Path, capsys) -> None:
    tag = "loss\x1b[2J\n::error::"
    rng = np.random.default_rng(0)
    values = rng.normal(-15, 0.4, STEPS)
    writing.write(tmp_path / "bc", writing.curves({tag: values}))
    watched([tmp_path / "bc"])
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\n::error::" not in said.out


def test_on_a_narrow_terminal_only_the_sentence_gives_way(tmp_path: Path) -> None:
    begun(tmp_path / "bc", STEPS)
    follower = Follower([tmp_path / "bc"], {})
    follower.look()
    console = Console(width=80, file=io.StringIO())
    console.print(watch._view(follower))
    (shown,) = console.file.getvalue().split("\n\n")[0].strip().splitlines()
    assert shown.split()[:2] == ["bc", "spiky"]
    assert f"{STEPS - 1}" in shown
    assert "█" in shown


@pytest.mark.slow
def test_a_terminal_shows_a_line_for_each_run_with_the_course_of_its_loss(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    begun(tmp_path / "bc", STEPS)
    shown: list[bytes] = []

    def read(handle: int) -> bytes:
        import os

        shown.append(os.read(handle, 1 << 16))
        return shown[-1]

    pty.spawn([sys.executable, "-m", "spikediag", "watch", str(tmp_path / "bc"), *NOW, "--lang", "en"], read)
    said = b"".join(shown).decode()
    assert "█" in said
    assert "spiky" in said


@pytest.mark.slow
def test_a_watch_that_is_ended_from_outside_leaves_no_process(tmp_path: Path) -> None:
    begun(tmp_path / "bc", STEPS)
    command = [sys.executable, "-m", "spikediag", "watch", str(tmp_path / "bc"), "--interval", "0.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert b"spiky" in process.stdout.readline()
        process.send_signal(2)
        assert process.wait(60) == 130
