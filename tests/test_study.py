"""What the laboratory's studies measured is said with the same numbers wherever it is said."""

import re

import pytest

from sample_runs.lab import randomised_study, study
from sample_runs.lab.randomised_page import remedied
from spikediag.comparison.compare import DISPERSION
from spikediag.stats.rates import Counts, dispersion
from tests import documents
from tests.conftest import ROOT

NAME = "which remedy works"
TABLES = {
    ROOT / "docs" / "remedies.md": lambda: remedied(randomised_study.read(randomised_study.RESULTS)),
    ROOT / "docs" / "comparison.md": study.table,
}


def verdicts() -> dict[str, str]:
    rows = [[cell.strip() for cell in line.split("|")] for line in study.table().splitlines()[3:]]
    return {row[1]: row[7] for row in rows}


@pytest.mark.parametrize("page", TABLES, ids=lambda page: page.name)
def test_every_page_shows_its_table(page, update_golden) -> None:
    table = f"\n{TABLES[page]()}\n"
    if update_golden:
        documents.renew(page, NAME, table)
    assert documents.block(page, NAME) == table


def test_no_page_counts_the_spikes_of_a_remedy_elsewhere() -> None:
    for page in (*TABLES, ROOT / "README.md", ROOT / "docs" / "compare.md"):
        rest = page.read_text(encoding="utf-8")
        if page in TABLES:
            rest = rest.replace(documents.block(page, NAME), "")
        assert not re.search(r"^\| `?bc_\w+`? \| \d", rest, flags=re.MULTILINE)


def test_what_the_pages_say_of_the_table_is_true() -> None:
    improved = {name for name, verdict in verdicts().items() if verdict == "improved"}
    working = ("sigma-floor", "grad-clip", "beta2", "smaller-batch", "lr-decay")
    assert improved == {"batch 32", *(study.REMEDIES[name] for name in working)}
    more, weighted, decay, floor = (
        study.REMEDIES[name] for name in ("more-data", "weighted-sampling", "lr-decay", "sigma-floor")
    )
    assert verdicts()[more] == "worse"
    assert verdicts()[weighted] == verdicts()["batch 128"] == "no detectable change"
    ends = {name: sum(row.mse for row in study.trainings(name)) for name in study.SETTINGS}
    assert min(ends, key=ends.__getitem__) == floor
    assert ends[decay] / ends[study.REFERENCE] == pytest.approx(1.14, abs=0.01)
    assert ends[decay] < ends[weighted]


def test_the_rows_differ_no_more_than_chance_and_the_stated_dispersion_is_what_they_do_not_exclude() -> None:
    rows: dict[str, list[int]] = {}
    for row in study.read():
        rows.setdefault(row.setting, []).append(row.spikes)
    assert {len(seeds) for seeds in rows.values()} == {3}
    assert dispersion(*(Counts(tuple(seeds), (1.0,) * 3) for seeds in rows.values())) == 1
    assert study.dispersion() == pytest.approx(DISPERSION, abs=0.006)
