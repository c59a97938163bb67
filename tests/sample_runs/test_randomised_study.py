"""The randomised study: what is drawn, what is trained again, and how it is resumed."""

from dataclasses import replace

import pytest

from sample_runs.lab import randomised_study
from sample_runs.lab.randomised_study import (
    AT_MOST,
    FIRST,
    REMEDIES,
    SPIKING,
    TABLE,
    UNCHANGED,
    draw_recipe,
    is_prone,
    is_test,
    recipe_of,
    retrainings,
)
from tests.sample_runs.trained import trained

NUMBERS = range(60)


def test_a_number_is_always_the_same_recipe():
    assert [draw_recipe(n) for n in NUMBERS] == [draw_recipe(n) for n in NUMBERS]
    assert len({draw_recipe(n) for n in NUMBERS}) == len(NUMBERS)


def test_a_third_is_kept_for_testing_of_prone_and_other_recipes_alike():
    assert sum(is_test(n) for n in NUMBERS) == 20
    assert sum(is_test(n) and is_prone(n) for n in NUMBERS) == 10


def test_a_prone_recipe_has_a_degenerate_dimension_and_nothing_that_prevents_spikes():
    for recipe in map(draw_recipe, filter(is_prone, NUMBERS)):
        assert recipe.task.last_action != "none"
        assert (recipe.beta2, recipe.std_min, recipe.max_grad_norm) == (0.999, 1e-5, None)


def test_a_batch_is_never_larger_than_the_dataset():
    assert all(draw_recipe(n).batch_size <= draw_recipe(n).dataset_size for n in NUMBERS)


@pytest.mark.parametrize("remedy", REMEDIES)
def test_a_remedy_changes_one_setting(remedy):
    changed = [
        (recipe_of((n, UNCHANGED, 1)), recipe_of((n, remedy, 1)))
        for n in NUMBERS
        if recipe_of((n, remedy, 1)) is not None
    ]
    assert changed
    for before, after in changed:
        names = [
            name for name in before.__dataclass_fields__ if getattr(before, name) != getattr(after, name)
        ]
        assert len(names) == 1


def test_only_the_first_recipes_that_spike_are_trained_again():
    calm = [replace(trained(n), spikes=SPIKING - 1) for n in range(10)]
    spiking = [replace(trained(n), spikes=SPIKING) for n in range(10, 10 + AT_MOST + 5)]
    keys = list(retrainings([*calm, *spiking]))
    assert sorted({number for number, _, _ in keys}) == list(range(10, 10 + AT_MOST))
    assert {seed for number, remedy, seed in keys if (number, remedy) == (10, UNCHANGED)} == {1, 2}


def test_what_is_in_the_table_is_not_trained_again(tmp_path):
    curves = tmp_path / "curves"
    curves.mkdir()
    randomised_study._append(tmp_path / TABLE, trained(0))
    assert randomised_study.read(tmp_path / TABLE) == [trained(0)]
    assert list(randomised_study.run(tmp_path, recipes=1, jobs=1)) == []


def test_the_table_that_is_kept_is_in_order(tmp_path):
    for one in (trained(1, "beta2", 2), trained(1, UNCHANGED, 1), trained(1), trained(0)):
        randomised_study._append(tmp_path / TABLE, one)
    kept = randomised_study.keep(tmp_path, tmp_path / "kept.csv")
    assert [t.recipe for t in kept] == [0, 1, 1, 1]
    assert randomised_study.read(tmp_path / "kept.csv") == kept


def test_what_the_page_says_of_degenerate_dimensions_is_in_the_table():
    kept = randomised_study.read(randomised_study.RESULTS)
    assert len({t.recipe for t in kept}) == 200
    assert all(t.spikes == 0 for t in kept if t.remedy == FIRST and t.last_action == "none")
    assert min(t.log_std_gap for t in kept if t.remedy == FIRST and t.spikes) > 1.25
    left = {t.recipe for t in kept if t.remedy == "drop-dimension" and t.spikes}
    assert len(left) == 15
    assert len({t.recipe for t in kept if t.remedy == "drop-dimension"}) == 48
    assert sum(t.spikes >= SPIKING for t in kept if t.remedy == FIRST) >= 40
