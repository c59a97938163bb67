"""A spike is described by its shape, and nobody is told that it stayed when it came back."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag.model import Batch, Kind, Shape, Spike
from spikediag.phrases import batch_share, spike_clause

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
    assert "bc/actor_loss" in back
    assert "1,000" in back
    assert "1,030" in back
    assert "1,030" not in stayed
    assert back != stayed


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind.shape in {Shape.BURST, Shape.LEVEL}])
def test_a_height_that_is_no_number_is_told_as_lost(kind: Kind) -> None:
    spike = replace(BURST, kind=kind, height=np.inf, peak_value=np.inf)
    assert "was not a number" in str(spike_clause(spike))


def test_scatter_that_grew_is_not_told_as_a_rise() -> None:
    said = str(spike_clause(replace(BURST, kind=Kind.VARIANCE)))
    assert said.startswith("The scatter of bc/actor_loss grew")
    assert "rose" not in said


@pytest.mark.parametrize(
    ("samples", "share"), [(256, "61%"), (64, "15.3%"), (32, "7.7%"), (1, "0.2%"), (836, "200%")]
)
def test_the_batch_is_told_as_a_share_with_its_sources(samples: float, share: str) -> None:
    said = str(batch_share(Batch(samples, 418, "--batch-size", "meta.json: samples")))
    assert said == f"Batch {samples} of 418 samples is {share} (--batch-size; meta.json: samples)"
