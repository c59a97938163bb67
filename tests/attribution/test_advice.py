"""Advice carries this run's numbers in the language of its library, in the order of the measured study."""

import csv
from collections import defaultdict
from dataclasses import replace

import pytest

from spikediag.attribution import advice
from spikediag.attribution.advice import SPIKES, Remedy, prevented, rank
from spikediag.model import Batch
from spikediag.parser.library_presets import presets, remedy_lines
from tests.attribution import cases
from tests.conftest import SAMPLE_RUNS

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


@pytest.fixture(scope="module")
def measured() -> dict[str, list[int]]:
    spikes = defaultdict(list)
    with (SAMPLE_RUNS / "lab" / "study.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            spikes[row["setting"]].append(int(row["spikes"]))
    return spikes


@pytest.mark.parametrize("setting", SPIKES)
def test_spikes_are_the_mean_of_the_trainings(setting: str, measured: dict[str, list[int]]) -> None:
    seeds = measured[setting]
    assert len(seeds) >= 3
    assert SPIKES[setting] == pytest.approx(sum(seeds) / len(seeds), abs=0.05)


def test_the_remedy_that_left_the_fewest_spikes_comes_first() -> None:
    assert rank(Remedy.FLOOR) == 1
    assert rank(Remedy.SMALL_BATCH) < rank(Remedy.DECAY) < rank(Remedy.WEIGHTED)


def test_a_remedy_that_did_not_help_prevented_nothing() -> None:
    assert prevented(Remedy.MORE_SAMPLES) == 0
    assert 0.8 < prevented(Remedy.SMALL_BATCH) < 0.9
