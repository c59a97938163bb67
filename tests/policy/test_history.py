"""A run beside earlier good ones."""

import numpy as np
import pytest

from spikediag.model import CouplingVerdict
from spikediag.policy import Outcome, Policy, history, judge
from spikediag.policy.history import JUMP, LEVEL, RATE, RULES, SCORE
from tests.policy.cases import diagnosis, finding


def noise(seed, level=-15.0, n=2000):
    return np.random.default_rng(seed).normal(level, 0.4, n)


def coupled(n, **changes):
    return [finding(CouplingVerdict.COUPLED, onset_step=100 * i, **changes) for i in range(n)]


def compare(new, earlier, alpha=0.05):
    return history.compare(judge(new, Policy()), earlier, alpha)


def broken(ruling):
    return {rule for breach in ruling.breaches for rule in breach.rules}


def test_a_run_like_the_earlier_ones_passes_and_is_shown_beside_them():
    earlier = [diagnosis(*coupled(2), loss=noise(seed)) for seed in range(5)]
    ruling = compare(diagnosis(*coupled(3), loss=noise(9)), earlier)
    assert ruling.outcome is Outcome.PASSED
    assert ruling.rules[-4:] == RULES
    assert len(ruling.measures) == 4


def test_many_more_spikes_fail():
    earlier = [diagnosis(*coupled(1), loss=noise(seed)) for seed in range(3)]
    assert RATE in broken(compare(diagnosis(*coupled(15), loss=noise(9)), earlier))


def test_more_spikes_pass_where_earlier_runs_differ_as_much():
    earlier = [diagnosis(*coupled(n), loss=noise(n)) for n in (0, 1, 24)]
    assert RATE not in broken(compare(diagnosis(*coupled(15), loss=noise(9)), earlier))


def test_a_worse_spike_score_fails():
    worse = noise(9)
    worse[1100::60] += 20
    earlier = [diagnosis(loss=noise(seed)) for seed in range(3)]
    assert broken(compare(diagnosis(loss=worse), earlier)) == {SCORE}


def test_a_worse_end_fails():
    earlier = [diagnosis(loss=noise(seed)) for seed in range(5)]
    assert broken(compare(diagnosis(loss=noise(9, level=-13)), earlier)) == {LEVEL}
    assert broken(compare(diagnosis(loss=noise(9, level=-17)), earlier)) == set()


def test_a_larger_jump_fails():
    heights = (9.0, 11.0, 10.0, 8.5)
    earlier = [diagnosis(*coupled(1, height=h), loss=noise(n)) for n, h in enumerate(heights)]
    assert JUMP in broken(compare(diagnosis(*coupled(1, height=90.0), loss=noise(9)), earlier))
    assert JUMP not in broken(compare(diagnosis(*coupled(1, height=11.5), loss=noise(9)), earlier))


def test_a_first_jump_among_few_runs_is_a_gap_and_not_a_failure():
    earlier = [diagnosis(loss=noise(seed)) for seed in range(3)]
    ruling = compare(diagnosis(*coupled(1), loss=noise(9)), earlier)
    assert JUMP in {gap.rule for gap in ruling.gaps}
    assert ruling.outcome is Outcome.PASSED


def test_runs_without_a_common_loss_are_not_compared():
    other = diagnosis(loss=np.full(2000, np.nan))
    ruling = compare(diagnosis(), [other])
    assert [gap.rule for gap in ruling.gaps] == [RATE]


def test_short_runs_have_no_spike_score():
    ruling = compare(diagnosis(), [diagnosis(loss=np.resize(noise(1, n=2000), 2000))])
    assert SCORE not in {gap.rule for gap in ruling.gaps}


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_good_runs_fail_no_more_often_than_alpha(alpha):
    rng = np.random.default_rng(4)

    def good():
        return diagnosis(
            *coupled(int(rng.poisson(3))), loss=noise(int(rng.integers(2**31)), rng.normal(-15, 0.2))
        )

    failures = [bool(compare(good(), [good() for _ in range(4)], alpha).breaches) for _ in range(150)]
    assert np.mean(failures) <= alpha + 0.03
