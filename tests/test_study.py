"""What the study measured is said with the same numbers wherever it is said."""

import re

import pytest

import spikediag
from spikediag import study
from spikediag.stats.rates import Counts, dispersion
from spikediag.study import Remedy
from tests.conftest import ROOT, SAMPLE_RUNS

BEGIN = "<!-- which remedy works: begin, written by `pytest --update-golden` -->\n"
END = "<!-- which remedy works: end -->"
BLOCK = re.compile(f"{re.escape(BEGIN)}(.*?){re.escape(END)}", flags=re.DOTALL)
PAGES = (ROOT / "README.md", ROOT / "docs" / "compare.md", ROOT / "docs" / "comparison.md")


def verdicts() -> dict[str, str]:
    rows = [[cell.strip() for cell in line.split("|")] for line in study.table().splitlines()[3:]]
    return {row[1]: row[7] for row in rows}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_shows_the_one_table(page, update_golden) -> None:
    table, text = f"\n{study.table()}\n", page.read_text(encoding="utf-8")
    if update_golden:
        text = BLOCK.sub(lambda _: f"{BEGIN}{table}{END}", text)
        page.write_text(text, encoding="utf-8")
    assert BLOCK.findall(text) == [table]


def test_no_page_counts_the_spikes_of_a_remedy_elsewhere() -> None:
    for page in PAGES:
        rest = BLOCK.sub("", page.read_text(encoding="utf-8"))
        assert not re.search(r"^\| `?bc_\w+`? \| \d", rest, flags=re.MULTILINE)


def test_what_the_pages_say_of_the_table_is_true() -> None:
    improved = {name for name, verdict in verdicts().items() if verdict == "improved"}
    works = (Remedy.FLOOR, Remedy.CLIP, Remedy.BETA2, Remedy.SMALLEST_BATCH, Remedy.SMALL_BATCH, Remedy.DECAY)
    assert improved == set(works)
    assert verdicts()[Remedy.MORE_SAMPLES] == "worse"
    assert verdicts()[Remedy.WEIGHTED] == verdicts()[Remedy.HALF_BATCH] == "no detectable change"
    ends = {remedy: sum(row.mse for row in study.trainings(remedy)) for remedy in Remedy}
    assert min(ends, key=ends.__getitem__) is Remedy.FLOOR
    assert ends[Remedy.NONE] < ends[Remedy.DECAY] < ends[Remedy.WEIGHTED]


def test_reports_quote_the_numbers_of_the_table() -> None:
    said = spikediag.diagnose(SAMPLE_RUNS / "bc_single_trajectory").to_markdown()
    cells = dict(re.findall(r"^\| ([^|]+) \| (\d+, \d+, \d+) \|", study.table(), flags=re.MULTILINE))
    quoted = re.findall(r"In the measured study: ([\d, ]+) spikes in three trainings instead of", said)
    assert len(quoted) == 7
    assert set(quoted) <= set(cells.values())
    assert said.count(f"instead of {cells[Remedy.NONE]}.") == 7


def test_the_remedy_that_left_the_fewest_spikes_comes_first() -> None:
    assert study.rank(Remedy.FLOOR) == 1
    assert study.rank(Remedy.SMALL_BATCH) < study.rank(Remedy.DECAY) < study.rank(Remedy.WEIGHTED)


def test_a_remedy_that_did_not_help_prevented_nothing() -> None:
    assert study.prevented(Remedy.MORE_SAMPLES) == 0
    assert 0.8 < study.prevented(Remedy.SMALL_BATCH) < 0.9


def test_the_rows_differ_no_more_than_chance_and_the_stated_dispersion_is_what_they_do_not_exclude() -> None:
    rows: dict[str, list[int]] = {}
    for row in study.read():
        rows.setdefault(row.setting, []).append(row.spikes)
    assert {len(seeds) for seeds in rows.values()} == {3}
    assert dispersion(*(Counts(tuple(seeds), (1.0,) * 3) for seeds in rows.values())) == 1
    assert study.dispersion() == pytest.approx(1.35, abs=0.006)
