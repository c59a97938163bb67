"""One voice for a spike: every shape, for good and recovered, up and down, in plain words."""

from dataclasses import replace

import pytest

from spikediag import phrases
from spikediag.model import CouplingVerdict, Finding, Kind, Spike, say
from spikediag.wording import language
from spikediag.wording.writer import PLAIN, Writer
from tests.reporter import builders

WRITER = Writer(language.load("en"), PLAIN)
GONE = {"end_step": None}

BACK = "came back to within 3.91 of its level by step 15,310"
FAR_BACK = "came back to 1.02 by step 200 (0.1 before)"


def spike(**changes: object) -> Spike:
    return replace(builders.leap(), **changes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {},
            f"bc/actor_loss leapt by +39.1 at step 15,260 and {BACK}",
        ),
        (
            {"baseline": 0.1, "margin": 3.91, "end_step": 200, "back_at": 1.02},
            f"bc/actor_loss leapt by +39.1 at step 15,260 and {FAR_BACK}",
        ),
        (GONE, "bc/actor_loss rose by +39.1 at step 15,260 and did not come back"),
        (
            {"kind": Kind.LEVEL_SHIFT},
            f"bc/actor_loss rose by +39.1 at step 15,260 and {BACK}",
        ),
        (
            {"kind": Kind.LEVEL_SHIFT, "height": -5.0, **GONE},
            "bc/actor_loss fell by 5.00 at step 15,260 and did not come back",
        ),
        (
            {"height": -5.0},
            f"bc/actor_loss fell by 5.00 at step 15,260 and {BACK}",
        ),
        ({"kind": Kind.NON_FINITE, **GONE}, "bc/actor_loss stopped being a number at step 15,260"),
        (
            {"kind": Kind.NON_FINITE},
            "bc/actor_loss was not a number at step 15,260, and was one again by step 15,310",
        ),
        ({"kind": Kind.DIVERGENCE, **GONE}, "bc/actor_loss diverged from step 15,260 on"),
        (
            {"kind": Kind.DIVERGENCE},
            f"bc/actor_loss rose by +39.1 at step 15,260 and {BACK}",
        ),
        ({"kind": Kind.DRIFT, **GONE}, "bc/actor_loss drifted up by +39.1 from step 15,260 on"),
        (
            {"kind": Kind.DRIFT, "height": -2.0, **GONE},
            "bc/actor_loss drifted down by 2.00 from step 15,260 on",
        ),
        ({"kind": Kind.TRAIN, "count": 5}, "bc/actor_loss jumped 5 times, at most by +39.1 at step 15,280"),
        (
            {"kind": Kind.TRAIN, "count": 2, "usual": True},
            "bc/actor_loss leapt 2 times, at most by +39.1 at step 15,280, as noise like its own may do",
        ),
        (
            {"count": 1, "usual": True},
            "bc/actor_loss leapt by +39.1 at step 15,280, as noise like its own may do",
        ),
        (
            {"stop": 1_800, "peak": 1_700, "peak_step": 17_000},
            f"bc/actor_loss leapt by +39.1 from step 15,260 on (highest at step 17,000) and {BACK}",
        ),
        (
            {"kind": Kind.TRAIN, "count": 5, "usual": True, "rate": 250.0},
            "bc/actor_loss jumps all along, as such losses do: 5 times, at most by +39.1 at step 15,280",
        ),
        (
            {"kind": Kind.TRAIN, "count": 4, "usual": True, "rate": 20.0},
            "bc/actor_loss leapt 4 times, at most by +39.1 at step 15,280, as noise like its own may do",
        ),
        (
            {"kind": Kind.VARIANCE, "height": 0.36, **GONE},
            "bc/actor_loss became 2.00 times as noisy from step 15,260 on",
        ),
        (
            {"kind": Kind.VARIANCE, "height": 0.36},
            "bc/actor_loss was 2.00 times as noisy from step 15,260 to step 15,310",
        ),
    ],
)
def test_a_clause_says_what_the_series_did(changes: dict[str, object], said: str) -> None:
    assert WRITER.text(phrases.spike_clause(spike(**changes))) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {},
            (
                "From -14.8 to 24.3, 109 times the noise before it. "
                "By chance alone not one in 1,000 such runs would show it."
            ),
        ),
        (
            {"kind": Kind.LEVEL_SHIFT, "height": 9.8, **GONE},
            "From a level of -14.8 to one of -5.00 (highest point 24.3), 109 times the noise before it.",
        ),
        (
            {"kind": Kind.LEVEL_SHIFT, "height": -9.8, "sigmas": -27.0, "peak_value": -25.0},
            "From a level of -14.8 to one of -24.6 (lowest point -25.0), 27.0 times the noise before it.",
        ),
        (
            {"kind": Kind.TRAIN, "count": 5},
            "5 jumps, the highest from -14.8 to 24.3, 109 times the noise before it.",
        ),
        ({"kind": Kind.VARIANCE, "height": 0.36}, "Its standard deviation went from 0.36 to 0.72."),
        ({"kind": Kind.NON_FINITE, **GONE}, "Before, it stood at -14.8."),
    ],
)
def test_a_story_says_from_where_to_where(changes: dict[str, object], said: str) -> None:
    assert WRITER.text(phrases.story(spike(**changes))).startswith(said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "F2, leap in bc/actor_loss, +39.1 at step 15,280"),
        ({"kind": Kind.TRAIN, "count": 5}, "F2, leap in bc/actor_loss (5), at most +39.1 at step 15,280"),
        ({"kind": Kind.NON_FINITE}, "F2, leap in bc/actor_loss at step 15,260"),
        ({"kind": Kind.LEVEL_SHIFT}, "F2, leap in bc/actor_loss, +39.1 from step 15,260 on"),
    ],
)
def test_a_glimpse_names_a_finding_by_its_number_height_and_step(
    changes: dict[str, object], said: str
) -> None:
    finding = replace(builders.findings()[1], spike=spike(**changes))
    assert WRITER.text(phrases.glimpse(finding, say("leap"))) == said


