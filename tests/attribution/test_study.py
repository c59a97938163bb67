"""The figures behind the order of remedies are those of the measured study."""

import csv
from collections import defaultdict

import pytest

from spikediag.attribution import study
from tests.conftest import SAMPLE_RUNS


@pytest.fixture(scope="module")
def measured() -> dict[str, list[int]]:
    spikes = defaultdict(list)
    with (SAMPLE_RUNS / "lab" / "study.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            spikes[row["setting"]].append(int(row["spikes"]))
    return spikes


@pytest.mark.parametrize("setting", study.SPIKES)
def test_spikes_are_the_mean_of_the_trainings(setting: str, measured: dict[str, list[int]]) -> None:
    seeds = measured[setting]
    assert len(seeds) >= 3
    assert study.SPIKES[setting] == pytest.approx(sum(seeds) / len(seeds), abs=0.05)


def test_the_remedy_that_left_the_fewest_spikes_comes_first() -> None:
    assert study.rank(study.FLOOR) == 1
    assert study.rank(study.SMALL_BATCH) < study.rank(study.DECAY) < study.rank(study.WEIGHTED)


def test_a_remedy_that_did_not_help_prevented_nothing() -> None:
    assert study.prevented(study.MORE_SAMPLES) == 0
    assert 0.8 < study.prevented(study.SMALL_BATCH) < 0.9
