"""A command of the user's that is run at a spike; what happened comes as JSON and in variables."""

import json
import os
import shlex
import subprocess
import threading

from spikediag.errors import UsageError
from spikediag.live.alerts import Alert, State
from spikediag.live.sinks import LOGGER, to_dict
from spikediag.model import say
from spikediag.wording.escape import printable

LONGEST = 300.0  # seconds a command may take; then it is ended
AT_ONCE = 4  # commands that run at the same time; what comes beyond is dropped
FAREWELL = 30.0  # seconds that the end waits for what still runs


class Command:
    """Runs a command for each alert; it gets the alert as JSON on its standard input.

    No shell reads it: it is split into words as a shell would, and what happened, which holds names that
    other people chose, reaches it only on its input and in `SPIKEDIAG_RUN`, `_STATE`, `_KIND`, `_TAG`,
    `_STEP`, `_CAUSE` and `_TITLE`.

    Args:
        line: The program and its arguments; `sh -c '...'` to have a shell.

    Attributes:
        dropped: How many alerts no command was run for, because too many ran, or it cannot be started.

    Raises:
        UsageError: it is empty, or a quotation mark is not closed.
    """

    def __init__(self, line: str) -> None:
        try:
            self._words = shlex.split(line)
        except ValueError as error:
            raise UsageError(
                say("--on-spike {line!r}: {why}.", line=line, why=f"{error}".rstrip(".").lower())
            ) from error
        if not self._words:
            raise UsageError(say("--on-spike: give a command."))
        self.dropped = 0
        self._running: list[threading.Thread] = []

    def send(self, alert: Alert) -> None:
        """Start the command and return; a withdrawn alert starts none."""
        if alert.state is State.WITHDRAWN:
            return
        self._running = [thread for thread in self._running if thread.is_alive()]
        if len(self._running) >= AT_ONCE:
            self.dropped += 1
            return
        content = json.dumps(to_dict(alert), allow_nan=False).encode("ascii")
        thread = threading.Thread(target=self._run, args=(content, variables(alert)), daemon=True)
        self._running.append(thread)
        thread.start()

    def close(self) -> None:
        """Wait some seconds for what still runs."""
        for thread in self._running:
            thread.join(FAREWELL)

    def _run(self, content: bytes, said: dict[str, str]) -> None:
        try:
            done = subprocess.run(  # noqa: S603  # the user's own command, and no shell
                self._words, input=content, env={**os.environ, **said}, timeout=LONGEST, check=False
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self.dropped += 1
            LOGGER.warning("spikediag: --on-spike %s: %s", printable(self._words[0]), printable(str(error)))
        else:
            if done.returncode:
                LOGGER.warning(
                    "spikediag: --on-spike %s ended with %d", printable(self._words[0]), done.returncode
                )


def variables(alert: Alert) -> dict[str, str]:
    """What happened, in variables of the environment; nothing in them ends a line or a word of C."""
    said = {
        "RUN": alert.run,
        "STATE": alert.state.value,
        "KIND": alert.spike.kind.value,
        "TAG": alert.spike.tag,
        "STEP": str(alert.spike.onset_step),
        "CAUSE": alert.primary_cause,
        "TITLE": str(alert.title),
    }
    return {f"SPIKEDIAG_{name}": printable(value) for name, value in said.items()}
