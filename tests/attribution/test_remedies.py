"""Remedies carry this run's numbers, in the language of its library."""

from dataclasses import replace

import pytest

from spikediag.attribution import remedies
from tests.attribution import cases

RUN = cases.make_run(cases.nll(), cases.mse())


def test_the_batch_of_the_rule() -> None:
    advice = remedies.smaller_batch(256, 418)
    assert advice.code == "batch_size = 64"
    assert "4.0 times less" in str(advice.text)


def test_the_floor_is_half_the_error_per_dimension() -> None:
    assert "0.06" in remedies.sigma_floor(RUN, 0.1, 7).code
    assert "0.05" in remedies.sigma_floor(RUN, None, None).code


def test_the_decay_spans_the_run() -> None:
    assert "T_max=20000" in remedies.decay_rate(RUN).code


def test_more_samples() -> None:
    assert "1,280 samples" in str(remedies.more_samples(256, 418).text)


@pytest.mark.parametrize("library", [None, "hil-serl"])
def test_code_is_written_for_the_library(library: str | None) -> None:
    run = replace(RUN, library=library)
    codes = [
        remedies.sigma_floor(run, 0.1, 7).code,
        remedies.decay_rate(run).code,
        remedies.lower_beta2(run, 0.999).code,
        remedies.clip_gradients(run, 3.2).code,
    ]
    assert all(("optax" in code or "jnp" in code) == (library == "hil-serl") for code in codes)
    assert "3)" in codes[3]