def test_a_story_says_what_is_usual_and_what_may_change() -> None:
    assert WRITER.text(phrases.story(spike(usual=True, count=20))).endswith(
        "Such bursts are usual for this loss."
    )
    assert WRITER.text(phrases.story(spike(provisional=True))).endswith("what follows may change it.")
    diverging = phrases.story(spike(kind=Kind.DIVERGENCE, end_step=None))
    assert WRITER.text(diverging).endswith("should it stop, it becomes a drift or a level shift.")


@pytest.mark.parametrize(
    ("grows", "said"), [(True, "ever more often"), (False, "do not come more"), (None, "cannot be told")]
)
def test_rhythm_of_a_train(grows: bool | None, said: str) -> None:
    text = phrases.rhythm(spike(kind=Kind.TRAIN, count=5, rate=25.0, rate_grows=grows))
    assert text is not None
    assert said in WRITER.text(text)
    assert phrases.rhythm(spike()) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "+39.1 at step 15,280, 109 sigma"),
        ({"kind": Kind.NON_FINITE, **GONE}, "NaN or Inf from step 15,260 on"),
        ({"kind": Kind.NON_FINITE}, "NaN or Inf from step 15,260 to step 15,310"),
        ({"kind": Kind.VARIANCE}, "standard deviation +39.1 from step 15,260 on"),
        ({"kind": Kind.DIVERGENCE}, "+39.1 from step 15,260 on, 109 sigma"),
        ({"kind": Kind.DRIFT, "height": -1.0}, "-1.00 from step 15,260 on, 109 sigma"),
    ],
)
def test_a_mark_says_what_its_shape_measures(changes: dict[str, object], said: str) -> None:
    assert WRITER.text(phrases.mark(spike(**changes))) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "F2: -14.8 to 24.3, 109 sigma"),
        ({"sigmas": 3e9}, "F2: -14.8 to 24.3, more than 1,000,000 sigma"),
        ({"kind": Kind.LEVEL_SHIFT, "height": 9.8, "sigmas": 27.0}, "F2: -14.8 to -5.00, 27.0 sigma"),
        ({"kind": Kind.DIVERGENCE, "height": 12.8, "sigmas": 35.0}, "F2: -14.8 to -2.00, 35.0 sigma"),
        ({"kind": Kind.VARIANCE}, "F2: standard deviation +39.1 from step 15,260 on"),
    ],
)
def test_the_label_of_a_loss_counts_the_sigmas_of_the_numbers_it_shows(
    changes: dict[str, object], said: str
) -> None:
    leap = spike(**changes)
    finding = replace(builders.findings()[1], spike=leap)
    loss = replace(finding.losses[0], sigmas=leap.sigmas)
    assert WRITER.text(phrases.change_label(finding, loss)) == said


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("end", [None, 15_310])
@pytest.mark.parametrize("code", language.available())
def test_every_kind_has_every_sentence(kind: Kind, end: int | None, code: str) -> None:
    writer = Writer(language.load(code), PLAIN)
    finding = replace(builders.findings()[1], spike=spike(kind=kind, end_step=end))
    for text in (
        phrases.story(finding.spike),
        phrases.mark(finding.spike),
        phrases.headline(finding),
        phrases.caption(finding),
        phrases.change_label(finding, finding.losses[0]),
    ):
        assert "{" not in writer.text(text)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (CouplingVerdict.DECOUPLED, "by step 15,310; the error did not move."),
        (CouplingVerdict.PARTLY, "the error moved, but too little to explain it."),
        (CouplingVerdict.COUPLED, "the error moved too."),
        (CouplingVerdict.UNDECIDED, "whether the error moved is undecided."),
        (CouplingVerdict.NO_COMPANION, "no independent error metric is logged."),
    ],
)
def test_a_headline_never_claims_more_than_the_test(verdict: CouplingVerdict, said: str) -> None:
    one: Finding = builders.findings()[1]
    found = replace(one, coupling=replace(one.coupling, verdict=verdict))
    assert WRITER.text(phrases.headline(found)).endswith(said)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_described_with_its_step_and_what_became_of_it(kind: Kind) -> None:
    back = str(phrases.spike_clause(spike(kind=kind)))
    stayed = str(phrases.spike_clause(spike(kind=kind, **GONE)))
    assert back.startswith("bc/actor_loss ")
    assert kind is Kind.TRAIN or back != stayed
    assert str(phrases.level_change(spike(kind=kind))).endswith(".")


def test_a_headline_says_that_many_jumps_together_decided_about_the_error() -> None:
    alone = builders.findings()[0]
    finding = replace(alone, coupling=replace(alone.coupling, verdict=CouplingVerdict.DECOUPLED, pooled=36))
    assert str(phrases.headline(finding)).endswith("the error did not move over its 36 jumps taken together.")
    fell = tuple(replace(t, low=-2 * t.margin) for t in finding.coupling.tests)
    finding = replace(finding, coupling=replace(finding.coupling, tests=fell))
    assert str(phrases.headline(finding)).endswith("the error did not rise over its 36 jumps taken together.")
