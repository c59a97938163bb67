"""The first page: what it says, in which order, how long it is, and that nothing is said twice."""

import re
from dataclasses import replace

import numpy as np
import pytest

from spikediag import Run, diagnose, phrases, reporter
from spikediag.model import (
    UNEXPLAINED,
    Advice,
    CouplingVerdict,
    Diagnosis,
    FactName,
    Finding,
    Kind,
    LossKind,
    Measure,
    OutcomeVerdict,
    PastBest,
    Reduction,
    Role,
    RunStatus,
    Searched,
    SettingChange,
    SmallestJump,
    Status,
    Tier,
    say,
)
from spikediag.reporter.page import Page, main_findings, page, run_headline, why_now, would_show
from spikediag.reporter.remedies import remedies, what_to_log
from spikediag.reporter.training import series_end
from spikediag.wording import language
from spikediag.wording.writer import PLAIN, Writer
from tests.conftest import diagnosed, sample_runs
from tests.reporter import builders

WRITER = Writer(language.load("en"), PLAIN)
LINES = 65  # of Markdown, before the appendix
BETWEEN = re.compile(r"\n|\||(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])")
PROSE = re.compile(r"(\S \S.{26,}|.*[\u4e00-\u9fff]{10,}.*)[.!?\u3002\uff01\uff1f]$")
PROBES = ["bc_single_trajectory", "calm", "lr_step", "corrupted_labels"]


def first(diagnosis: Diagnosis) -> Page:
    return page(diagnosis, WRITER)


def row(diagnosis: Diagnosis, label: str) -> str:
    found = next(r for r in first(diagnosis).rows if str(r.label) == label)
    return " ".join(WRITER.text(t) for t in (found.answer, *found.told) if t is not None)


def finding(**changes: object) -> Finding:
    return replace(builders.findings()[1], spike=replace(builders.leap(), **changes))


def with_verdicts(one: Finding, *verdicts) -> Finding:
    return builders.explained(one, verdicts=verdicts)


def appendix_of(name: str) -> str:
    return reporter.render(diagnosed(name), ["md"])[0].content.decode().partition("## Appendix")[2]


def sentences(text: str) -> list[str]:
    """Every sentence of a report without its label; code, figures and bare numbers are none."""
    prose = re.sub(r"```.*?```|<(script|style|svg)\b.*?</\1>", "", text, flags=re.DOTALL)
    prose = re.sub(
        r"<strong>[^\n]*?</strong>: |^- \*\*[^\n]*?\*\*(: |\uff1a)", "\n", prose, flags=re.MULTILINE
    )
    prose = re.sub(r"</(td|th|p|li|tr|summary|h\d|strong)>", "\n", prose)
    pieces = (" ".join(one.split()).strip("*- ") for one in BETWEEN.split(re.sub(r"<[^>]+>", "", prose)))
    return [one for one in pieces if PROSE.search(one)]


def assert_said_once(text: str) -> None:
    said = sentences(text)
    assert not (twice := sorted({one for one in said if said.count(one) > 1})), "\n".join(twice)


def of_page(text: str) -> str:
    return text.split("<details>", maxsplit=1)[0]


@pytest.mark.parametrize("code", language.available())
@pytest.mark.parametrize("name", PROBES)
def test_a_report_says_no_sentence_twice(name: str, code: str) -> None:
    assert_said_once(reporter.to_markdown(diagnosed(name), code))


@pytest.mark.parametrize("name", ["bc_single_trajectory", pytest.param("calm", marks=pytest.mark.slow)])
def test_a_web_page_says_no_sentence_twice(name: str) -> None:
    assert_said_once(reporter.to_html(diagnosed(name)))


def test_what_the_cause_has_said_of_a_witness_is_not_said_again() -> None:
    one = builders.findings()[1]
    told = phrases.moved_with(one.witnesses.moved[0])
    assert str(told) in row(builders.alone(one), "What jumped")
    ratio = replace(one.verdicts[0], mechanism=say("{witness} Returns follow.", witness=told))
    said = builders.alone(with_verdicts(one, ratio))
    assert str(told) not in row(said, "What jumped")
    assert str(told) in row(said, "Why, most likely")


