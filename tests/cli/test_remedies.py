"""The table of which remedy works, wherever a page shows it, is what the tool writes."""

import re

import pytest

from spikediag.cli import entry
from tests.conftest import ROOT, SAMPLE_RUNS

BEGIN = "<!-- which remedy works: begin, written by `pytest --update-golden` -->\n"
END = "<!-- which remedy works: end -->"
BLOCK = re.compile(f"{re.escape(BEGIN)}(.*?){re.escape(END)}", flags=re.DOTALL)
REMEDIES = ("batch_64", "batch_32", "all_trajectories", "lr_decay", "sigma_floor", "weighted_sampling")


@pytest.fixture(scope="module")
def pages():
    return [p for p in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")) if BEGIN in p.read_text("utf-8")]


def test_the_table_is_what_the_tool_writes(capsys, update_golden, pages):
    after = [str(SAMPLE_RUNS / f"bc_{name}") for name in REMEDIES]
    assert entry.run(["compare", str(SAMPLE_RUNS / "bc_single_trajectory"), *after, "--table"]) == 0
    table = f"\n{capsys.readouterr().out}\n"
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        if update_golden:
            text = BLOCK.sub(lambda _: f"{BEGIN}{table}{END}", text)
            page.write_text(text, encoding="utf-8")
        assert BLOCK.findall(text) == [table]


def test_what_the_page_says_of_the_table_is_true(capsys):
    after = [str(SAMPLE_RUNS / f"bc_{name}") for name in REMEDIES]
    assert entry.run(["compare", str(SAMPLE_RUNS / "bc_single_trajectory"), *after, "--table"]) == 0
    rows = [
        [cell.strip(" `") for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()[3:]
    ]
    verdicts = {row[1].removeprefix("bc_"): row[7] for row in rows}
    improved = {name for name, verdict in verdicts.items() if verdict == "improved"}
    assert improved == {"sigma_floor"}
    highs = {row[1].removeprefix("bc_"): float(row[3].rpartition(" to ")[2].rstrip(")")) for row in rows}
    assert {name for name, high in highs.items() if high < 1} == {"batch_32", "lr_decay", "sigma_floor"}
    values = {row[1].removeprefix("bc_"): float(row[3].split()[0]) for row in rows}
    assert all(0.25 < values[name] < 0.4 for name in ("batch_64", "batch_32", "lr_decay"))
    costs = {row[1].removeprefix("bc_"): row[8] for row in rows}
    assert costs["lr_decay"] == "ends more than 10 % worse"
    (floor,) = (row for row in rows if row[1] == "bc_sigma_floor")
    assert floor[2] == "0"
