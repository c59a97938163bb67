"""Configuration in text tags: JSON, Markdown tables and lists, `Namespace(...)`, YAML, a tag per argument."""

import re
from collections.abc import Iterator, Mapping

from spikediag.model import Origin
from spikediag.parser.facts.claims import Claim, claims_in
from spikediag.parser.facts.safe_documents import UnusableError, parse

SHORT = 100  # characters; a text tag up to this long may be the value of one argument
ROW = re.compile(r"^\s*\|\s*`?([^|`]+?)`?\s*\|\s*(.*?)\s*\|\s*$", re.MULTILINE)
ITEM = re.compile(r"^\s*[-*]\s+[*`_]*([\w./\- ]+?)[*`_]*\s*[:=]\s*[*`_]*\s*(.*?)\s*[`*_]*$", re.MULTILINE)
PAIR = re.compile(
    r"['\"]?([A-Za-z_][\w.\-]*)['\"]?\s*[=:]\s*('[^']*'|\"[^\"]*\"|\[[^\]]*\]|\([^)]*\)|[^,()\[\]{}\n]+)"
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
    if "|" in body and (rows := ROW.findall(body)):
        return dict(rows)
    if items := ITEM.findall(body):
        return dict(items)
    if body.endswith((")", "}")):
        return {key: value.strip(" '\"") for key, value in PAIR.findall(body)}
    try:
        return parse(body, ".yaml")
    except UnusableError:
        return None
