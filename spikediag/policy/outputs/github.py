"""The check as GitHub annotations: workflow commands on lines of their own.

Reference: https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
"""

from collections.abc import Iterator

from spikediag.policy.outputs.wording import on_one_line, source_file
from spikediag.policy.result import CheckResult, RunResult
from spikediag.wording.escape import unobeyed_lines
from spikediag.wording.writer import in_english


def to_github(check: CheckResult) -> str:
    """One `::error` for each breach and unread run, `::warning` for a gap, `::notice` for what passed."""
    lines = [line for result in check.runs for line in _run(result)]
    lines += [_command("error", u.path, "not judged", str(u.reason)) for u in check.unread]
    return "".join(f"{line}\n" for line in lines)


def _run(result: RunResult) -> Iterator[str]:
    file = source_file(result)
    for breach in result.breaches:
        yield _command("error", file, result.diagnosis.run.name, in_english(breach.reading))
    for gap in result.gaps:
        level = "error" if result.strict else "warning"
        yield _command(level, file, result.diagnosis.run.name, f"Not judged: {in_english(gap.reading)}")
    for remark_ in result.remarks:
        yield _command("warning", file, result.diagnosis.run.name, in_english(remark_))
    for passed in result.let_through:
        yield _command(
            "notice",
            file,
            result.diagnosis.run.name,
            f"Let through: {in_english(passed.reading)}",
        )


def _command(level: str, file: str, title: str, message: str) -> str:
    return f"::{level} file={_property(file)},title={_property(title)}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return unobeyed_lines(on_one_line(text)).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
