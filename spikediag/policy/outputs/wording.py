"""The sentences of a check for one kind of file, and the names by which its findings are known."""

import hashlib
from dataclasses import fields
from pathlib import PurePath

from spikediag.policy.policy import Policy
from spikediag.policy.result import Breach, RunResult
from spikediag.wording.escape import visible

SENTENCE = 500  # characters; error sentences carry paths and must stay whole

RULES: dict[str, str] = {
    "judged": "Fail what could not be read or judged.",
    "history": "Fail when significantly worse than the earlier runs it is compared with.",
    **{f.name.replace("_", "-"): f.metadata["doc"] for f in fields(Policy)},
}


def on_one_line(hostile: str) -> str:
    """A string that came with a run, on one line, without control characters."""
    return visible(hostile, SENTENCE)


def rule_reason(rule: str) -> str:
    """What a rule does, in one sentence."""
    return RULES[rule.partition(":")[0]]


def breach_fingerprint(result: RunResult, breach: Breach) -> str:
    """The same for the same breach in the next check: by run, rule, tag and kind, with a number for twins."""
    twins = [b for b in result.breaches if _identity(result, b) == _identity(result, breach)]
    number = next(n for n, twin in enumerate(twins) if twin is breach)
    return hashlib.sha256(
        "\0".join((*_identity(result, breach), str(number))).encode(errors="surrogatepass")
    ).hexdigest()


def source_file(result: RunResult) -> str:
    """The event file that the run was read from, as a path with forward slashes."""
    run = result.diagnosis.run
    path = PurePath(run.path)
    if run.files and path.name != PurePath(run.files[0].path).name:
        path = path / run.files[0].path
    return path.as_posix()


def _identity(result: RunResult, breach: Breach) -> tuple[str, ...]:
    spike = breach.finding.spike if breach.finding else None
    where = (spike.tag, spike.kind.value) if spike else ()
    return (result.diagnosis.run.name, breach.rules[0], *where)
