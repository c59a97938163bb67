"""Facts in text that somebody wrote for people: the text tags of a run, and the console log kept beside it.

Text tags come as JSON, Markdown tables and lists, `Namespace(...)`, YAML, or a tag per argument.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from spikediag.model import FactName, Origin
from spikediag.parser.facts.claims import Claim, FileClaims, claims_in
from spikediag.parser.facts.safe_documents import UnusableError, parse
from spikediag.parser.fingerprint import fingerprint
from spikediag.parser.remote import present

SHORT = 100  # characters; a text tag up to this long may be the value of one argument
KEY = re.compile(r"[\w./\- ]+")
PAIR = re.compile(  # bounded, so that a text without an end of its quotes and brackets is read in linear time
    r"(?<![\w.\-])([A-Za-z_][\w.\-]*)['\"]?\s*[=:]\s*"
    r"('[^']{0,999}'|\"[^\"]{0,999}\"|\[[^\]]{0,999}\]|\([^)]{0,999}\)|[^,()\[\]{}\n]+)"
)
FENCE = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
LOG_NAMES = re.compile(
    r"(.*[._-])?(log|stdout|stderr|out|output|console|train|nohup)([._-].*)?\.(log|txt|out)", re.IGNORECASE
)
MOST_LOGS, MOST_LOG_BYTES = 8, 1 << 20  # of each, its beginning
LOG_LINES = {  # what HIL-SERL, LeRobot and the Hugging Face Trainer print when a training begins
    FactName.DATASET_SIZE: (
        r"(?:bc )?replay buffer size:\s*(\d+)",
        r"dataset\.num_frames=(\d+)",
        r"Num examples = ([\d,]+)",
    ),
    FactName.BATCH_SIZE: (r"Instantaneous batch size per device = ([\d,]+)",),
    FactName.GRADIENT_ACCUMULATION: (r"Gradient Accumulation steps = ([\d,]+)",),
    FactName.EFFECTIVE_BATCH_SIZE: (
        r"Total train batch size .{0,200}= ([\d,]+)",
        r"Effective batch size: .{0,200}= (\d+)",
    ),
    FactName.TRAIN_STEPS: (r"Total optimization steps = ([\d,]+)", r"cfg\.steps=(\d+)"),
}


def claims_in_texts(texts: Mapping[str, str]) -> Iterator[Claim]:
    """Find the facts in the text tags of a run."""
    short = {
        tag: text.strip() for tag, text in texts.items() if len(text) <= SHORT and "\n" not in text.strip()
    }
    yield from claims_in(short, "text tags", Origin.TEXT)
    for tag, text in sorted(texts.items()):
        if tag not in short or any(mark in text for mark in "{|="):
            document = document_in(text)
            if document:
                yield from claims_in(document, f"text tag {tag}", Origin.TEXT)


def document_in(text: str) -> object:
    """Read a text as whatever notation of keys and values it is; None if it is none."""
    fenced = FENCE.search(text)
    body = (fenced[1] if fenced else text).strip()
    if body[:1] in "{[":
        try:
            return parse(body, ".json")
        except UnusableError:
            pass
    for written in (_rows, _items):
        if found := dict(written(body)):
            return found
    if body.endswith((")", "}")):
        return {key: value.strip(" '\"") for key, value in PAIR.findall(body)}
    try:
        return parse(body, ".yaml")
    except UnusableError:
        return None


def _rows(body: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of every row of a Markdown table."""
    for line in map(str.strip, body.splitlines()):
        key, bar, value = line[1:-1].partition("|")
        if bar and line[0] == line[-1] == "|" and key.strip(" \t`"):
            yield key.strip(" \t`"), value.strip()


def _items(body: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of every item of a Markdown list, `- **key**: value`."""
    for line in map(str.strip, body.splitlines()):
        at = min((place for mark in ":=" if (place := line.find(mark)) > 0), default=0)
        key = line[1:at].strip().strip("*`_ ")
        if line[:1] in {"-", "*"} and line[1:2].isspace() and KEY.fullmatch(key):
            yield key, line[at + 1 :].strip().strip("*`_").strip()


def console_logs(folder: Path) -> Iterator[FileClaims]:
    """Read the console logs in a run's folder; a log may be of another attempt, so it is trusted last."""
    try:
        paths = sorted(path for path in folder.iterdir() if LOG_NAMES.fullmatch(path.name) and path.is_file())
    except OSError:
        return
    yield from (log for path in paths[:MOST_LOGS] if (log := _read(path, folder)))


def _read(path: Path, folder: Path) -> FileClaims | None:
    try:
        with present(path).open("rb") as file:
            claims = tuple(printed_claims(file.read(MOST_LOG_BYTES).decode("utf-8", "replace"), path.name))
            return FileClaims(claims, fingerprint(file, folder)) if claims else None
    except OSError:
        return None


def printed_claims(text: str, name: str) -> Iterator[Claim]:
    """Claim what libraries print when a training begins."""
    for fact, patterns in LOG_LINES.items():
        found = next((match for pattern in patterns if (match := re.search(pattern, text))), None)
        if found and (value := int(found[1].replace(",", "")[:18] or 0)):
            line = text.count("\n", 0, found.start()) + 1
            yield Claim(fact, value, f"{name}: line {line}", Origin.PRINTED, 0.9)
