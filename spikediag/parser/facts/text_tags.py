"""Configuration in text tags: JSON, Markdown tables and lists, `Namespace(...)`, YAML, a tag per argument."""

import re
from collections.abc import Iterator, Mapping

from spikediag.model import Origin
from spikediag.parser.facts.claims import Claim, claims_in
from spikediag.parser.facts.safe_documents import UnusableError, parse

SHORT = 100  # characters; a text tag up to this long may be the value of one argument
KEY = re.compile(r"[\w./\- ]+")
PAIR = re.compile(  # bounded, so that a text without an end of its quotes and brackets is read in linear time
    r"(?<![\w.\-])([A-Za-z_][\w.\-]*)['\"]?\s*[=:]\s*"
    r"('[^']{0,999}'|\"[^\"]{0,999}\"|\[[^\]]{0,999}\]|\([^)]{0,999}\)|[^,()\[\]{}\n]+)"
)
FENCE = re.compile(r"```\w*\n(.*?)```", re.DOTALL)


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
