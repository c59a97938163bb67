"""target-update: the loss leaps whenever the target network is replaced."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.attribution.case import Case
from spikediag.attribution.periods import BY_CHANCE, Beat, beat, stated_updates
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.model import Advice, Evidence, LossKind, Run, Series, Tier, say

ALMOST = 0.05  # chance up to which a beat is worth a word


@registry.register
@dataclass(frozen=True)
class TargetUpdate:
    """The target network was replaced: all targets moved at once, and the critic had to follow.

    What it means:
        With a hard update every n steps the targets stand still in between and leap at the update. The
        critic's error is largest right after it and shrinks until the next: leaps at equal distances, the
        tallest of the run among them.

    Evidence for:
        The tallest rises of the loss come at one phase of a period, far more often than chance allows; the
        configuration states that period.

    Evidence against:
        Tallest rises at all phases; a stated period that they do not keep. Blind spot: fewer than four
        updates in the log, and logging so sparse that an update is not seen.

    What to do:
        Nothing, if the level between the leaps falls. Else update softly (tau near 0.005) or less often, and
        let the learning rate of the critic be small enough to follow.
    """

    id: str = "target-update"
    prior: float = 0.05
    of_falls: bool = False
    calibrated: bool = False

    def applies(self, run: Run, loss: Series) -> bool:
        """To what is learnt from a target network, and to actors that follow it."""
        return run.loss_kind(loss) in {LossKind.VALUE, LossKind.ACTOR}

    def judge(self, case: Case) -> Judgement:
        """Do the tallest rises keep a period, and is this jump one of them?"""
        found = beat(case.loss, tuple(stated_updates(case.run)))
        if found is None:
            return Judgement(Tier.TRIGGER, checkable=False, missing=(_give(),))
        if found.chance >= ALMOST:
            return Judgement(Tier.TRIGGER, (_no_beat(found),))
        if not found.has(case.begin, case.loss.interval):
            return Judgement(Tier.TRIGGER, (_off_beat(case, found),), ruled_out=True)
        return Judgement(
            Tier.TRIGGER,
            (_on_beat(found), *_stated(found)),
            decisive=found.chance < BY_CHANCE,
            advice=(_advice(found),),
            mechanism=say(
                "The tallest rises come every {period:,.0f} steps, as when a target network is replaced: all "
                "targets move at once.",
                period=found.period,
            ),
        )


def _on_beat(found: Beat) -> Evidence:
    reading = say(
        "{hits} of the {tallest} tallest rises come every {period:,.0f} steps; by chance {chance:.1g}.",
        hits=found.hits,
        tallest=found.tallest,
        period=found.period,
        chance=found.chance,
    )
    return weigh("on-beat", found.bans, observed=found.chance, reference=BY_CHANCE, reading=reading)


def _stated(found: Beat) -> Iterator[Evidence]:
    if found.source is not None:
        reading = say("{source} states that period.", source=found.source)
        yield weigh("stated", 1.0, observed=found.period, reading=reading)


def _no_beat(found: Beat) -> Evidence:
    reading = say(
        "The tallest rises keep no period: {hits} of {tallest} share a phase at best (chance {chance:.2g}).",
        hits=found.hits,
        tallest=found.tallest,
        chance=found.chance,
    )
    return weigh("no-beat", -1.0, observed=found.chance, reference=BY_CHANCE, reading=reading)


def _off_beat(case: Case, found: Beat) -> Evidence:
    reading = say(
        "Step {step:,} is none of the updates every {period:,.0f} steps.",
        step=case.begin,
        period=found.period,
    )
    return weigh("off-beat", -2.0, observed=float(case.begin), reference=found.period, reading=reading)


def _give() -> Advice:
    return Advice(
        say("State how often the target network is replaced: a hard update lets the loss leap."),
        "spikediag analyze RUN --fact target_update_interval=N",
    )


def _advice(found: Beat) -> Advice:
    return Advice(
        say(
            "Replace the target network softly instead of every {period:,.0f} steps, or accept the leaps: "
            "they do no harm while the level between them falls.",
            period=found.period,
        ),
        "tau = 0.005",
        2,
    )
