"""The page of the sample runs says what was measured."""

import pytest

from sample_runs.lab import main_jump, page, randomised_study, study
from sample_runs.lab.study import read
from tests.conftest import SAMPLE_RUNS

ROWS = read()
TRAININGS = randomised_study.read(randomised_study.RESULTS)
MOMENTS = main_jump.read(SAMPLE_RUNS / "lab" / "main_jump.csv")


def test_the_tables_are_those_of_the_measurements(tmp_path):
    written = (SAMPLE_RUNS / "README.md").read_text()
    copy = tmp_path / "README.md"
    copy.write_text(written)
    page.rewrite(copy, ROWS, MOMENTS, TRAININGS)
    assert copy.read_text() == written


def test_a_page_without_a_place_for_a_table_is_refused(tmp_path):
    empty = tmp_path / "README.md"
    empty.write_text("nothing\n")
    with pytest.raises(ValueError, match="no place for the table 'collection'"):
        page.rewrite(empty, ROWS, MOMENTS, TRAININGS)


def test_the_study_has_three_seeds_a_row():
    assert {(row.setting, row.seed) for row in ROWS} == {
        (setting, seed) for setting in study.SETTINGS for seed in study.SEEDS
    }


def test_the_main_jump_is_on_all_transitions_and_not_in_the_error():
    """The study's central reading, from its own numbers."""
    peak = max(MOMENTS, key=lambda moment: moment.dataset_loss)
    first = MOMENTS[0]
    assert peak.dataset_loss - first.dataset_loss > 20
    assert abs(peak.dataset_mse / first.dataset_mse - 1) < 0.05
    assert peak.log_std_min > first.log_std_min - 0.2