@pytest.mark.slow
@pytest.mark.parametrize("code", language.available())
@pytest.mark.parametrize("name", [run.name for run in sample_runs()])
def test_every_sample_run_fits_on_a_page_and_says_nothing_twice(name: str, code: str) -> None:
    text = reporter.to_markdown(diagnosed(name), code, pictures=True)
    assert of_page(text).count("\n") <= LINES
    assert_said_once(text)


@pytest.mark.parametrize("name", PROBES)
def test_the_page_is_one_page(name: str) -> None:
    text = reporter.to_markdown(diagnosed(name), pictures=True)
    assert "## Appendix" in text
    assert of_page(text).count("\n") <= LINES


def test_twenty_findings_and_a_train_of_many_need_no_more_room_than_one() -> None:
    small, big = builders.findings()
    crowd = tuple(replace(small, id=f"F{n}") for n in range(3, 22))
    whole = builders.diagnosis(found=(replace(small, spike=replace(small.spike, count=26)), big, *crowd))
    text = reporter.to_markdown(whole, pictures=True)
    assert of_page(text).count("\n") <= LINES
    assert "Besides, 20 lesser findings: F1, train of spikes in `bc/actor_loss` (26)" in text
    assert "and 16 more. → [Appendix](#appendix)" in text


def test_the_rows_answer_what_error_why_matters_and_what_to_do() -> None:
    assert [str(r.label) for r in first(builders.diagnosis()).rows] == [
        "What jumped",
        "Did the error move?",
        "Why, most likely",
        "Does it matter?",
        "Do this now",
    ]
    assert row(builders.diagnosis(), "Did the error move?").startswith("No, it stayed.")
    assert row(builders.diagnosis(), "Does it matter?").startswith("No.")


def test_the_row_on_the_error_says_better_and_untold_and_the_reward_where_there_is_no_error() -> None:
    _, big = builders.findings()
    better = tuple(replace(t, change=-0.3, low=-0.4, high=-0.2) for t in big.coupling.tests)
    improved = builders.alone(replace(big, coupling=replace(big.coupling, tests=better)))
    assert row(improved, "Did the error move?").startswith("No, it got better.")
    fell = tuple(replace(t, low=-2 * t.margin) for t in big.coupling.tests)
    unrisen = builders.alone(replace(big, coupling=replace(big.coupling, tests=fell)))
    assert row(unrisen, "Did the error move?").startswith("No, it did not rise.")
    assert "; the error did not rise." in str(run_headline(unrisen))
    silent = replace(big, coupling=replace(big.coupling, verdict=CouplingVerdict.NO_COMPANION, tests=()))
    assert row(builders.alone(silent), "Did the error move?").startswith("Cannot be told.")
    assert str(run_headline(builders.alone(silent))).endswith("; whether the error moved cannot be told.")
    lone = {"bc/actor_loss": builders.seed_curves()["bc/actor_loss"]}
    bare = builders.diagnosis(builders.seed_run(lone), (silent,))
    assert str(run_headline(bare)).endswith("; no independent error metric is logged.")
    rewarded = replace(builders.mattering(), findings=(silent,))
    assert row(rewarded, "Did the reward suffer?").startswith("Yes, it got worse. eval/return ended worse")
    assert str(run_headline(rewarded)).endswith("; the reward got worse.")


