"""The pandas tables."""

import pytest

from spikediag import reporter
from spikediag.errors import UsageError
from tests.reporter import builders


def test_findings_have_a_row_each() -> None:
    frame = reporter.to_frame(builders.diagnosis())
    assert list(frame.index) == ["F1", "F2"]
    assert frame.loc["F2", "jump"] == 39.1
    assert frame.loc["F2", "coupling"] == "decoupled"
    assert frame.loc["F2", "companion"] == "bc/mse"


def test_causes_are_counted_for_against_and_missing() -> None:
    frame = reporter.to_frame(builders.diagnosis(), "causes")
    row = frame.loc[("F2", "batch-ratio")]
    assert (row["for"], row["against"], row["missing"], row["primary"]) == (1, 1, 0, True)
    assert frame.loc[("F2", "log-std-drift"), "missing"] == 1


def test_conditions_carry_their_reading() -> None:
    frame = reporter.to_frame(builders.diagnosis(), "conditions")
    assert frame.loc["batch-ratio", "reading"].startswith("batch 256 of 418")


def test_witnesses_carry_their_lag() -> None:
    frame = reporter.to_frame(builders.diagnosis(), "witnesses")
    assert frame.loc[("F2", "bc/grad_norm"), "lag"] == 50
    assert frame.loc[("F2", "bc/kl"), "lag"] == -20


@pytest.mark.parametrize("table", ["findings", "causes", "witnesses", "conditions"])
def test_a_calm_run_has_the_same_columns_and_no_rows(table: str) -> None:
    calm, full = (reporter.to_frame(d, table) for d in (builders.calm(), builders.diagnosis()))
    assert list(calm.columns) == list(full.columns)
    assert calm.index.names == full.index.names
    assert len(calm) == 0


def test_an_unknown_table_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="findings, causes, witnesses, conditions"):
        reporter.to_frame(builders.calm(), "spikes")
