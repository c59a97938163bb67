"""docs/comparison.md quotes what the tool writes of the sample runs today."""

import re
from functools import cache
from pathlib import Path

import pytest

import spikediag

ROOT = Path(spikediag.__file__).parent.parent
PAGE = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
QUOTES = re.findall(r"^> (.+)$", PAGE, flags=re.MULTILINE)
ROWS = re.findall(r"^\| [^|]*`(bc_\w+)`\)? \| (.+) \|$", PAGE, flags=re.MULTILINE)


@cache
def report(name: str) -> str:
    return spikediag.diagnose(ROOT / "sample_runs" / name).to_markdown()


@pytest.mark.parametrize("quote", QUOTES)
def test_a_quoted_line_is_written(quote: str) -> None:
    assert quote in report("bc_single_trajectory") or quote in report("bc_single_trajectory_full")


@pytest.mark.parametrize(("name", "said"), ROWS)
def test_a_remedy_run_is_reported_as_the_table_says(name: str, said: str) -> None:
    assert f"\n> **{said}" in report(name)


def test_there_is_something_to_check() -> None:
    assert len(QUOTES) > 15
    assert len(ROWS) == 7