def test_a_reward_that_was_worse_only_while_the_loss_stood_high_is_not_said_to_have_ended_worse() -> None:
    found = builders.mattering()
    _, big = builders.findings()
    silent = replace(big, coupling=replace(big.coupling, verdict=CouplingVerdict.NO_COMPANION, tests=()))
    (outcome,) = found.overall.outcomes
    dipped = replace(outcome, before=100.0, meanwhile=40.0, after=120.0)
    run = replace(found, findings=(silent,), overall=replace(found.overall, matters=True, outcomes=(dipped,)))
    assert str(run_headline(run)).endswith("; the reward was worse while it lasted.")
    suffered = row(run, "Did the reward suffer?")
    assert (
        suffered == "Yes, while it lasted. eval/return was worse meanwhile: 100 before, 40.0 then; 120 after."
    )
    assert row(run, "Does it matter?").startswith("Yes. The reward says so.")
    going = replace(run, findings=(replace(silent, spike=replace(silent.spike, end_step=None)),))
    assert str(run_headline(going)).endswith("; the reward was worse for a time.")
    assert row(going, "Did the reward suffer?").startswith("Yes, for a time. ")


def test_the_headline_of_a_loss_that_came_back_to_a_worse_level_says_so() -> None:
    found = builders.mattering()
    lead = found.lead
    (outcome,) = found.overall.outcomes
    level = replace(outcome, finding=lead.id, tag=lead.spike.tag, role=Role.LOSS)
    for one, said in ((level, True), (replace(level, excused=True), False), (outcome, False)):
        told = replace(found, overall=replace(found.overall, outcomes=(one,)))
        assert (", and ended worse; the error" in str(run_headline(told))) is said


def test_a_loss_that_is_no_number_at_the_end_is_not_compared_with_a_forecast() -> None:
    found = builders.mattering()
    (outcome,) = found.overall.outcomes
    lost = replace(
        outcome, after=float("nan"), foretold=float("nan"), reading=say("loss was no number any more.")
    )
    run = replace(found, overall=replace(found.overall, outcomes=(lost,)))
    assert "loss was no number any more." in row(run, "Does it matter?")


def test_a_reward_that_never_varies_tells_nothing() -> None:
    found = builders.mattering()
    _, big = builders.findings()
    silent = replace(big, coupling=replace(big.coupling, verdict=CouplingVerdict.NO_COMPANION, tests=()))
    zero = builders.series("eval/return", Role.REWARD, np.zeros(3), builders.STEPS[::800])
    run = replace(found.run, series=found.run.series | {"eval/return": zero})
    rows = first(replace(found, run=run, findings=(silent,))).rows
    assert "Did the error move?" in [str(r.label) for r in rows]


def test_what_did_not_get_worse_is_told_once_for_each_role_and_what_did_wherever_it_is() -> None:
    found = builders.mattering()
    (outcome,) = found.overall.outcomes
    fine = replace(outcome, verdict=OutcomeVerdict.NOT_WORSE)
    untold = replace(outcome, tag="loss", role=Role.LOSS, verdict=OutcomeVerdict.CANNOT_BE_TOLD)
    elsewhere = replace(outcome, finding="F1")

    def says(matters: bool, *outcomes) -> str:
        overall = replace(found.overall, matters=matters, outcomes=outcomes)
        return row(replace(found, overall=overall), "Does it matter?")

    assert "eval/return ended no worse: 200 before, 150 after (margin 21.0). Whether loss" in says(
        False, fine, fine, untold
    )
    assert (
        "Yes, because of F1. F1: eval/return ended worse: 200 before, 150 after, where 210 was foretold."
        in says(True, fine, elsewhere)
    )


def test_why_now_tells_found_from_unchecked_from_ruled_out() -> None:
    one = finding()
    _, drift, rate = one.verdicts
    found = with_verdicts(one, replace(rate, status=Status.SUPPORTED), drift)
    assert "might change this answer: log-std drift." in WRITER.text(why_now(found, WRITER))
    assert why_now(with_verdicts(one, replace(rate, status=Status.SUPPORTED)), WRITER) is None
    assert "could not be checked: log-std drift." in WRITER.text(why_now(one, WRITER))
    assert "Nothing that was logged changed" in WRITER.text(why_now(with_verdicts(one, rate), WRITER))
    open_ = builders.explained(one, primary_cause=UNEXPLAINED)
    assert WRITER.text(why_now(open_, WRITER)) == "What could not be checked: log-std drift."


def test_a_chance_that_cannot_be_told_is_given_no_figure() -> None:
    assert "too uneven to tell" in WRITER.text(
        phrases.story(replace(builders.leap(), expected_by_chance=1.0))
    )


