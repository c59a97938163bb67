"""A spike is described by its shape, and nobody is told that it stayed when it came back."""

from dataclasses import replace

import pytest

from spikediag.model import Kind, Spike
from spikediag.phrases import levels, spike_clause

BURST = Spike(
    tag="bc/actor_loss",
    kind=Kind.TRANSIENT,
    start=100,
    stop=103,
    peak=101,
    onset_step=1000,
    peak_step=1010,
    end_step=1030,
    baseline=-15.0,
    peak_value=24.0,
    height=39.0,
    noise=0.5,
    sigmas=78.0,
    expected_by_chance=1e-3,
    count=3,
)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_described_with_its_step_and_what_became_of_it(kind: Kind) -> None:
    back = str(spike_clause(replace(BURST, kind=kind)))
    stayed = str(spike_clause(replace(BURST, kind=kind, end_step=None)))
    assert back.startswith("bc/actor_loss ")
    assert "1,030" not in stayed
    assert kind is Kind.TRAIN or back != stayed
    assert str(levels(replace(BURST, kind=kind))).endswith(".")


def test_numbers_that_came_back_are_not_told_as_lost() -> None:
    spike = replace(BURST, kind=Kind.NON_FINITE)
    assert "one again by step 1,030" in str(spike_clause(spike))
    assert "stopped being a number" in str(spike_clause(replace(spike, end_step=None)))


def test_scatter_that_grew_is_not_told_as_a_rise() -> None:
    said = str(spike_clause(replace(BURST, kind=Kind.VARIANCE)))
    assert "79 times as noisy" in said
    assert "rose" not in said
