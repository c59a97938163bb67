"""The sentences of a check for one kind of file, and the names by which its findings are known."""

import hashlib
from pathlib import PurePath

from spikediag.model import Text
from spikediag.policy.ruling import Breach, Ruling
from spikediag.wording import language
from spikediag.wording.escape import visible
from spikediag.wording.writer import MARKDOWN, PLAIN, Writer

SENTENCE = 500  # characters; error sentences carry paths and must stay whole

RULES = {
    "judged": "The run could be read and judged.",
    "forbid-kinds": "No spike of a forbidden kind.",
    "forbid-couplings": "No jump of the loss with a forbidden answer to whether the error metric moved too.",
    "forbid-causes": "No spike with a forbidden primary cause.",
    "max-batch-ratio": "The batch is a small enough share of the dataset.",
    "require-companion": "An error metric is logged beside the loss.",
    "history": "No worse than the earlier runs it is compared with.",
}


def plain(text: Text) -> str:
    """A sentence without markup, on one line, safe for a terminal."""
    return Writer(language.load("en"), PLAIN).text(text)


def markdown(text: Text) -> str:
    """A sentence as Markdown, with everything that came from the run escaped."""
    return Writer(language.load("en"), MARKDOWN).text(text)


def shown(hostile: str) -> str:
    """A string that came with a run, on one line, without control characters."""
    return visible(hostile, SENTENCE)


def rule_reason(rule: str) -> str:
    """What a rule demands, in one sentence."""
    return RULES[rule.partition(":")[0]]


def fingerprint(ruling: Ruling, breach: Breach) -> str:
    """The same for the same breach in the next check: by run, rule, tag and kind, with a number for twins."""
    twins = [b for b in ruling.breaches if _identity(ruling, b) == _identity(ruling, breach)]
    number = next(n for n, twin in enumerate(twins) if twin is breach)
    return hashlib.sha256(
        "\0".join((*_identity(ruling, breach), str(number))).encode(errors="surrogatepass")
    ).hexdigest()


def source_file(ruling: Ruling) -> str:
    """The event file that the run was read from, as a path with forward slashes."""
    run = ruling.diagnosis.run
    path = PurePath(run.path)
    if run.files and path.name != PurePath(run.files[0].path).name:
        path = path / run.files[0].path
    return path.as_posix()


def _identity(ruling: Ruling, breach: Breach) -> tuple[str, ...]:
    spike = breach.finding.spike if breach.finding else None
    where = (spike.tag, spike.kind.value) if spike else ()
    return (ruling.diagnosis.run.name, breach.rules[0], *where)