def test_each_smallest_jump_stands_with_its_own_steps_unless_they_are_those_of_the_next() -> None:
    short, long = SmallestJump(1, 2.0, 9.0, 30, 990), SmallestJump(3, 4.0, 18.0, 60, 500)
    apart = would_show(Searched("loss", 100, (short, long)))
    assert WRITER.text(apart) == (
        "+2.00 for one point (9.00 sigma), between steps 30 and 990; "
        "+4.00 for 3 points (18.0 sigma), between steps 60 and 500."
    )
    together = would_show(Searched("loss", 100, (short, replace(long, first_step=30, last_step=990))))
    assert WRITER.text(together).count("between steps") == 1


def test_a_line_to_log_is_no_remedy_and_no_error_is_asked_for_where_one_was_tested() -> None:
    calm = first(diagnosed("bc_batch_32"))
    assert "log_std_min" in calm.code_to_log
    assert not any("log_std" in (remedy.line or "") for remedy in calm.remedies)
    told = builders.diagnosis()
    asked = Advice(say("Log an error metric."), 'log("mse")', logs=Role.COMPANION)
    risk = replace(builders.diagnosis().conditions[0], status=Status.SUPPORTED, advice=(asked,))
    tested = replace(told, conditions=(risk,))
    assert tested.lead.coupling.tests
    assert asked not in what_to_log(tested)
    untested = replace(tested.lead, coupling=replace(tested.lead.coupling, tests=()))
    assert asked in what_to_log(replace(tested, findings=(untested,)))


def test_losses_that_could_not_be_judged_are_named_with_the_reason_they_share() -> None:
    told = builders.diagnosis()
    lead = told.lead
    loss = lead.spike.tag
    why = say("Too few points.")
    blind = Searched(loss, 9, (), why)
    assert row(replace(told, searched=(blind,)), "Not judged") == f"{loss}. Too few points."
    many = tuple(Searched(f"loss/{n}", 9, (), why) for n in range(5))
    other = Searched("eval/loss", 3, (), say("It is constant."))
    losses = {s.tag: replace(told.run.series[loss], tag=s.tag) for s in (*many, other)}
    more = replace(told, run=replace(told.run, series=losses | dict(told.run.series)))
    assert row(replace(more, searched=(*many, other)), "Not judged") == (
        "loss/0, loss/1, loss/2 and 2 more. Too few points. eval/loss. It is constant."
    )
    tests = (replace(lead.coupling.tests[0], tag=loss),)
    held = replace(lead, coupling=replace(lead.coupling, tests=tests))
    labels = [str(r.label) for r in first(replace(told, findings=(held,), searched=(blind,))).rows]
    assert "Not judged" not in labels


def test_what_it_is_not_has_a_line_each_with_its_number() -> None:
    flagship = diagnosed("bc_single_trajectory")
    lines = {WRITER.text(r.label): WRITER.text(r.text) for r in first(flagship).refuted}
    assert re.fullmatch(
        r"it would raise bc/mse by \+[\d.]+, which changed by \+[\d.]+\.", lines["hard batch"]
    )
    assert re.search(r"stray by [\d.]+, the jump is 39\.1\.$", lines["an unlucky draw of the batch"])


def test_the_leading_finding_is_told_first_and_three_in_full() -> None:
    crowd = tuple(replace(finding(sigmas=10.0 + n), id=f"F{n}") for n in range(5))
    lost = replace(finding(kind=Kind.NON_FINITE, sigmas=0.0, end_step=None), id="F9")
    diagnosis = builders.diagnosis(found=(*crowd, lost))
    told = main_findings(diagnosis)
    assert [f.id for f in told] == ["F9", "F4", "F3"]
    assert told[0] is diagnosis.lead


def test_remedies_stand_once_in_order_of_rank_and_only_for_what_holds() -> None:
    diagnosis = builders.diagnosis()
    assert [r.advice.rank for r in remedies(diagnosis)] == [1]
    assert [a.code for a in what_to_log(diagnosis)] == [
        'writer.add_scalar("bc/log_std_min", log_std.min(), step)'
    ]


