"""What the likelihood proves about sigma, and the exact decomposition."""

import numpy as np
import pytest

from spikediag.attribution import explain
from spikediag.attribution.nll_algebra import algebra, components
from spikediag.model import Kind, Measure, Reduction, Role, Transform
from tests.attribution import cases


def test_the_users_case_says_why_the_error_did_not_move() -> None:
    said = [str(text) for text in algebra(cases.seed_case())]
    assert any("cannot go below -5.0" in text for text in said)
    assert any("12 times its level" in text for text in said)
    assert any("some sigma is" in text for text in said)
    assert any("errors are" in text for text in said)


def test_without_the_dimension_the_certificate_names_those_it_holds_for() -> None:
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), facts={})
    (floor, *_) = algebra(cases.make_case(run))
    assert "impossible for up to 15 action dimensions" in str(floor)


def test_a_loss_that_is_no_likelihood_proves_nothing() -> None:
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse())
    other = cases.series("bc/actor_loss", Role.LOSS, cases.nll({cases.AT: 39}), measure=Measure.VALUE)
    run = type(run)(run.path, run.name, {**run.series, other.tag: other}, run.facts)
    assert algebra(cases.make_case(run)) == ()
    assert components(cases.make_case(run)) == ()


def gaussian(reduction: Reduction, role: Role = Role.LOG_STD) -> object:
    """A loss made of the formula itself: sigma falls by 0.5 and Q triples at the spike."""
    log_sigma = np.full(len(cases.STEPS), -2.5)
    log_sigma[cases.AT] -= 0.5
    surprise = np.full(len(cases.STEPS), 7.0)
    surprise[cases.AT] *= 30
    loss = 7 * (log_sigma + 0.91893853) + surprise / 2 + cases.noise(0.05, 9)
    factor = {Reduction.MEAN: 1.0, Reduction.SUM: 7.0}[reduction]
    values = log_sigma * factor if role is Role.LOG_STD else 7 * (log_sigma + 0.5 + 0.91893853)
    series = cases.series("bc/sigma", role, values, reduction=reduction)
    run = cases.make_run(loss, cases.mse({cases.AT: 0.1}), series, facts=cases.CALM_FACTS)
    return cases.make_case(run)


@pytest.mark.parametrize(
    ("reduction", "role"),
    [(Reduction.MEAN, Role.LOG_STD), (Reduction.SUM, Role.LOG_STD), (Reduction.MEAN, Role.ENTROPY)],
)
def test_the_parts_sum_to_the_jump(reduction: Reduction, role: Role) -> None:
    case = gaussian(reduction, role)
    parts = explain(case).components
    assert len(parts) == 3
    assert sum(part.value for part in parts) == pytest.approx(case.spike.height, abs=1e-9)


def test_a_loss_far_from_the_formula_is_not_decomposed() -> None:
    values = np.full(len(cases.STEPS), -30.0)
    series = cases.series("bc/log_std", Role.LOG_STD, values, reduction=Reduction.MEAN)
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), series)
    assert components(cases.make_case(run)) == ()


def test_the_logarithm_of_a_mean_sigma_is_not_taken_for_a_mean_logarithm() -> None:
    values = np.full(len(cases.STEPS), -3.0)
    series = cases.series(
        "std", Role.LOG_STD, values, reduction=Reduction.MEAN,
        transform=Transform.LN,
    )  # fmt: skip
    run = cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), series)
    assert components(cases.make_case(run)) == ()


def test_a_squashed_policy_is_named_as_the_other_explanation() -> None:
    assert any("-13.1 nats" in str(text) for text in algebra(cases.seed_case()))


def test_one_that_is_said_not_to_squash_is_not() -> None:
    facts = {**cases.SEED_FACTS, "tanh_squash": "false"}
    case = cases.make_case(cases.make_run(cases.nll({cases.AT: 39}), cases.mse(), facts=facts))
    assert not any("tanh" in str(text) for text in algebra(case))


def test_a_level_at_the_ceiling_of_sigma_is_recognised() -> None:
    """Seven dimensions at sigma 5 cost 17.7 nats."""
    loss = cases.nll()
    loss[cases.AT :] = 17.7 + cases.noise(0.1)[cases.AT :]
    facts = {**cases.CALM_FACTS, "sigma_max": 5.0}
    run = cases.make_run(loss, cases.mse(), facts=facts)
    case = cases.make_case(run, cases.spike_at(run, cases.AT, len(loss), Kind.LEVEL_SHIFT))
    assert any("ceiling of 5" in str(text) for text in algebra(case))
