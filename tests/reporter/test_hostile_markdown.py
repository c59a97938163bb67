"""Hostile names in Markdown, judged by a CommonMark parser with GitHub's tables and links."""

import re

import pytest
from markdown_it import MarkdownIt

from spikediag import reporter
from tests.reporter import builders

OURS = re.compile(
    r"</?(details|summary|code|br)>|<img src=\"(overview|finding-\d)\.png\" width=\"900\" alt=\"[^\"<>]*\">"
)


@pytest.fixture(scope="module")
def tokens() -> list:
    (artifact,) = reporter.render(builders.hostile(), ["md"])
    parsed = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(artifact.content.decode())
    return [*parsed, *(child for token in parsed for child in token.children or ())]


def test_no_markup_but_ours(tokens: list) -> None:
    for token in tokens:
        if token.type in {"html_block", "html_inline"}:
            assert "<" not in OURS.sub("", token.content)


def test_no_link_picture_or_emphasis_comes_from_a_name(tokens: list) -> None:
    foreign = [token for token in tokens if token.attrGet("href") != "#appendix"]
    assert not {token.type for token in foreign} & {"link_open", "image", "s_open", "em_open"}


def test_no_heading_or_list_comes_from_a_name(tokens: list) -> None:
    headings = [tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open"]
    assert "heading" not in headings
    assert all(not h.startswith("list") for h in headings)


def test_nothing_invisible_is_left() -> None:
    (artifact,) = reporter.render(builders.hostile(), ["md"])
    text = artifact.content.decode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\u2066]", text)
    assert max(map(len, text.splitlines())) < 4_000
