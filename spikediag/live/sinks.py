"""Where an alert goes: a chat by webhook, W&B, Trackio, a file, the terminal.

A sink returns at once: what may wait, a webhook, waits in a thread of its own, which ends with the process.
What fails is left out and told once by the logger `spikediag`, without the address, which is a secret.
"""

import json
import logging
import queue
import sys
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TextIO
from urllib.parse import urlsplit

from spikediag import reporter
from spikediag.errors import UsageError
from spikediag.live.alerts import Alert, told
from spikediag.model import say
from spikediag.wording import escape, language
from spikediag.wording.writer import MARKDOWN, TERMINAL, Paper

LOGGER = logging.getLogger("spikediag")
SCHEMA = "spikediag.alert/1"
WAITING = 100  # alerts that wait for a webhook; what comes then is dropped
TIMEOUT = 10.0  # seconds that a webhook may take
PAUSES = (1.0, 5.0)  # seconds between attempts
FAREWELL = 5.0  # seconds that the end of a training waits for what is still to be sent
TITLE = 63  # characters of a W&B title
LONGEST = 1900  # characters of a message in a chat


class Sink(Protocol):
    """Where alerts go."""

    def send(self, alert: Alert) -> None:
        """Take an alert; return at once."""
        ...

    def close(self) -> None:
        """The training is over: send what is still to be sent, or give it up."""
        ...


def to_dict(alert: Alert) -> dict[str, Any]:
    """An alert as JSON: `{schema, time, run, state, step, title, text, finding}`, sentences in English."""
    return {
        "schema": SCHEMA,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": alert.run,
        "state": alert.state.value,
        "step": alert.step,
        "title": str(alert.title),
        "text": str(alert.text),
        "finding": reporter.finding_to_dict(alert),
    }


@dataclass
class Terminal:
    """Lines on the terminal.

    Args:
        stream: Where to; the standard error if not given.
        lang: Of the lines.
    """

    stream: TextIO | None = None
    lang: str = "en"

    def send(self, alert: Alert) -> None:
        """Write two lines."""
        title, text = told(alert, self.lang, TERMINAL)
        stream = self.stream or sys.stderr
        stream.write(f"{escape.unobeyed_lines(title)}\n  {escape.unobeyed_lines(text)}\n")
        stream.flush()

    def close(self) -> None:
        """Nothing waits."""


@dataclass
class JsonLines:
    """A file with one JSON object a line."""

    path: str | Path

    def send(self, alert: Alert) -> None:
        """Append a line."""
        with Path(self.path).open("a", encoding="ascii") as file:
            file.write(json.dumps(to_dict(alert), allow_nan=False) + "\n")

    def close(self) -> None:
        """Nothing waits."""


@dataclass
class WandbAlert:
    """`run.alert` of the W&B run that the training logs to; the one that is active if none is given."""

    run: Any = None
    lang: str = "en"

    def send(self, alert: Alert) -> None:
        """Hand it to W&B, which sends it from a process of its own."""
        run = self.run or getattr(sys.modules.get("wandb"), "run", None)
        if run is None:
            raise UsageError(say("WandbAlert: there is no active W&B run; call wandb.init first."))
        title, text = told(alert, self.lang, MARKDOWN)
        run.alert(title=title[:TITLE], text=text, level="ERROR" if alert.is_lost else "WARN")

    def close(self) -> None:
        """Nothing waits."""


@dataclass
class TrackioAlert:
    """`trackio.alert` of the active Trackio run."""

    lang: str = "en"

    def send(self, alert: Alert) -> None:
        """Hand it to Trackio."""
        trackio = sys.modules.get("trackio")
        if trackio is None:
            raise UsageError(say("TrackioAlert: trackio was not imported; call trackio.init first."))
        title, text = told(alert, self.lang, MARKDOWN)
        level = trackio.AlertLevel.ERROR if alert.is_lost else trackio.AlertLevel.WARN
        trackio.alert(title=title, text=text, level=level)

    def close(self) -> None:
        """Nothing waits."""


class Payload(StrEnum):
    """What a webhook expects to be posted."""

    SLACK = "slack"
    DISCORD = "discord"
    GENERIC = "generic"


class Webhook:
    """One JSON POST for each alert, from a thread of its own.

    Args:
        url: Of an incoming webhook; http or https.
        shape: "slack", "discord" or "generic" (the object of `to_dict`); told from the address if not given.
        lang: Of messages to a chat.
        timeout: Seconds that one POST may take.

    Attributes:
        dropped: How many alerts were given up: because too many waited, or nobody answered.

    Raises:
        UsageError: the address is no http or https address, or the shape is unknown.
    """

    def __init__(self, url: str, *, shape: str = "", lang: str = "en", timeout: float = TIMEOUT) -> None:
        self._url, self._lang, self._timeout = url, lang, timeout
        if urlsplit(url).scheme not in {"http", "https"}:
            raise UsageError(say("Webhook: give an http or https address."))
        names = ", ".join(Payload)
        if shape and shape not in set(Payload):
            raise UsageError(
                say("Webhook: {shape!r} is no shape; choose from {names}.", shape=shape, names=names)
            )
        self._shape = Payload(shape) if shape else shape_of(url)
        language.load(lang)
        self.dropped = 0
        self._waiting: queue.Queue[bytes | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._why: int | str | None = None  # the last POST failed

    def send(self, alert: Alert) -> None:
        """Put it into the queue; where that is full, drop it."""
        body = json.dumps(posted(alert, self._shape, self._lang), allow_nan=False).encode("ascii")
        try:
            self._waiting.put_nowait(body)
        except queue.Full:
            self.dropped += 1
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._deliver, name="spikediag-webhook", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait some seconds for what is still to be sent."""
        if self._thread is None:
            return
        self._over.set()
        try:
            self._waiting.put(None, timeout=FAREWELL)
        except queue.Full:
            return
        self._thread.join(FAREWELL)

    def _deliver(self) -> None:
        while (body := self._waiting.get()) is not None:
            if not any(self._post(body, pause) for pause in (*PAUSES, 0.0)):
                if not self.dropped:
                    LOGGER.warning("spikediag: a webhook did not take an alert (%s)", self._why)
                self.dropped += 1

    def _post(self, body: bytes, pause: float) -> bool:
        """Post once; after a failure, pause, unless the training is over."""
        headers = {"Content-Type": "application/json", "User-Agent": "spikediag"}
        request = urllib.request.Request(self._url, body, headers)  # noqa: S310  # http or https only
        try:
            with urllib.request.urlopen(request, timeout=self._timeout):  # noqa: S310
                return True
        except Exception as error:  # noqa: BLE001  # an alert is never worth more than the training
            self._why = getattr(error, "code", None) or type(error).__name__
            self._over.wait(pause)
            return False


def shape_of(url: str) -> Payload:
    """What the host behind an address expects."""
    host = (urlsplit(url).hostname or "").lower()
    if host == "hooks.slack.com":
        return Payload.SLACK
    return Payload.DISCORD if host in {"discord.com", "discordapp.com"} else Payload.GENERIC


SLACK_PAPER = Paper(escape.slack_text, escape.slack_code)


def posted(alert: Alert, shape: Payload, lang: str) -> Mapping[str, Any]:
    """The object that is posted; tags and run names in it call nobody and draw nothing."""
    if shape is Payload.GENERIC:
        return to_dict(alert)
    title, text = told(alert, lang, SLACK_PAPER if shape is Payload.SLACK else MARKDOWN)
    message = f"{title}\n{text}"[:LONGEST]
    if shape is Payload.SLACK:
        return {"text": message}
    return {"content": message, "allowed_mentions": {"parse": []}}
