"""resume."""

from dataclasses import replace

import pytest

from spikediag.attribution.causes.resume import Resume
from spikediag.model import Rewind, Session
from tests.attribution import cases


def sessions(step: int) -> tuple[Session, ...]:
    return Session("events.1", 0, step + 90, 0.0, 1.0), Session("events.2", step, 19_990, 2.0, 3.0)


def test_a_restart_just_before_the_jump_is_a_trigger() -> None:
    rewinds = (Rewind(15_080, 14_990, 60.0, 1),)
    judged = Resume().judge(cases.calm_case(sessions=sessions(14_990), rewinds=rewinds))
    assert judged.decisive
    assert cases.evidence(judged, "step-went-back").weight > 0
    assert "14,990, 10 steps before" in str(cases.evidence(judged, "restart-before").reading)


def test_a_restart_elsewhere_rules_it_out() -> None:
    for step in (5_000, 15_500):
        assert Resume().judge(cases.calm_case(sessions=sessions(step))).ruled_out


def test_one_process_rules_it_out() -> None:
    assert Resume().judge(cases.calm_case()).ruled_out


def test_without_sessions_it_is_not_checkable() -> None:
    judged = Resume().judge(cases.calm_case(sessions=()))
    assert not judged.checkable


@pytest.mark.parametrize("late", [10, 20])
def test_a_restart_after_the_jump_is_no_cause(late: int) -> None:
    assert Resume().judge(cases.calm_case(sessions=sessions(15_000 + late))).ruled_out


def test_the_tallest_of_many_bursts_may_be_what_a_restart_made() -> None:
    run = cases.make_run(
        cases.nll({500: 20, cases.AT: 30}), cases.mse(), facts=cases.CALM_FACTS, sessions=sessions(14_990)
    )
    case = cases.make_case(run, cases.train_at(run, [500, cases.AT]))
    judged = Resume().judge(case)
    assert judged.decisive
    assert cases.evidence(judged, "restart-before").observed == 10


def test_where_steps_count_samples_a_restart_is_recalled_for_as_many_logged_points() -> None:
    case = cases.calm_case(sessions=sessions(15_000 - 40))
    sparse = {tag: replace(s, steps=s.steps * 50) for tag, s in case.run.series.items()}
    apart = tuple(replace(s, first_step=s.first_step * 50) for s in case.run.sessions)
    run = replace(case.run, series=sparse, sessions=apart)
    spike = replace(case.spike, onset_step=case.spike.onset_step * 50, peak_step=case.spike.peak_step * 50)
    assert Resume().judge(cases.make_case(run, spike)).decisive
