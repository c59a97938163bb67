"""docs/comparison.md quotes what the tool writes today; `--update-golden` renews the numbers."""

import re
from functools import cache

import pytest

from tests.conftest import ROOT, diagnosed

PAGE = ROOT / "docs" / "comparison.md"
QUOTES = re.findall(r"^> (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
NUMBER = re.compile(r"[-+±]?\d[\d.,]*(?:e[-+]?\d+)?")
CASE = ("bc_single_trajectory", "bc_single_trajectory_full")


@cache
def report(name: str) -> str:
    return diagnosed(name).to_markdown()


def today(quote: str, texts: tuple[str, ...]) -> str | None:
    """The same words with today's numbers; None when the tool no longer says them."""
    words = NUMBER.pattern.join(re.escape(part) for part in NUMBER.split(quote))
    found = (re.search(words, text) for text in texts)
    return next((match[0] for match in found if match), None)


def renew(old: str, new: str) -> None:
    PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("quote", QUOTES)
def test_a_quoted_line_is_written(quote: str, update_golden: bool) -> None:
    if any(quote in report(name) for name in CASE):
        return
    now = today(quote, tuple(report(name) for name in CASE))
    if update_golden and now:
        renew(f"> {quote}", f"> {now}")
    else:
        assert quote == now


def test_there_is_something_to_check() -> None:
    assert len(QUOTES) > 15
