"""The check as GitHub annotations: workflow commands on lines of their own.

Reference: https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
"""

from collections.abc import Iterator

from spikediag.policy.outputs.words import plain, shown, source_file
from spikediag.policy.ruling import Gate, Ruling


def to_github(gate: Gate) -> str:
    """One `::error` for each breach and unread run, one `::warning` for each gap."""
    lines = [line for ruling in gate.rulings for line in _ruling(ruling)]
    lines += [_command("error", u.path, "not judged", u.reason) for u in gate.unread]
    return "".join(f"{line}\n" for line in lines)


def _ruling(ruling: Ruling) -> Iterator[str]:
    file = source_file(ruling)
    for breach in ruling.breaches:
        yield _command("error", file, ruling.diagnosis.run.name, plain(breach.reading))
    for gap in ruling.gaps:
        level = "error" if ruling.strict else "warning"
        yield _command(level, file, ruling.diagnosis.run.name, f"Not judged: {plain(gap.reading)}")


def _command(level: str, file: str, title: str, message: str) -> str:
    return f"::{level} file={_property(file)},title={_property(title)}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return shown(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