def test_what_helps_the_leading_finding_comes_before_what_helps_another() -> None:
    small, big = builders.findings()
    other = replace(small.verdicts[0], advice=(Advice(say("Check the inputs."), rank=1),))
    ours = replace(big.verdicts[0], advice=(Advice(say("Clip the gradient."), rank=4),))
    found = (with_verdicts(small, other), with_verdicts(big, ours))
    advised = remedies(replace(builders.diagnosis(found=found), conditions=()))
    assert [str(r.what) for r in advised] == ["Clip the gradient.", "Check the inputs."]


def test_a_remedy_that_answers_only_a_risk_is_not_called_the_thing_to_do() -> None:
    one = builders.findings()[1]
    unanswered = with_verdicts(one, *one.verdicts[1:])
    assert "Against the risks" in [str(r.label) for r in first(builders.alone(unanswered)).rows]


def test_remedies_stand_in_the_order_of_what_they_would_prevent_whatever_their_rank() -> None:
    told = builders.remedied()
    turned = replace(told, foresee=lambda: tuple(reversed(builders.remedied().remedies)))
    assert [row.advice.remedy for row in remedies(turned) if row.advice.remedy] == [
        r.id for r in turned.remedies
    ]


def test_what_is_foretold_of_a_remedy_is_not_said_of_another_dose_of_it() -> None:
    told = builders.remedied()
    other = SettingChange(FactName.SIGMA_MIN, 0.5, "std_min: 1e-05 -> 0.5", "config.yaml")
    (floor, *rest) = told.remedies
    changed = replace(floor, advice=replace(floor.advice, change=other))
    rows = remedies(replace(told, foresee=lambda: (changed, *rest)))
    assert [row.effect is None for row in rows if row.advice.remedy] == [True] + [False] * len(rest)


def test_the_headline_names_what_would_prevent_most_where_it_surely_prevents_some() -> None:
    told = builders.remedied()
    assert "What would prevent most of such jumps: floor under sigma, 90% (50% to 100%)." in str(
        run_headline(told)
    )
    unsure = tuple(builders.remedy_of(r.id, n, low=-0.5) for n, r in enumerate(told.remedies))
    assert "prevent" not in str(run_headline(replace(told, foresee=lambda: unsure)))
    trigger = replace(told.findings[1].verdicts[0], tier=Tier.TRIGGER)
    verdicts = (trigger, *told.findings[1].verdicts[1:])
    set_off = replace(told, findings=(with_verdicts(told.findings[1], *verdicts),))
    assert "prevent" not in str(run_headline(set_off))


def test_that_no_effect_is_foretold_is_said_with_its_reason() -> None:
    told = builders.remedied()
    why = say("Too far from what was studied: {names}.", names="width")
    abstains = tuple(replace(r, effect=None, reason=why) for r in told.remedies)
    page_ = first(replace(told, foresee=lambda: abstains))
    assert "What a remedy would prevent is not foretold: Too far" in WRITER.text(page_.source)
    assert not page_.scenarios
    assert all(row.effect is None for row in page_.remedies)


def test_the_flagship_is_told_the_line_its_effect_its_price_and_what_it_is_good_for() -> None:
    told = first(diagnosed("bc_single_trajectory"))
    best = told.remedies[0]
    assert best.line == "std_min: 1e-05 -> 0.06"
    assert all(part is not None for part in (best.effect, best.price, best.use))
    assert "floor under sigma" in str(told.headline)
    why = row(diagnosed("bc_single_trajectory"), "Why, most likely")
    assert len(why.split()) < 90
    assert "learning rate never decays | likely | 90% (10% to 100%)" in appendix_of("bc_single_trajectory")
    assert "updates, width" in WRITER.text(told.source)
    assert [str(r.label) for r in told.scenarios] == ["For a quick check", "For real training"]
    assert len(told.code_to_log.splitlines()) >= 3
    assert row(diagnosed("bc_single_trajectory"), "Do this now").startswith(
        "std_min: 1e-05 -> 0.06 in config.yaml."
    )


