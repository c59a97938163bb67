"""Every sentence of the report's own is said by some report of this suite, so none is dead or untested."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from spikediag import reporter
from spikediag.model import CouplingVerdict, Diagnosis, Kind, Lag, Role, Status, Witnesses, say
from spikediag.reporter.figures import style
from spikediag.wording.writer import Writer
from tests.reporter import builders
from tests.wording.sentences import templates


def variants() -> Iterator[Diagnosis]:
    """Diagnoses that make a report say everything it can say."""
    yield builders.diagnosis()
    yield builders.calm()
    yield replace(builders.calm(), conditions=builders.diagnosis().conditions)
    yield builders.resumed()
    yield builders.diagnosis(builders.small_run(), builders.findings() * 30)
    small, big = builders.findings()
    for kind in Kind:
        for end in (None, 15_310):
            spike = replace(big.spike, kind=kind, end_step=end, count=5, rate=2.5, rate_grows=end is None)
            yield builders.alone(replace(big, spike=spike))
    yield builders.diagnosis(
        builders.small_run(), (replace(big, spike=replace(big.spike, onset_step=big.spike.peak_step)),)
    )
    for changes in (
        {"usual": True},
        {"provisional": True},
        {"baseline": 0.1, "margin": 3.91},
        {"kind": Kind.LEVEL_SHIFT, "height": -9.0},
        {"kind": Kind.NON_FINITE, "baseline": math.nan},
        {"kind": Kind.DRIFT, "height": -9.0, "end_step": None},
    ):
        yield builders.alone(replace(big, spike=replace(big.spike, **changes)))
    yield builders.alone(replace(big, why=replace(big.why, primary_cause=big.verdicts[1].cause)))
    yield builders.searched()
    yield builders.mattering()
    better = tuple(replace(t, low=-0.4, high=-0.2) for t in big.coupling.tests)
    yield builders.alone(replace(big, coupling=replace(big.coupling, tests=better)))
    unheard = (Witnesses(6), Witnesses(6, (builders.witness(lag=Lag(0.0, -10.0, 80.0)),)))
    yield from (builders.alone(replace(big, witnesses=none)) for none in unheard)
    for verdict in CouplingVerdict:
        tests = big.coupling.tests if verdict is not CouplingVerdict.NO_COMPANION else ()
        coupling = replace(big.coupling, verdict=verdict, tests=tests)
        yield builders.alone(replace(big, coupling=coupling))
    beside = tuple(replace(e, weight=0.0) for e in big.verdicts[0].evidence)
    lost = replace(big.coupling, tests=tuple(replace(t, change=math.nan) for t in big.coupling.tests))
    verdicts = (replace(big.verdicts[0], evidence=beside), *big.verdicts[1:])
    yield builders.diagnosis(
        builders.small_run(), (replace(big, why=replace(big.why, verdicts=verdicts), coupling=lost),)
    )
    wild = builders.seed_curves()["bc/actor_loss"].values.copy()
    wild[900] = 1e6
    curves = builders.seed_curves() | {"bc/actor_loss": builders.series("bc/actor_loss", Role.LOSS, wild)}
    yield builders.diagnosis(builders.seed_run(curves))
    for status in Status:
        plain = say("No labelled training contains it.")
        sure = tuple(replace(v, status=status, share=0.3) for v in big.verdicts)
        yield builders.alone(replace(big, why=replace(big.why, verdicts=sure)))
        causes = tuple(replace(v, status=status, uncalibrated=plain, share=0.3) for v in big.verdicts)
        for matters in (True, None):
            found = builders.diagnosis(
                builders.small_run(), (small, replace(big, why=replace(big.why, verdicts=causes)))
            )
            yield replace(found, overall=replace(found.overall, matters=matters))


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
            reporter.figure(diagnosis)
        for finding in builders.findings():
            reporter.to_html(builders.alone(finding))
        for kind in (Kind.VARIANCE, Kind.DRIFT):
            spike = replace(builders.leap(), kind=kind, end_step=None)
            reporter.to_html(builders.alone(replace(builders.findings()[1], spike=spike)))
        patch.setattr(style, "_first", lambda wanted: None)
        reporter.to_markdown(builders.diagnosis(), "zh")
    return heard


def test_every_sentence_of_the_report_is_said(said: set[str]) -> None:
    own = {
        text for text, path in templates().items() if path.parts[0] == "reporter" or path.name == "phrases.py"
    }
    assert not own - said, "never said in this suite:\n" + "\n".join(sorted(own - said))
