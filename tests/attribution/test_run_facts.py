"""What the configuration says, asked by meaning."""

import pytest

from spikediag.attribution.run_facts import batch_share, sampling
from spikediag.model import Batch
from tests.attribution import cases


@pytest.mark.parametrize(
    ("samples", "share"), [(256, "61%"), (64, "15.3%"), (32, "7.7%"), (1, "0.2%"), (836, "200%")]
)
def test_the_batch_is_told_as_a_share_with_its_sources(samples: float, share: str) -> None:
    said = str(batch_share(Batch(samples, 418, "--batch-size", "meta.json: samples")))
    assert said == f"Batch {samples} of 418 samples is {share} (--batch-size; meta.json: samples)"


def test_no_batch_is_drawn_where_nothing_is_known_or_no_update_was_made() -> None:
    assert sampling(cases.make_run(cases.nll(), None, facts={})) is None
    assert sampling(cases.make_run(cases.nll(), None), 0) is None
    drawn = sampling(cases.make_run(cases.nll(), None), 10_000)
    assert drawn is not None
    assert drawn.passes == pytest.approx(10_000 * 256 / 418)