def test_a_log_line_without_code_is_a_sentence() -> None:
    one = builders.findings()[1]
    ratio, drift, rate = one.verdicts
    wanted = replace(drift, missing=(*drift.missing, Advice(say("Log every term of the reward."))))
    told = first(builders.alone(with_verdicts(one, ratio, wanted, rate)))
    assert [str(text) for text in told.to_log] == ["Log every term of the reward."]
    assert "log_std_min" in told.code_to_log


@pytest.mark.parametrize(
    ("slope", "noise", "role", "course", "well"),
    [
        (0.0, 1.0, Role.LOSS, "flat", False),
        (-4.0, 0.1, Role.LOSS, "falls", True),
        (4.0, 0.1, Role.LOSS, "rises", False),
        (4.0, 0.1, Role.REWARD, "rises", True),
    ],
)
def test_a_trend_is_what_noise_alone_would_not_show(
    slope: float, noise: float, role: Role, course: str, well: bool
) -> None:
    x = np.linspace(0, 1, 400)
    values = slope * x + np.random.default_rng(0).normal(0, noise, 400)
    told = series_end(builders.series("a", role, values, np.arange(400)))
    assert told is not None
    assert (told.course, told.goes_well) == (course, well)


def test_a_reward_that_ended_worse_and_sinks_in_noise_has_not_converged() -> None:
    converged = next(r for r in first(builders.fading()).state if str(r.label) == "Converged")
    assert converged.answer is not None
    assert WRITER.text(converged.answer) == "Cannot be told: eval/return ended worse, and may still move."
    assert "eval/return moved no farther than its noise (" in " ".join(map(WRITER.text, converged.told))


def test_nor_has_one_that_may_still_move_within_its_noise() -> None:
    row = next(r for r in first(builders.fading("eval/success")).state if str(r.label) == "Converged")
    assert row.answer is not None
    assert WRITER.text(row.answer) == "Cannot be told: eval/success may still move, within its noise."


def test_what_rounding_alone_moves_stays() -> None:
    values = np.full(400, 0.3)
    values[350:] += np.spacing(0.3)
    told = series_end(builders.series("a", Role.LOSS, values, np.arange(400)))
    assert told is not None
    assert told.arrives


def test_of_a_constant_no_height_is_told_in_units_of_its_rounding() -> None:
    run = Run.from_arrays({"loss": np.full(300, 2.5), "train/loss": np.sin(np.arange(300.0))})
    searched = next(one for one in diagnose(run).searched_series if one.tag == "loss")
    assert WRITER.text(would_show(searched)) == "Any change: it is one number throughout."


def test_too_few_points_or_a_lost_end_have_no_trend() -> None:
    assert series_end(builders.series("a", Role.LOSS, np.ones(5), np.arange(5))) is None
    lost = np.where(np.arange(100) > 90, np.nan, 1.0)
    assert series_end(builders.series("a", Role.LOSS, lost, np.arange(100))) is None


def state(**curves) -> list[str]:
    """The state of a calm training with these curves, by role."""
    series = {
        name: builders.series(
            name,
            Role(name),
            values,
            np.arange(len(values)),
            measure=Measure.SQUARED_ERROR,
            reduction=Reduction.MEAN,
        )
        for name, values in curves.items()
    }
    whole = builders.calm()
    told = first(replace(whole, run=replace(whole.run, series=series)))
    return [" ".join(WRITER.text(t) for t in (r.answer, *r.told) if t is not None) for r in told.state]


def test_the_state_tells_converged_from_still_better_from_worse() -> None:
    falling, flat = np.linspace(9, 0, 400), np.full(400, 0.25)
    assert state(loss=flat, companion=flat)[0].startswith("Yes, it has.")
    assert state(loss=falling, companion=flat)[0].startswith("All but the loss, which still falls.")
    assert state(loss=falling, companion=falling)[0].startswith("Not yet: it is still getting better.")
    assert state(loss=falling, companion=falling[::-1])[0].startswith("No, it has not.")
    assert "0.5 per action dimension" in state(loss=flat, companion=flat)[1]


