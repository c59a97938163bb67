"""docs/comparison.md quotes what the tool writes of the sample runs today."""

import re
from functools import cache
from pathlib import Path

import pytest

import spikediag

ROOT = Path(spikediag.__file__).parent.parent
RUNS = ROOT / "sample_runs"
PAGE = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
QUOTES = re.findall(r"^> (.+)$", PAGE, flags=re.MULTILINE)
ROWS = re.findall(r"^\| `bc_.+$", PAGE, flags=re.MULTILINE)


@cache
def report(name: str) -> str:
    return spikediag.diagnose(RUNS / name).to_markdown()


@pytest.mark.parametrize("quote", QUOTES)
def test_a_quoted_line_is_written(quote: str) -> None:
    assert quote in report("bc_single_trajectory") or quote in report("bc_single_trajectory_full")


@pytest.mark.parametrize("row", ROWS)
def test_a_remedy_did_what_the_table_says(row: str) -> None:
    after = RUNS / row.split("`")[1]
    assert row in spikediag.compare(RUNS / "bc_single_trajectory", after).to_markdown()


def test_there_is_something_to_check() -> None:
    assert len(QUOTES) > 15
    assert len(ROWS) == 6
