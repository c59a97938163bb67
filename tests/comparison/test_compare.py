"""Two sides compared: verdict, levels, cost, settings."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from spikediag import comparison
from spikediag.comparison import Cost, Group, SpikeEffect, figure_rows
from spikediag.comparison.compare import DISPERSION
from spikediag.errors import UsageError
from spikediag.model import Measure, RunStatus
from spikediag.stats.rates import Counts, rate_ratio
from spikediag.wording.writer import in_english
from tests.policy.cases import diagnosis


def spiky(spikes, seed, level=-15.0):
    """Noise of 0.4 around a level, with this many spikes of 20, at steps 1,000, 1,300 and so on."""
    values = np.random.default_rng(seed).normal(level, 0.4, 2000)
    for n in range(spikes):
        values[100 + 30 * n : 103 + 30 * n] += 20.0
    return values


def training(spikes=0, seed=0, *, level=-15.0, error=0.1, status=None, **facts):
    """A training with this many spikes, whose loss and error end at these levels."""
    made = diagnosis(loss=spiky(spikes, seed, level), status=status, **facts)
    errors = np.random.default_rng(seed).normal(error, 0.01, 2000)
    mse = replace(made.run.series["bc/mse"], values=errors)
    return replace(made, run=replace(made.run, series={**made.run.series, "bc/mse": mse}))


def compare(before, after, unit="step", min_height=0.0):
    sides = [tuple(side) if isinstance(side, list) else (side,) for side in (before, after)]
    groups = [Group(name, side) for name, side in zip(("before", "after"), sides, strict=True)]
    return comparison.compare(groups[0], groups[1:], unit, min_height)[0]


def test_far_fewer_spikes_are_improved():
    c = compare(training(19), training(1, 1))
    assert c.outcome is SpikeEffect.IMPROVED
    assert (c.before.counts.total, c.after.counts.total) == (19, 1)
    assert c.ratio.value == pytest.approx(1 / 19)
    assert "improved" in in_english(c.summary)


def test_far_more_are_worse():
    assert compare(training(1), training(19, 1)).outcome is SpikeEffect.WORSE


def test_a_few_fewer_are_no_detectable_change_and_the_detectable_effect_is_said():
    c = compare(training(9), training(5, 1))
    assert c.outcome is SpikeEffect.NO_DETECTABLE_CHANGE
    assert c.detectable < 0.5
    assert f"{c.detectable:.0%}" in " ".join(in_english(n) for n in c.notes)


def test_with_three_spikes_not_even_none_after_would_be_detected():
    c = compare(training(3), training(0, 1))
    assert (c.outcome, c.detectable) == (SpikeEffect.NO_DETECTABLE_CHANGE, None)


def test_two_calm_trainings_have_nothing_to_improve():
    c = compare(training(), training(0, 1))
    assert c.outcome is SpikeEffect.NO_DETECTABLE_CHANGE
    assert "nothing to improve" in in_english(c.summary)
    assert math.isnan(c.ratio.value)


def test_a_divergence_is_worse_whatever_the_rate():
    lost = training(1, 1, status=RunStatus.DIVERGED)
    c = compare(training(19), lost)
    assert c.outcome is SpikeEffect.WORSE
    assert "diverged" in in_english(c.summary)


def test_seeds_are_pooled_and_their_spread_counts():
    wild = [training(n, n) for n in (24, 20, 2)]
    calm = [training(n, 50 + n) for n in (9, 10, 11)]
    c = compare(wild, calm)
    assert c.before.counts.events == (24, 20, 2)
    assert c.ratio.dispersion > 4
    assert c.outcome is SpikeEffect.NO_DETECTABLE_CHANGE
    assert (
        compare([training(n, n) for n in (15, 16, 15)], [training(n, 9) for n in (5, 4, 3)]).ratio.dispersion
        == 1
    )


def test_one_training_a_side_carries_no_verdict_that_seeds_could_undo():
    """13 against 4: the interval of Poisson counts excludes 1, that of counts varying like seeds does not."""
    c = compare(training(13), training(4, 1))
    assert c.outcome is SpikeEffect.NO_DETECTABLE_CHANGE
    assert c.ratio.dispersion == DISPERSION
    assert c.ratio.low < 1 < c.ratio.high
    assert (
        compare([training(13), training(13, 2)], [training(4, 1), training(4, 3)]).outcome
        is SpikeEffect.IMPROVED
    )


def test_without_an_effect_one_training_a_side_seldom_finds_one():
    """Counts with the dispersion that is stated: at most 5 % of comparisons find what is not there."""
    rng, clump = np.random.default_rng(7), DISPERSION - 1
    counts = rng.negative_binomial(13 / clump, 1 / (1 + clump), (2000, 2))
    found = [rate_ratio(*(Counts((int(k),), (1.0,)) for k in pair), spread=DISPERSION).p for pair in counts]
    assert np.mean(np.array(found) <= 0.05) <= 0.05


def test_of_several_remedies_each_answers_for_all():
    base, good, others = training(19), training(6, 1), [training(n, n) for n in (18, 17, 20, 16)]
    alone = compare(base, good)
    assert alone.outcome is SpikeEffect.IMPROVED
    first, *_ = comparison.compare(Group("before", (base,)), [Group("x", (d,)) for d in (good, *others)])
    assert first.p == pytest.approx(5 * alone.ratio.p)
    assert first.outcome is SpikeEffect.NO_DETECTABLE_CHANGE
    assert any("Holm" in in_english(n) for n in first.notes)


def test_the_side_before_has_one_count_whatever_it_is_held_against():
    base = training(12)
    short = training(2, 3)
    cut = {
        tag: replace(s, steps=s.steps[:900], values=s.values[:900], wall_times=s.wall_times[:900])
        for tag, s in short.run.series.items()
    }
    short = replace(short, run=replace(short.run, series=cut))
    family = comparison.compare(Group("b", (base,)), [Group("x", (d,)) for d in (training(3, 1), short)])
    assert len({(c.before.counts.events, c.height, c.end) for c in family}) == 1
    slightly = diagnosis(loss=np.random.default_rng(5).normal(-15, 0.5, 2000))
    assert compare(base, slightly).height == compare(base, training(0, 1)).height


def test_the_same_training_on_both_sides_is_said():
    c = compare(training(9), training(9))
    assert "are the same training" in in_english(c.summary)
    assert c.outcome is SpikeEffect.NO_DETECTABLE_CHANGE
    assert c.notes == ()
    both = compare([training(9), training(8, 1)], [training(8, 1), training(7, 2)])
    assert any("counts on both sides" in in_english(n) for n in both.notes)


def test_the_same_training_twice_on_one_side_is_said():
    c = compare([training(9), training(9)], [training(8, 1)])
    assert any("it counts twice" in in_english(n) for n in c.notes)
    assert not any("it counts twice" in in_english(n) for n in compare(training(9), training(8, 1)).notes)


def test_passes_of_an_accumulated_batch_are_those_of_the_samples_seen():
    made = training(19, batch_size=64, effective_batch_size=256, dataset_size=418)
    assert compare(made, training(1, 1, batch_size=256, dataset_size=418), unit="pass").end == pytest.approx(
        19_990 * 256 / 418
    )


def test_both_sides_are_held_to_one_ruler():
    """A spike of 3 stands out of noise of 0.1 and drowns in noise of 1: it counts on neither side."""
    quiet, loud = np.random.default_rng(1).normal(0, 0.1, 2000), np.random.default_rng(2).normal(0, 1, 2000)
    quiet[500:503] += 3
    c = compare(diagnosis(loss=quiet), diagnosis(loss=loud))
    assert c.height == pytest.approx(5, rel=0.1)
    assert (c.before.counts.total, c.after.counts.total) == (0, 0)
    assert compare(diagnosis(loss=quiet), diagnosis(loss=quiet)).before.counts.total == 1


def test_spikes_below_the_bound_are_not_counted_and_those_without_a_height_are():
    values = spiky(3, 1)
    values[1500:1510] = np.nan
    c = compare(diagnosis(loss=values), diagnosis(), min_height=25.0)
    assert (c.before.counts.total, c.before.largest) == (1, math.inf)
    assert c.height == 25


def test_only_the_common_stretch_of_steps_is_compared():
    long, short = training(19), training(0, 1)
    cut = {tag: replace(s, steps=s.steps // 10) for tag, s in short.run.series.items()}
    c = compare(long, replace(short, run=replace(short.run, series=cut)))
    assert (c.start, c.end) == (0, 1999)
    assert c.before.counts.total == 4
    assert any("Points are 10 and 1 apart" in in_english(n) for n in c.notes)


def test_passes_are_steps_times_batch_over_dataset():
    before = training(19, batch_size=256, dataset_size=418)
    after = training(1, 1, batch_size=32, dataset_size=418)
    c = compare(before, after, unit="pass")
    assert c.end == pytest.approx(19_990 * 32 / 418)
    assert c.before.counts.total == 5  # up to step 2,200 of 2,498
    assert c.after.counts.total == 1


@pytest.mark.parametrize(
    ("facts", "missing"), [({"batch_size": 256}, "dataset_size"), ({"dataset_size": 418}, "batch_size")]
)
def test_passes_that_cannot_be_computed_say_what_is_missing(facts, missing):
    with pytest.raises(UsageError, match=missing):
        compare(training(**facts), training(), unit="pass")


def test_an_unknown_axis_and_runs_without_a_common_loss_are_errors():
    with pytest.raises(UsageError, match="step or pass"):
        compare(training(), training(), unit="epoch")
    with pytest.raises(UsageError, match="share no loss"):
        compare(training(), diagnosis(loss=np.full(2000, np.nan)))


@pytest.mark.parametrize(
    ("error", "cost"), [(0.1, Cost.NONE), (0.05, Cost.NONE), (0.103, Cost.NONE), (0.15, Cost.PAID)]
)
def test_what_the_remedy_cost(error, cost):
    c = compare(training(19), training(0, 1, error=error))
    assert c.cost is cost
    assert c.companion.after == pytest.approx(error, abs=0.002)


@pytest.mark.parametrize(
    ("spikes", "error", "headline"),
    [
        (0, 0.1, "improved"),
        (0, 0.4, "fewer spikes, but the error ends worse"),
        (19, 0.4, "no detectable change in spikes, but the error ends worse"),
    ],
)
def test_a_worse_error_stands_in_the_headline(spikes, error, headline):
    assert str(compare(training(19), training(spikes, 1, error=error)).headline) == headline


def test_an_accuracy_costs_when_it_falls():
    def scored(level, seed):
        made = training(0, seed, error=level)
        curve = replace(made.run.series["bc/mse"], measure=Measure.ACCURACY)
        return replace(made, run=replace(made.run, series={**made.run.series, "bc/mse": curve}))

    assert compare(scored(0.8, 1), scored(0.4, 2)).cost is Cost.PAID
    assert compare(scored(0.4, 1), scored(0.8, 2)).cost is Cost.NONE


def test_without_a_companion_the_cost_is_not_logged():
    bare = diagnosis(companion=False)
    assert compare(bare, bare).cost is Cost.NOT_LOGGED


def test_an_error_on_held_out_samples_is_preferred():
    made = training()
    curve = replace(made.run.series["bc/mse"], tag="eval/mse")
    both = replace(made, run=replace(made.run, series={**made.run.series, "eval/mse": curve}))
    assert compare(both, both).companion.tag == "eval/mse"


def test_one_training_a_side_says_so():
    c = compare(training(5), training(5, 1))
    assert any("One training a side" in in_english(n) for n in c.notes)
    assert "another seed may differ" in in_english(c.loss.basis)


def test_the_interval_of_a_final_level_covers_between_seeds():
    """Seeds whose levels scatter by 0.3: the interval holds the true difference of 1 in 95 % of cases."""
    rng = np.random.default_rng(8)

    def side(level):
        return [training(0, int(rng.integers(2**31)), level=rng.normal(level, 0.3)) for _ in range(3)]

    changes = [compare(side(-15.0), side(-14.0)).loss for _ in range(40)]
    assert np.mean([c.low <= 1 <= c.high for c in changes]) >= 0.9


def test_settings_are_ranked_by_what_could_explain_the_change():
    before = training(batch_size=256, dataset_size=418, sigma_min=1e-5, beta1=0.9)
    after = training(1, batch_size=32, dataset_size=418, sigma_min=0.05)
    assert [d.name for d in compare(before, after).differences] == ["sigma_min", "batch_size"]


def test_what_one_side_does_not_say_is_no_difference():
    stated, silent = training(beta2=0.999, batch_size=64), training(seed=1, batch_size=32)
    assert [d.name for d in compare(stated, silent).differences] == ["batch_size"]
    assert [d.name for d in compare([stated, silent], training(beta2=0.9)).differences] == []


def test_json_is_strict_and_named(tmp_path):
    c = compare(training(0), training(3, 1))
    said = json.loads(json.dumps(comparison.to_dict(c), allow_nan=False))
    assert said["schema"] == "spikediag.comparison/1"
    assert said["rate_ratio"]["high"] is None
    assert said["verdict"]["outcome"] == "no_detectable_change"


def test_markdown_escapes_what_came_with_the_run():
    hostile = "<script>|`\n# pwned"
    (c,) = comparison.compare(Group(hostile, (training(9),)), [Group("after", (training(0, 1),))])
    page = comparison.to_markdown([c])
    assert "<script>" not in page
    assert "\n# pwned" not in page
    lines = [line for line in comparison.sides_table([c]).splitlines() if line]
    assert {line.count("|") - line.count("\\|") for line in lines} == {9}


def test_one_table_for_many_remedies():
    base = training(19)
    made = [compare(base, training(n, n + 1)) for n in (0, 10, 40)]
    verdicts = [line.split("|")[7].strip() for line in comparison.sides_table(made).splitlines()[2:]]
    assert verdicts == ["", "improved", "no detectable change", "worse"]


def test_the_files_are_the_same_bytes_twice():
    made = [compare(training(5), training(0, 1))]
    assert comparison.artifacts(made) == comparison.artifacts(made)
    assert [a.name for a in comparison.artifacts(made)] == [
        "comparison.md",
        "comparison.json",
        "comparison.png",
    ]


def test_the_figure_has_a_row_for_each_side_and_marks_its_jumps():
    from spikediag.reporter.comparison_figure import comparison_figure

    c = compare([training(5), training(2, 3)], training(0, 1))
    figure = comparison_figure(figure_rows([c]), "bc/actor_loss", "bc/mse", "step")
    assert len(figure.axes) == 4
    assert (
        figure.axes[0].get_title(loc="left")
        == f"before: 7 spikes, up to {c.before.largest:.3g} in 2 trainings"
    )
    marks = [line for line in figure.axes[0].lines if line.get_marker() == "v"]
    assert [len(m.get_xdata()) for m in marks] == [5, 2]
    assert figure.axes[0].get_ylim() == figure.axes[2].get_ylim()


def test_a_loss_that_is_not_finite_at_the_end_has_no_level():
    values = np.random.default_rng(1).normal(-15, 0.4, 2000)
    values[1700:] = np.nan
    c = compare(training(3), diagnosis(loss=values))
    assert math.isnan(c.loss.after)
    assert comparison.to_dict(c)["loss"]["after"] is None
    assert "?" in comparison.to_markdown([c])


def test_the_python_api_takes_diagnoses_runs_and_lists():
    import spikediag

    c = spikediag.compare([training(19)], training(1, 1).run)
    assert c.after.counts.total == 1
    assert spikediag.compare(training(9), [training(9), training(8)]).to_dict()["after"]["spikes"] == [9, 8]
    assert "Did it help?" in c.to_markdown()
    assert c.to_png().startswith(b"\x89PNG")
