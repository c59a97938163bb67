"""Blocks of the documents that a program writes: between two marks, renewed by `pytest --update-golden`."""

import re
from pathlib import Path

from tests.conftest import ROOT

PAGES = sorted(
    (
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "benchmarks").glob("*/README.md"),
        ROOT / "sample_runs" / "README.md",
    )
)


def marks(name: str) -> tuple[str, str]:
    """What stands before and after the block of that name."""
    return f"<!-- {name}: begin, written by `pytest --update-golden` -->\n", f"<!-- {name}: end -->"


def block(page: Path, name: str) -> str:
    """What stands in the block of a page.

    Raises:
        ValueError: the page has no such block, or two.
    """
    begin, end = marks(name)
    (found,) = re.findall(
        f"{re.escape(begin)}(.*?){re.escape(end)}", page.read_text(encoding="utf-8"), re.DOTALL
    )
    return str(found)


def renew(page: Path, name: str, content: str) -> None:
    """Write the block of that name anew."""
    begin, end = marks(name)
    text = page.read_text(encoding="utf-8")
    head, _, rest = text.partition(begin)
    page.write_text(f"{head}{begin}{content}{end}{rest.partition(end)[2]}", encoding="utf-8")


def prose(page: Path) -> str:
    """The text of a page without code, quotes, tables and comments."""
    text = re.sub(r"```.*?```|<!--.*?-->", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = (line for line in text.splitlines() if not re.match(r"\s*([|>]|    )", line))
    return "\n".join(lines)
