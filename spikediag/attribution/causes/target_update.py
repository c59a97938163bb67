"""target-update: the loss leaps whenever the target network is replaced."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag import phrases
from spikediag.attribution.case import Case
from spikediag.attribution.periods import BY_CHANCE, NEAR_BEAT, Beat, beat, off_period, stated_updates
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.model import Advice, Evidence, LossKind, Role, Run, Series, Tier, say
from spikediag.stats.medians import median

ALMOST = 0.05  # chance up to which a beat is worth a word
SOON = 0.05  # of the period, within which a fall or a late leap follows an update
TALL, MOST = 0.5, 0.5  # share of the tallest of a train that tall ones reach; of them that come soon after
LEVEL_POINTS = 20  # logged points before an update that give the level
BACK = 0.5, 1.2  # share of the rise at an update that a fall takes back
ROUND = 100  # steps; people state periods in round numbers
FEWEST_APART = 20  # logged points between round steps, so that lying right after one says something


@registry.register
@dataclass(frozen=True)
class TargetUpdate:
    """The target network was replaced: all targets moved at once, and the critic had to follow.

    What it means:
        With a hard update every n steps the targets stand still in between and leap at the update. The
        critic's error is largest right after it and shrinks until the next: leaps at equal distances, the
        tallest of the run among them.

    Evidence for:
        The tallest rises of the loss, or of another critic or actor of the run, come at one phase of a
        period, far more often than chance allows; the configuration states that period. Of a single leap:
        it begins at a multiple of the stated period, or, weaker, right after a round number of steps; of a
        lasting fall: it follows an update soon, or takes back what the loss had risen by there.

    Evidence against:
        Tallest rises at all phases; a stated period that they do not keep. Blind spot: fewer than four
        updates in the log, and logging so sparse that an update is not seen.

    What to do:
        Nothing, if the level between the leaps falls. Else update softly (tau near 0.005) or less often, and
        let the learning rate of the critic be small enough to follow.
    """

    id: str = "target-update"
    prior: float = 0.05
    of_falls: bool = True  # what is learnt from other targets may lie lower
    calibrated: frozenset[LossKind] = frozenset({LossKind.VALUE})

    def applies(self, run: Run, loss: Series) -> bool:
        """To what is learnt from a target network, and to actors that follow it."""
        return run.loss_kind(loss) in {LossKind.VALUE, LossKind.ACTOR}

    def judge(self, case: Case) -> Judgement:
        """Do the tallest rises keep a period, and is this jump one of them?"""
        stated = tuple(stated_updates(case.run))
        if case.spike.is_fall:
            return _by_others(case, stated) or _of_fall(case, stated)
        found = beat(case.loss, stated)
        if found is None or found.chance >= ALMOST:
            return _by_others(case, stated) or _by_one_leap(case, stated, found)
        if not _keeps_to(found, case):
            return Judgement(Tier.TRIGGER, (_off_beat(case, found),), ruled_out=True)
        return _keeps(found, (_on_beat(found), *_stated(found)))


def _keeps_to(found: Beat, case: Case) -> bool:
    """Whether a jump begins with an update, or the tall ones of a train soon after: some are seen late."""
    if found.has(case.begin, case.loss.interval) or not case.is_train:
        return found.has(case.begin, case.loss.interval)
    members, values = case.spike.excursions, case.loss.values
    tall = case.spike.baseline + TALL * (case.spike.peak_value - case.spike.baseline)
    steps = case.loss.steps[[one.start for one in members if values[one.peak] >= tall]]
    late = (steps - found.first + NEAR_BEAT * case.loss.interval) % found.period
    return bool(np.mean(late <= SOON * found.period) >= MOST)


def _keeps(found: Beat, evidence: tuple[Evidence, ...]) -> Judgement:
    """A jump on a beat."""
    return Judgement(
        Tier.TRIGGER,
        evidence,
        decisive=found.chance < BY_CHANCE,
        advice=(_advice(found.period),),
        mechanism=say(
            "The tallest rises come every {period:,.0f} steps, as when a target network is replaced: all "
            "targets move at once.",
            period=found.period,
        ),
    )


def _by_others(case: Case, stated: tuple[tuple[float, str], ...]) -> Judgement | None:
    """A jump on the beat of another loss that is learnt from the same targets; None where there is none."""
    beats = [known for known in _beats(case.run, stated) if known[1] != case.spike.tag]
    found, tag = min(beats, key=_by_chance, default=(None, ""))
    if found is None or not found.has(case.begin, case.loss.interval):
        return None
    reading = say(
        "{hits} of the {tallest} tallest rises of {tag} come every {period:,.0f} steps, and this is one of "
        "those steps; by chance {chance:.1g}.",
        hits=found.hits,
        tallest=found.tallest,
        tag=tag,
        period=found.period,
        chance=found.chance,
    )
    evidence = weigh("others-beat", found.bans, observed=found.chance, reference=BY_CHANCE, reading=reading)
    return _keeps(found, (evidence, *_stated(found)))


def _beats(run: Run, stated: tuple[tuple[float, str], ...]) -> Iterator[tuple[Beat, str]]:
    """The beats of the critics and actors of a run, each with its tag."""
    for series in run.having(Role.LOSS):
        learnt = run.loss_kind(series) in {LossKind.VALUE, LossKind.ACTOR}
        found = beat(series, stated) if learnt else None
        if found is not None and found.chance < BY_CHANCE:
            yield found, series.tag


def _by_chance(known: tuple[Beat, str]) -> tuple[float, str]:
    return known[0].chance, known[1]


def _of_fall(case: Case, stated: tuple[tuple[float, str], ...]) -> Judgement:
    """A fall soon after an update that a loss of the run shows: suspected, as its onset is less sharp."""
    found, tag = min(_beats(case.run, stated), key=_by_chance, default=(None, ""))
    after = (case.begin - found.first) % found.period if found is not None else 0.0
    if found is not None and not case.is_burst and (back := tuple(_way_back(case, case.begin - after))):
        return _keeps(found, back)
    if found is None or case.is_burst or after > SOON * found.period:
        reading = say("{tag} fell, and not soon after an update of a target network.", tag=case.spike.tag)
        return Judgement(Tier.TRIGGER, (weigh("fell", -2.0, reading=reading),), ruled_out=True)
    reading = say(
        "The fall begins {after:,.0f} steps after an update of the target network, every {period:,.0f} steps "
        "by the tallest rises of {tag}.",
        after=after,
        period=found.period,
        tag=tag,
    )
    evidence = weigh("soon-after", 1.0, observed=after, reference=found.period, reading=reading)
    return Judgement(Tier.TRIGGER, (evidence,), advice=(_advice(found.period),))


def _way_back(case: Case, update: float) -> Iterator[Evidence]:
    """Whether a fall takes back what the loss had risen by at the last update."""
    spike, before = case.spike, case.loss.before(update)[-LEVEL_POINTS:]
    risen = spike.baseline - median(before) if len(before) else 0.0
    if risen > 0 and BACK[0] <= -spike.height / risen <= BACK[1]:
        reading = say(
            "{tag} had risen by {risen:.3g} at the last update, step {update:,.0f}, and falls back by "
            "{fell:.3g}.",
            tag=spike.tag,
            risen=risen,
            update=update,
            fell=-spike.height,
        )
        yield weigh("way-back", 1.5, observed=-spike.height, reference=risen, reading=reading)


def _by_one_leap(case: Case, stated: tuple[tuple[float, str], ...], found: Beat | None) -> Judgement:
    """What the place of one leap says where no beat can be told."""
    interval = case.loss.interval
    told = next((known for known in stated if not off_period(case.begin, known[0], interval)), None)
    if told is not None:
        period, source = told
        reading = say(
            "The jump begins at step {step:,}, right where the target network is replaced, every "
            "{period:,.0f} steps ({source}).",
            step=case.begin,
            period=period,
            source=source,
        )
        weight = min(1.5, -math.log10(min(1.0, (2 * NEAR_BEAT + 1) * interval / period)))
        evidence = weigh("at-update", weight, observed=case.begin, reference=period, reading=reading)
        return Judgement(Tier.TRIGGER, (evidence,), advice=(_advice(period),))
    no_beat = (_no_beat(found),) if found is not None else ()
    rounded = () if stated else tuple(_round(case))
    if not rounded:
        return Judgement(
            Tier.TRIGGER, no_beat, checkable=bool(no_beat), missing=() if no_beat else (_give(),)
        )
    return Judgement(Tier.TRIGGER, (*rounded, *_together(case)), missing=(_give(),))


def _together(case: Case) -> Iterator[Evidence]:
    """Another loss that is learnt from the same targets and moved at the same logged point."""
    for witness in case.witnesses.moved:
        series = case.run.series[witness.tag]
        learnt = case.run.loss_kind(series) in {LossKind.VALUE, LossKind.ACTOR}
        if series.role is Role.LOSS and learnt and not witness.lag.leads and not witness.lag.follows:
            reading = phrases.moved_with(witness)
            yield weigh("moved-together", 0.5, observed=witness.lag.steps, reading=reading)
            return


def _round(case: Case) -> Iterator[Evidence]:
    """Whether a critic leaps once in the log, at once after a round step."""
    after = case.begin % ROUND
    alone = not case.is_train and case.rise.after >= case.begin - case.loss.interval
    if alone and case.begin >= ROUND and after <= case.loss.interval <= ROUND / FEWEST_APART:
        reading = say(
            "The jump begins at step {step:,}, right after {round:,}: a hard update of the target network "
            "every {round:,} steps is suspected.",
            step=case.begin,
            round=case.begin - after,
        )
        yield weigh("round-step", 0.7, observed=case.begin, reference=case.begin - after, reading=reading)


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
        "No period of the tallest rises is more than chance: {hits} of {tallest} share a phase "
        "(chance {chance:.2g}).",
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


def _advice(period: float) -> Advice:
    return Advice(
        say(
            "Replace the target network softly instead of every {period:,.0f} steps, or accept the leaps: "
            "they do no harm while the level between them falls.",
            period=period,
        ),
        "tau = 0.005",
        2,
    )
