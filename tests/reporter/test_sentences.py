"""Every sentence of the report's own is said by some report of this suite, so none is dead or untested."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from spikediag import reporter
from spikediag.errors import UsageError
from spikediag.model import (
    UNEXPLAINED,
    Advice,
    Check,
    CouplingVerdict,
    Diagnosis,
    Evidence,
    Kind,
    Lag,
    LossKind,
    OutcomeVerdict,
    PastBest,
    Role,
    Status,
    Witnesses,
    say,
)
from spikediag.reporter.comparison_figure import FigureRow, Strand, comparison_figure
from spikediag.reporter.figures import style
from spikediag.reporter.figures.closeup import closeup
from spikediag.reporter.sweep_figure import Point, RatioBar, Scatter, sweep_svg
from spikediag.wording import language
from spikediag.wording.writer import TERMINAL, Writer
from tests.conftest import diagnosed
from tests.reporter import builders
from tests.wording.sentences import templates


def variants() -> Iterator[Diagnosis]:
    """Diagnoses that make a report say everything it can say."""
    yield builders.diagnosis()
    yield builders.calm()
    found = builders.mattering()
    ended = tuple(replace(outcome, during=math.nan) for outcome in found.overall.outcomes)
    louder = tuple(replace(f, spike=replace(f.spike, sigmas=90.0)) for f in found.findings)
    yield replace(found, findings=louder, overall=replace(found.overall, outcomes=ended))
    yield replace(builders.calm(), conditions=builders.diagnosis().conditions)
    yield builders.resumed()
    yield builders.diagnosis(builders.small_run(), builders.findings() * 30)
    small, big = builders.findings()
    lasting = replace(small, spike=replace(small.spike, kind=Kind.LEVEL_SHIFT, members=(), count=1))
    yield builders.diagnosis(builders.small_run(), (lasting, big))
    for kind in Kind:
        for end in (None, 15_310):
            spike = replace(big.spike, kind=kind, end_step=end, count=5, rate=2.5, rate_grows=end is None)
            yield builders.alone(replace(big, spike=spike))
    yield builders.alone(builders.explained(big, recorded=(say("It was seen."),)))
    yield builders.diagnosis(
        builders.small_run(), (replace(big, spike=replace(big.spike, onset_step=big.spike.peak_step)),)
    )
    for changes in (
        {"usual": True},
        {"usual": True, "count": 2},
        {"usual": True, "count": 20},
        {"peak": big.spike.start + 40, "stop": big.spike.start + 60},
        {"provisional": True},
        {"expected_by_chance": 1.0},
        {"baseline": 0.1, "margin": 3.91, "back_at": 1.02},
        {"kind": Kind.LEVEL_SHIFT, "height": -9.0},
        {"kind": Kind.NON_FINITE, "baseline": math.nan},
        {"kind": Kind.DRIFT, "height": -9.0, "end_step": None},
    ):
        yield builders.alone(replace(big, spike=replace(big.spike, **changes)))
    yield builders.alone(builders.explained(big, primary_cause=big.verdicts[1].cause))
    yield builders.searched()
    yield builders.mattering()
    yield builders.mattering_elsewhere()
    yield from map(builders.fading, ("eval/return", "eval/success"))
    better = tuple(replace(t, change=-0.3, low=-0.4, high=-0.2) for t in big.coupling.tests)
    yield builders.alone(replace(big, coupling=replace(big.coupling, tests=better)))
    fell = tuple(replace(t, low=-2 * t.margin) for t in big.coupling.tests)
    yield builders.alone(replace(big, coupling=replace(big.coupling, tests=fell)))
    told = (Check("hard-batch", False, big.coupling.reading),)
    yield replace(builders.alone(big), list_checks=lambda: told)
    never = tuple(replace(t, change=math.nan, before=math.nan) for t in big.coupling.tests)
    yield builders.alone(
        replace(big, coupling=replace(big.coupling, verdict=CouplingVerdict.COUPLED, tests=never))
    )
    unheard = (Witnesses(6), Witnesses(6, (builders.witness(lag=Lag(0.0, -10.0, 80.0)),)))
    yield from (builders.alone(replace(big, ask=lambda none=none: none)) for none in unheard)
    for verdict in CouplingVerdict:
        tests = big.coupling.tests if verdict is not CouplingVerdict.NO_COMPANION else ()
        coupling = replace(big.coupling, verdict=verdict, tests=tests)
        yield builders.alone(replace(big, coupling=coupling))
    beside = tuple(replace(e, weight=0.0) for e in big.verdicts[0].evidence)
    lost = replace(big.coupling, tests=tuple(replace(t, change=math.nan) for t in big.coupling.tests))
    verdicts = (replace(big.verdicts[0], evidence=beside), *big.verdicts[1:])
    yield builders.diagnosis(
        builders.small_run(), (builders.explained(replace(big, coupling=lost), verdicts=verdicts),)
    )
    wild = builders.seed_curves()["bc/actor_loss"].values.copy()
    wild[900] = 1e6
    curves = builders.seed_curves() | {"bc/actor_loss": builders.series("bc/actor_loss", Role.LOSS, wild)}
    yield builders.diagnosis(builders.seed_run(curves))
    for status in Status:
        plain = say("No labelled training contains it.")
        sure = tuple(replace(v, status=status, share=0.3) for v in big.verdicts)
        yield builders.alone(builders.explained(big, verdicts=sure))
        causes = tuple(replace(v, status=status, uncalibrated=plain, share=0.3) for v in big.verdicts)
        for matters in (True, None):
            found = builders.diagnosis(
                builders.small_run(), (small, builders.explained(big, verdicts=causes))
            )
            yield replace(found, overall=replace(found.overall, matters=matters))


def draw_each_once(diagnoses: Iterable[Diagnosis]) -> None:
    """The overview of what differs in its curves, kinds, verdicts or outcomes, and close-ups: drawn only."""
    drawn: dict[str, Diagnosis] = {}
    for each in diagnoses:
        kinds = {(f.spike.kind, f.spike.end_step is None, f.coupling.verdict) for f in each.findings}
        changes = {test.change for f in each.findings for test in f.coupling.tests}
        drawn[repr((list(each.run.series), sorted(kinds), changes, each.overall.outcomes))] = each
    for diagnosis in drawn.values():
        reporter.figure(diagnosis)
    small, big = builders.findings()
    real = diagnosed("bc_single_trajectory")
    lasting = (replace(builders.leap(), kind=kind, end_step=None) for kind in (Kind.VARIANCE, Kind.DRIFT))
    with style.drawing(style.LIGHT, language.load("en")) as writer:
        for finding in (small, big, *(replace(big, spike=spike) for spike in lasting)):
            closeup(builders.alone(finding), finding, style.LIGHT, writer)
        for finding in real.findings:
            closeup(real, finding, style.LIGHT, writer)


def written_only() -> Iterator[Diagnosis]:
    """Diagnoses whose figures say nothing that those of others do not say."""
    small, big = builders.findings()
    yield builders.remedied()
    abstains = tuple(replace(remedy, effect=None) for remedy in builders.remedied().remedies)
    yield replace(builders.remedied(), foresee=lambda: abstains)
    silent = replace(big, coupling=replace(big.coupling, verdict=CouplingVerdict.NO_COMPANION, tests=()))
    lone = {"bc/actor_loss": builders.seed_curves()["bc/actor_loss"]}
    yield builders.diagnosis(builders.seed_run(lone), (silent,))
    found = builders.mattering()
    (outcome,) = found.overall.outcomes
    for verdict in OutcomeVerdict:
        ended = replace(outcome, verdict=verdict)
        overall = replace(found.overall, outcomes=(ended, replace(ended, finding="F1")))
        yield replace(found, overall=replace(overall, matters=verdict is OutcomeVerdict.WORSE))
        yield replace(found, overall=overall, findings=(small, silent))
        alone = replace(overall, matters=False, outcomes=(ended,))
        yield replace(found, overall=alone, findings=(small, silent))
    level = replace(outcome, finding=big.id, tag=big.spike.tag, role=Role.LOSS)
    yield replace(found, overall=replace(found.overall, outcomes=(level,)))
    dipped = replace(outcome, meanwhile=40.0)
    going = replace(silent, spike=replace(silent.spike, end_step=None))
    yield replace(found, findings=(going,), overall=replace(found.overall, outcomes=(dipped,)))
    yield replace(found, findings=(silent,), overall=replace(found.overall, outcomes=(dipped,)))
    gone = PastBest("bc/mse", Role.COMPANION, 100, 200, best=0.1, end=0.4)
    yield replace(found, overall=replace(found.overall, past_best=(gone,)))
    yield replace(builders.calm(), overall=replace(builders.calm().overall, past_best=(gone,)))
    ratio, drift, rate = big.verdicts
    unchecked = tuple(replace(drift, cause=f"cause-{n}") for n in range(7))
    yield builders.alone(builders.explained(big, verdicts=(ratio, *unchecked)))
    yield builders.alone(builders.explained(big, primary_cause=UNEXPLAINED))
    yield diagnosed("bc_single_trajectory")
    value = builders.series("value", Role.LOSS, np.ones(400), np.arange(400), kind=LossKind.VALUE)
    yield replace(builders.calm(), run=replace(builders.calm().run, series={"value": value}))
    gone = replace(builders.leap(), kind=Kind.DIVERGENCE, end_step=None)
    yield builders.alone(replace(big, spike=replace(big.spike, sigmas=1e9)))
    never = replace(builders.leap(), kind=Kind.NON_FINITE, baseline=np.nan, end_step=None)
    yield builders.alone(replace(big, spike=never))
    lost = builders.alone(replace(big, spike=gone))
    yield lost
    yield replace(lost, overall=replace(lost.overall, matters=False))
    sure = (ratio, replace(rate, status=Status.SUPPORTED), drift)
    yield builders.alone(builders.explained(big, verdicts=sure))
    unneeded = replace(rate, evidence=(Evidence("error", big.coupling.reading, -1.0),))
    yield builders.alone(builders.explained(big, verdicts=(unneeded,)))
    advised = (
        Advice(say("Look at the batch.")),
        Advice(say("And at the next.")),
        Advice(say("Wait."), "x\ny"),
    )
    yield builders.alone(builders.explained(big, verdicts=(replace(ratio, advice=advised),)))
    yield builders.alone(builders.explained(big, verdicts=(replace(ratio, advice=advised[:2]),)))
    for slopes in ((-9, 0), (-9, -9), (0, 9), (0, 0)):
        curves = {
            role.value: builders.series(role.value, role, 10 + slope * np.linspace(0, 1, 400), np.arange(400))
            for role, slope in zip((Role.LOSS, Role.COMPANION), slopes, strict=True)
        }
        yield replace(builders.calm(), run=replace(builders.calm().run, series=curves))


@pytest.fixture(scope="module")
def said() -> set[str]:
    heard: set[str] = set()
    speak = Writer._spans

    def listen(self, text, **how):
        heard.add(text.template)
        return speak(self, text, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Writer, "_spans", listen)
        for diagnosis in variants():
            reporter.to_markdown(diagnosis, pictures=True)
            reporter.summary(diagnosis, "zh")
        draw_each_once((*variants(), diagnosed("bc_single_trajectory")))
        reporter.index([("bc", "")])
        for diagnosis in written_only():
            reporter.to_markdown(diagnosis, pictures=True)
        for finding in builders.findings():
            reporter.to_html(builders.alone(finding))
        for values in (np.geomspace(1, 1e6, 200), np.r_[np.sin(np.arange(199)), 1e6]):
            strand = Strand(np.arange(200.0), values, np.array([]))
            comparison_figure((FigureRow("bc", say("1 spike"), (strand,), ()),), "loss", None, "pass")
        across = Scatter(say("ratio"), say("rate"), (Point(0.5, 3.0, "spiky"),), 0.5)
        sweep_svg(across, [RatioBar("batch_size", 2.0, 1.0, 9.0, shown=True)], "zh")
        writer = Writer(language.load("zh"), TERMINAL)
        for wrong in (
            lambda: reporter.render(builders.calm(), ["mdd"]),
            lambda: reporter.to_frame(builders.calm(), "moon"),
        ):
            with pytest.raises(UsageError) as error:
                wrong()
            writer.text(error.value.said)
        patch.setattr(style, "_first", lambda wanted: None)
        reporter.to_markdown(builders.diagnosis(), "zh")
    return heard


def test_every_sentence_of_the_report_is_said(said: set[str]) -> None:
    own = {
        text for text, path in templates().items() if path.parts[0] == "reporter" or path.name == "phrases.py"
    }
    silent = {
        text for text in own if not set(text.split(" | ")) <= said
    }  # heads of a table are said one by one
    assert not silent, "never said in this suite:\n" + "\n".join(sorted(silent))
