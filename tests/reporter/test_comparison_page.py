"""Pages quote what the tool writes today; `--update-golden` renews the numbers."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT, diagnosed

PAGES = [ROOT / "docs" / "comparison.md", ROOT / "docs" / "report.md", ROOT / "README.md"]
QUOTES = [
    (page, quote)
    for page in PAGES
    for quote in re.findall(r"^> (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
]
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


def renew(page: Path, old: str, new: str) -> None:
    page.write_text(page.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(("page", "quote"), QUOTES, ids=lambda value: getattr(value, "stem", value))
def test_a_quoted_line_is_written(page: Path, quote: str, update_golden: bool) -> None:
    if any(quote in report(name) for name in CASE):
        return
    now = today(quote, tuple(report(name) for name in CASE))
    if update_golden and now:
        renew(page, f"> {quote}", f"> {now}")
    else:
        assert quote == now


@pytest.mark.parametrize(("page", "fewest"), list(zip(PAGES, (15, 4, 1), strict=True)))
def test_there_is_something_to_check(page: Path, fewest: int) -> None:
    assert sum(where == page for where, _ in QUOTES) >= fewest
