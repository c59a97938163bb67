"""A run beside earlier good ones."""

import numpy as np

from spikediag.policy import Policy, history
from spikediag.policy.history import JUMP, LEVEL, RATE, RULES, SCORE
from spikediag.policy.result import CheckOutcome
from spikediag.policy.rules import judge
from tests.policy.cases import diagnosis


def noise(seed, level=-15.0, spikes=0, height=10.0):
    values = np.random.default_rng(seed).normal(level, 0.4, 2000)
    for n in range(spikes):
        values[100 + 30 * n : 103 + 30 * n] += height
    return values


def run(seed, **shape):
    return diagnosis(loss=noise(seed, **shape))


def compare(new, earlier, alpha=0.05):
    return history.against_history(judge(new, Policy()), earlier, alpha)


def broken(result):
    return {rule for breach in result.breaches for rule in breach.rules}


def test_a_run_like_the_earlier_ones_passes_and_is_shown_beside_them():
    result = compare(run(9, spikes=3), [run(seed, spikes=2) for seed in range(5)])
    assert result.outcome is CheckOutcome.PASSED
    assert result.rules[-4:] == RULES
    assert len(result.measures) == 4


def test_many_more_spikes_fail():
    assert RATE in broken(compare(run(9, spikes=15), [run(seed, spikes=1) for seed in range(3)]))


def test_more_spikes_pass_where_earlier_runs_differ_as_much():
    assert RATE not in broken(compare(run(9, spikes=15), [run(n, spikes=n) for n in (0, 1, 24)]))


def test_spikes_are_counted_by_the_ruler_of_the_earlier_runs():
    noisier = np.random.default_rng(3).normal(-15, 4, 2000)
    assert RATE in broken(compare(diagnosis(loss=noisier), [run(seed) for seed in range(3)]))


def test_a_worse_spike_score_fails():
    worse = noise(9)
    worse[1100::60] += 20
    assert SCORE in broken(compare(diagnosis(loss=worse), [run(seed) for seed in range(3)]))


def test_a_worse_end_fails():
    earlier = [run(seed) for seed in range(5)]
    assert broken(compare(run(9, level=-13), earlier)) == {LEVEL}
    assert broken(compare(run(9, level=-17), earlier)) == set()


def test_a_larger_jump_fails():
    earlier = [run(n, spikes=1, height=h) for n, h in enumerate((9.0, 11.0, 10.0, 8.5))]
    assert JUMP in broken(compare(run(9, spikes=1, height=90.0), earlier))
    assert JUMP not in broken(compare(run(9, spikes=1, height=11.5), earlier))


def test_a_first_jump_among_few_runs_is_a_gap_and_not_a_failure():
    result = compare(run(9, spikes=1), [run(seed) for seed in range(3)])
    assert JUMP in {gap.rule for gap in result.gaps}
    assert result.outcome is CheckOutcome.PASSED


def test_a_rank_is_significant_from_as_many_runs_as_the_documentation_says():
    """4 / alpha - 1 earlier runs: of 80 equally good ones each is the highest with a chance of 1 / 80."""
    calm = run(1)
    assert JUMP in broken(compare(run(9, spikes=1), [calm] * 79))
    (gap,) = (g for g in compare(run(9, spikes=1), [calm] * 78).gaps if g.rule == JUMP)
    assert gap.reading.values["needed"] == 79


def test_runs_without_a_common_loss_are_not_compared():
    other = diagnosis(loss=np.full(2000, np.nan))
    result = compare(diagnosis(), [other])
    assert [gap.rule for gap in result.gaps] == [RATE]


def test_short_runs_have_no_spike_score():
    result = compare(diagnosis(), [run(1)])
    assert SCORE not in {gap.rule for gap in result.gaps}


def test_good_runs_fail_no_more_often_than_alpha():
    rng, alpha = np.random.default_rng(4), 0.1

    def good():
        return run(int(rng.integers(2**31)), level=rng.normal(-15, 0.2), spikes=int(rng.poisson(3)))

    failures = [bool(compare(good(), [good() for _ in range(4)], alpha).breaches) for _ in range(60)]
    assert np.mean(failures) <= alpha + 0.02