def test_a_policy_without_a_reward_that_varies_cannot_be_told_to_have_converged() -> None:
    whole, flat = builders.calm(), np.full(400, 0.25)
    loss = builders.series("Loss/value", Role.LOSS, flat, np.arange(400), kind=LossKind.VALUE)
    told = first(replace(whole, run=replace(whole.run, series={"Loss/value": loss})))
    assert str(told.state[0].answer) == "Cannot be told: no reward that varies is logged."


def test_a_run_without_a_jump_that_is_past_its_best_is_not_called_clean() -> None:
    gone = PastBest("eval/loss", Role.LOSS, 100, 200, best=0.1, end=0.4)
    calm = builders.calm()
    assert row(calm, "Verdict") == "clean"
    told = replace(calm, overall=replace(calm.overall, past_best=(gone,)))
    assert row(told, "Verdict") == (
        "No jump, but past its best. eval/loss stood at 0.1 in steps 100 to 200 and ends at 0.4. A "
        "checkpoint from there is better by that measure."
    )
    assert "Converged" not in [str(r.label) for r in first(told).state]
    unjudged = replace(told, overall=replace(told.overall, status=RunStatus.NOT_JUDGED))
    assert row(unjudged, "Verdict") == "not judged"
    assert "Converged" in [str(r.label) for r in first(unjudged).state]


def test_a_training_that_was_lost_has_not_converged_whatever_its_level_before() -> None:
    lost = replace(
        builders.findings()[1], spike=replace(builders.leap(), kind=Kind.DIVERGENCE, end_step=None)
    )
    converged, _ = first(builders.alone(lost)).state
    assert WRITER.text(converged.answer) == "No, it has not."
    assert WRITER.text(converged.text) == "bc/actor_loss was lost at step 15,260."


def test_causes_that_the_same_rules_out_share_a_line() -> None:
    one = builders.findings()[1]
    rate = one.verdicts[2]
    both = with_verdicts(one, rate, replace(rate, cause="resume"))
    (line,) = first(builders.alone(both)).refuted
    assert WRITER.text(line.label) == "learning-rate change, resume from a checkpoint"


def test_risks_are_named_and_a_tested_error_is_none() -> None:
    names = [WRITER.text(r.text) for r in first(builders.diagnosis()).state if str(r.label) == "Risks"]
    assert names == ["large batch (a large part of the dataset)."]


def test_a_calm_run_says_what_would_have_been_found_and_has_no_section_on_jumps() -> None:
    told = first(builders.searched())
    assert [str(r.label) for r in told.rows] == ["Verdict", "What would have been found", "Not judged"]
    assert not told.refuted
    assert told.smaller is None


def test_the_brief_report_is_the_page_alone() -> None:
    short = reporter.brief(diagnosed("bc_single_trajectory"))
    assert short.startswith("## `bc/actor_loss` leapt")
    assert "<img" not in short
    assert "<details>" not in short
    assert short.count("\n") <= LINES


def test_what_is_likeliest_though_not_established_is_told_with_its_evidence() -> None:
    """A hard update that is suspected from one leap: the reader sees which step makes it suspect."""
    steps, noise = np.arange(430), np.random.default_rng(2)
    curves = {
        "q_loss": np.abs(noise.normal(1, 0.1, 430)) + 40.0 * (steps >= 301),
        "v_loss": np.abs(noise.normal(1, 0.1, 430)) + 20.0 * (steps >= 301),
    }
    diagnosis = diagnose(Run.from_arrays({tag: (steps, values) for tag, values in curves.items()}))
    assert diagnosis.lead is not None
    assert diagnosis.lead.primary_cause == UNEXPLAINED
    told = row(diagnosis, "Why, most likely")
    assert "likeliest, but not established: target-network update" in told
    assert "every 300 steps is suspected" in told
