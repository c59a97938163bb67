"""One run, one leading finding: page, JSON, terminal and picture name the same one and the same cause."""

import json
from dataclasses import replace

import numpy as np
import pytest

import spikediag
from spikediag import reporter
from spikediag.model import Diagnosis, Status, Tier
from spikediag.phrases import answer
from tests.reporter import builders


@pytest.fixture(scope="module")
def two_findings() -> Diagnosis:
    """NaN for ten points from step 1,000 on, and a divergence from step 3,500 on."""
    rng = np.random.default_rng(0)
    steps = np.arange(4_000)
    loss = 1 + rng.normal(0, 0.02, len(steps))
    loss[1_000:1_010] = np.nan
    loss[3_500:] += 0.2 * np.exp(np.linspace(0, 6, 500))
    error = 0.1 + rng.normal(0, 0.001, len(steps))
    return spikediag.diagnose(
        spikediag.Run.from_arrays({"train/loss": (steps, loss), "train/mse": (steps, error)})
    )


def test_every_report_leads_with_the_same_finding_and_cause(two_findings: Diagnosis) -> None:
    page, document = reporter.render(two_findings, ["md", "json"])
    text, data = page.content.decode(), json.loads(document.content)
    terminal = reporter.summary(two_findings)
    lead = next(f for f in data["findings"] if f["id"] == data["verdict"]["leading"])
    assert lead["onset_step"] == 3_500
    assert data["verdict"]["primary_cause"] == lead["primary_cause"] == "unexplained"
    assert terminal.verdict.startswith("train/loss diverged from step 3,500 on")
    assert text.splitlines()[2].startswith("> **`train/loss` diverged from step 3,500 on")
    assert "| **Why, most likely** | **unexplained" in text
    assert terminal.rows[2].value.startswith("unexplained")
    assert reporter.figure(two_findings).axes[0].get_title(loc="right").startswith("F2:")


def test_a_nan_burst_that_came_back_is_not_told_as_lasting(two_findings: Diagnosis) -> None:
    text = reporter.to_markdown(two_findings)
    assert "| F1 | NaN or Inf | `train/loss` | 1,000 | 1,000 | 1,010 |" in text


def test_a_run_without_a_finding_leads_with_none() -> None:
    steps = np.arange(500)
    loss = np.random.default_rng(1).normal(0, 1, 500)
    document = spikediag.diagnose(spikediag.Run.from_arrays({"train/loss": (steps, loss)})).to_dict()
    assert document["verdict"]["leading"] is None


def test_a_headline_gives_no_chance_that_a_row_below_it_exceeds() -> None:
    _, big = builders.findings()
    condition, drift, rate = big.verdicts
    open_rate = replace(rate, status=Status.PLAUSIBLE, share=0.65)
    nobody = replace(drift, cause="unexplained", status=Status.PLAUSIBLE, share=0.08)
    torn = builders.explained(big, verdicts=(open_rate, nobody), primary_cause="unexplained")
    assert str(answer(torn)) == "unexplained; likeliest, but not established: lr-change (65 %)"
    assert str(answer(big)) == f"{condition.cause} (likely)"
    alone = builders.explained(big, verdicts=(nobody,), primary_cause="unexplained")
    assert str(answer(alone)) == "unexplained"


def test_a_mechanism_that_is_supported_is_not_denied_above_its_own_row() -> None:
    big = builders.findings()[1]
    verdict = replace(big.verdicts[0], cause="grad-explosion", tier=Tier.MECHANISM, status=Status.SUPPORTED)
    page = reporter.to_markdown(builders.alone(builders.explained(big, verdicts=(verdict,))))
    assert "Why just then is open" not in page
    assert "Nothing that was logged changed" not in page


def test_a_headline_names_the_finding_that_matters_where_it_is_another() -> None:
    found = builders.mattering_elsewhere()
    lead = found.lead
    assert lead is not None
    assert lead.id == "F2"
    page = reporter.to_markdown(found)
    assert "What matters is F1 at step 17,110: `eval/return` ended worse." in page
    assert "**Yes, because of F1.** F1: `eval/return` ended worse" in page
    assert "What matters" not in reporter.to_markdown(builders.mattering())


def test_of_two_findings_that_harm_the_leading_one_needs_no_other_name() -> None:
    found = builders.mattering_elsewhere()
    own = tuple(replace(outcome, finding="F2") for outcome in found.overall.outcomes)
    both = replace(found, overall=replace(found.overall, outcomes=(*found.overall.outcomes, *own)))
    assert "What matters" not in reporter.to_markdown(both)
    assert "because of" not in reporter.to_markdown(both)
