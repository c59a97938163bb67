"""Advice carries this run's numbers in the language of its library, in the order of the measured study."""

from dataclasses import replace

import numpy as np
import pytest

from spikediag.attribution import advice
from spikediag.model import Batch, Role
from spikediag.parser.library_presets import presets, remedy_lines
from tests.attribution import cases

RUN = cases.make_run(cases.nll(), cases.mse())
BATCH = RUN.batch


def test_the_batch_of_the_rule() -> None:
    given = advice.smaller_batch(RUN, BATCH)
    assert given.code == "batch_size = 64"
    assert "4.0 times less" in str(given.text)


def test_a_batch_gathered_in_parts_is_made_smaller_in_each() -> None:
    run = cases.make_run(cases.nll(), None, facts={"batch_size": 64, "dataset_size": 418})
    given = advice.smaller_batch(run, Batch(256, 418, "derived: batch 64 x accumulation 4", "d"))
    assert given.code == "batch_size = 16  # of 4 parts"


def test_the_floor_is_half_the_error_per_dimension() -> None:
    assert "0.06" in advice.sigma_floor(RUN, 0.1, 7).code
    assert "0.05" in advice.sigma_floor(RUN, None, None).code


def test_the_decay_spans_the_run() -> None:
    assert "T_max=20000" in advice.decay_rate(RUN).code


def test_more_samples() -> None:
    assert "1,280 samples" in str(advice.more_samples(BATCH).text)


@pytest.mark.parametrize("library", [None, "hil-serl"])
def test_code_is_written_for_the_library(library: str | None) -> None:
    run = replace(RUN, remedy_lines=remedy_lines(presets().get(library)))
    codes = [
        advice.sigma_floor(run, 0.1, 7).code,
        advice.decay_rate(run).code,
        advice.lower_beta2(run).code,
        advice.clip_gradients(run, 3.2).code,
    ]
    assert all(("optax" in code or "jnp" in code) == (library == "hil-serl") for code in codes)
    assert "3)" in codes[3]


def test_the_rate_of_a_decay_is_stated_or_logged_or_left_to_the_user() -> None:
    jax = {"remedy_lines": remedy_lines(presets()["hil-serl"]), "facts": {}}
    logged = cases.series("lr", Role.LEARNING_RATE, np.full(len(cases.STEPS), 2e-4))
    assert "(learning_rate, 20000)" in advice.decay_rate(cases.make_run(cases.nll(), None, **jax)).code
    assert "(0.0002, 20000)" in advice.decay_rate(cases.make_run(cases.nll(), None, logged, **jax)).code


def test_a_beta2_that_nobody_states_is_called_assumed() -> None:
    stated = cases.make_run(cases.nll(), None, facts={"beta2": 0.99})
    assert "from 0.99 to" in str(advice.lower_beta2(stated).text)
    unknown = cases.make_run(cases.nll(), None, facts={})
    assert "from 0.999 (assumed) to" in str(advice.lower_beta2(unknown).text)
