"""The terminal summary."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag import reporter
from spikediag.errors import UsageError
from spikediag.reporter.terminal import sparkline
from tests.reporter import builders


def test_it_says_what_error_why_matters_and_next() -> None:
    said = reporter.summary(builders.diagnosis())
    assert (
        said.verdict
        == "bc/actor_loss leapt by +39.1 at step 15,260 and came back to within 3.91 of its level "
        "by step 15,310; the error did not move."
    )
    assert [row.label for row in said.rows] == [
        "What jumped",
        "Did the error move?",
        "Why, most likely",
        "Does it matter?",
        "Do this now",
    ]
    assert said.rows[2].value.startswith("large batch (likely). 12,249 passes")
    assert said.rows[4].value.startswith("batch_size = 64. Use a batch of 42 to 83")
    assert said.code is None
    assert said.matters is False


def test_a_calm_run_has_a_verdict_and_no_rows() -> None:
    said = reporter.summary(builders.calm())
    assert (said.verdict, said.code) == ("No loss jumped.", None)
    assert [row.label for row in said.rows] == ["Verdict"]


def test_a_calm_run_says_what_would_have_been_found() -> None:
    row = reporter.summary(builders.searched()).rows[1]
    assert row.label == "What would have been found"
    assert row.value.endswith("+0.05 for good (5.00 sigma), between steps 600 and 19,000.")


def test_nothing_that_a_terminal_would_obey() -> None:
    said = reporter.summary(builders.hostile())
    text = "".join([said.run, said.verdict, said.sparkline_tag, *(r.value for r in said.rows)])
    assert text.isprintable()


def test_sparkline_keeps_the_highest_point_of_each_stretch() -> None:
    values = np.zeros(6_000)
    values[4_321] = 1.0
    line = sparkline(values, 60)
    assert len(line) == 60
    assert line.index("█") == 43
    assert line.count("▁") == 59


@pytest.mark.parametrize(
    ("values", "shown"),
    [([], ""), ([1.0], "▁"), ([np.nan, np.inf], "xx"), ([0.0, np.nan, 7.0], "▁x█")],
)
def test_sparkline_of_awkward_values(values: list[float], shown: str) -> None:
    assert sparkline(np.array(values), 60) == shown


def test_an_unknown_language_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        reporter.summary(builders.calm(), "xx")


def test_the_risks_that_a_calm_headline_counts_are_named() -> None:
    risky = replace(builders.calm(), conditions=builders.diagnosis().conditions)
    assert [row.value for row in reporter.summary(risky).rows if row.label == "Risks"] == [
        "large batch (a large part of the dataset)."
    ]


def test_print_shows_three_lines() -> None:
    lines = repr(builders.diagnosis()).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("bc: bc/actor_loss leapt by +39.1")
    assert lines[2].startswith("Do this now: batch_size = 64.")
    assert repr(builders.calm()) == "calm: No loss jumped.\nVerdict: clean"
