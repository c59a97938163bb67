"""What goes with spiking across runs, and what a sweep cannot tell."""

import pytest

from spikediag.sweep.hypotheses import ABOVE_HALF, Answer, across, cells
from tests.sweep.rows import row, sweep

CROSSED = {"batch_size": ([64, 128, 256], 1.2), "learning_rate": ([1e-4, 1e-3], 0.0)}


def by_id(rows):
    return {one.id: one for one in across(rows).hypotheses}


def test_a_setting_that_multiplies_the_rate_is_found_and_another_is_not():
    found = by_id(sweep(CROSSED, seeds=6, random=3))
    batch, rate = found["batch_size"], found["learning_rate"]
    assert batch.answer is Answer.MORE
    assert batch.ratio.low < 3.3 < batch.ratio.high
    assert batch.within_seeds
    assert rate.answer is Answer.NOT_SHOWN
    assert (batch.low, batch.high) == ("64", "256")


def test_the_ratio_above_one_half_is_a_line_of_its_own_wherever_both_facts_are_known():
    rows = sweep({"batch_size": ([64, 256], 1.5), "dataset_size": ([400], 0.0)}, seeds=6, random=1)
    found = by_id(rows)[ABOVE_HALF]
    assert found.answer is Answer.MORE
    assert "batch > half of dataset: more spikes" in str(found.reading)
    one_side = by_id([one for one in rows if one.facts["batch_size"] == 256])[ABOVE_HALF]
    assert one_side.answer is Answer.CANNOT_TELL
    assert "more than half in every run that states both, 6 in all" in str(one_side.reading)
    assert ABOVE_HALF not in by_id(sweep(CROSSED))


def test_settings_that_change_together_are_said_to():
    rows = sweep({"batch_size": ([64, 128, 256], 1.0), "dataset_size": ([418], 0.0)}, seeds=4)
    batch = by_id(rows)["batch_size"]
    assert batch.aliases[0] == ("ratio", pytest.approx(1.0))
    assert "cannot tell them apart" in str(batch.reading)
    assert sum("cannot tell them apart" in str(said) for said in across(rows).told) == 1


def test_settings_that_ask_the_same_are_asked_once():
    rows = sweep({"batch_size": ([64, 256], 1.5), "dataset_size": ([400], 0.0)}, seeds=6, random=1)
    found = by_id(rows)
    assert {one.p_adjusted for one in found.values()} == {one.test.p for one in found.values()}
    assert len(found) == 3


def test_settings_that_are_crossed_are_no_aliases():
    assert by_id(sweep(CROSSED))["batch_size"].aliases == ()


def test_what_was_asked_together_is_adjusted_together():
    found = across(sweep(CROSSED, seeds=3)).tested
    ordered = sorted(found, key=lambda one: one.test.p)
    assert ordered[0].p_adjusted == pytest.approx(min(1, len(found) * ordered[0].test.p))


def test_what_changes_with_the_seed_only_cannot_be_told():
    rows = [
        row(
            str(n),
            facts={"seed": n % 2, "learning_rate": (1e-4, 1e-3)[n % 2], "batch_size": 64 * (1 + n // 4)},
        )
        for n in range(8)
    ]
    found = by_id(rows)
    assert found["learning_rate"].answer is Answer.CANNOT_TELL
    assert "changes with the seed only" in str(found["learning_rate"].reading)
    assert found["batch_size"].answer is not Answer.CANNOT_TELL


def test_seeds_that_never_repeat_are_no_groups():
    rows = [row(str(n), facts={"seed": n, "batch_size": 64 * (1 + n % 2)}) for n in range(8)]
    assert not by_id(rows)["batch_size"].within_seeds


def test_runs_that_hold_the_same_losses_count_once():
    rows = sweep(CROSSED)
    told = across([*rows, *rows[:3]])
    assert told.runs == len(rows)
    assert any("3 of the runs hold the same losses" in str(note) for note in told.notes)


def test_runs_without_an_error_metric_count_only_where_none_has_one():
    rows = sweep(CROSSED)
    half = [row(one.name, **{**vars_of(one), "decoupled": None}) for one in rows[:5]] + rows[5:]
    assert across(half).runs == len(rows) - 5
    none = [row(one.name, **{**vars_of(one), "decoupled": None}) for one in rows]
    assert across(none).runs == len(rows)
    assert not across(none).decoupled_only


def vars_of(one):
    return {"spikes": one.spikes, "facts": one.facts, "content": one.content}


def test_words_are_compared_value_by_value():
    rows = sweep({"optimizer": (["adam", "lion", "sgd"], 2.0)}, seeds=5, random=2)
    found = by_id(rows)["optimizer"]
    assert found.answer is Answer.DIFFERENT
    assert str(cells(found)[1]) == "adam"
    assert str(cells(found)[2]) == "sgd"


def test_words_that_differ_from_run_to_run_are_names():
    rows = [row(str(n), facts={"objective": f"note {n}", "batch_size": 64 * (1 + n % 2)}) for n in range(8)]
    assert set(by_id(rows)) == {"batch_size"}


def test_the_whole_batch_counts():
    rows = [
        row(str(n), facts={"batch_size": 64, "effective_batch_size": 64 * (1 + n % 2), "seed": n})
        for n in range(8)
    ]
    assert (by_id(rows)["batch_size"].low, by_id(rows)["batch_size"].high) == ("64", "128")


def test_without_a_spike_nothing_can_be_told():
    rows = sweep(CROSSED, rate=1e-9)
    assert all(one.answer is Answer.CANNOT_TELL for one in across(rows).hypotheses)
    assert across([]).hypotheses == ()
