"""epoch-boundary: the jumps come at a fixed phase of an epoch, or of another exact period."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.attribution.advice import line, to_log
from spikediag.attribution.case import Case
from spikediag.attribution.periods import (
    BY_CHANCE,
    FEWEST_PEAKS,
    LastBatch,
    Passes,
    Phase,
    passes,
    stated_periods,
)
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.model import (
    Advice,
    CompanionTest,
    CouplingVerdict,
    Evidence,
    LossKind,
    Role,
    Run,
    Series,
    Text,
    Tier,
    say,
)

SHORT_BY_CHANCE = 0.01  # p-value below which peaks lie on the short last batch
STEP_BY_CHANCE = 0.05  # p-value below which falls lie where passes begin
LOWERED = 0.8  # of the learning rate before, below which it was lowered in a step
FEWEST_FALLS = 2  # where nothing states how long a pass is
_MOVED = {CouplingVerdict.PARTLY, CouplingVerdict.COUPLED}


@registry.register
@dataclass(frozen=True)
class EpochBoundary:
    """The jumps come with an exact period: the end of an epoch, a target-network update.

    What it means:
        What happens once per period makes the loss jump: a short last batch whose mean is noisy, a
        reshuffle, a target network that is replaced, an evaluation that leaves the model in another mode.
        A loss that steps down where a pass over the data begins sees samples again that it has learnt.

    Evidence for:
        The peaks of a train of spikes share one phase of the epoch, or of another period, far more often
        than chance allows; two lie on a last batch that is known to be short; a loss falls for good where a
        pass begins.

    Evidence against:
        Peaks at all phases of the known period. A single jump cannot be told from chance. For a fall: a
        learning rate that is lowered at the same step.

    What to do:
        Drop the short last batch or weight it by its size, shuffle, update target networks softly. Where
        the held-out loss rises as the training loss steps down: fewer passes, or more regularisation.
    """

    id: str = "epoch-boundary"
    prior: float = 0.05
    of_falls: bool = True
    calibrated: frozenset[LossKind] = frozenset()

    def applies(self, run: Run, loss: Series) -> bool:
        """To all but critics and the actors that follow them: `target-update` speaks of their periods."""
        return run.loss_kind(loss) not in {LossKind.VALUE, LossKind.ACTOR}

    def judge(self, case: Case) -> Judgement:
        """Test the stated periods, then every period of the log; falls that last, on passes of the data."""
        if case.spike.is_fall and not case.is_burst:
            return _steps_down(case)
        best = case.period if len(case.peaks) >= FEWEST_PEAKS else None
        if case.last_batch is not None and (best is None or not best.exact):
            return _short_batch(case.run, case.last_batch)
        if len(case.peaks) < FEWEST_PEAKS:
            return _too_few(case)
        if best is None or not best.exact:
            return Judgement(Tier.TRIGGER, (_no_period(best, len(case.peaks)),), ruled_out=True)
        return Judgement(
            Tier.TRIGGER,
            (_one_phase(best),),
            decisive=True,
            advice=_advice(case.run),
            mechanism=say(
                "{hits} of {peaks} peaks share one phase of a period of {period:g} steps ({name}).",
                hits=best.hits,
                peaks=best.peaks,
                period=best.period,
                name=best.name,
            ),
        )


def _short_batch(run: Run, last: LastBatch) -> Judgement:
    """Peaks on the batch that is known to scatter most: that one is no search, so that a few of them tell."""
    reading = say(
        "{hits} of {peaks} peak(s) lie on the last batch of a pass of {updates} updates, which holds "
        "{samples} sample(s) and not {of}; by chance {chance:.1g}.",
        hits=last.hits,
        peaks=last.peaks,
        updates=last.updates,
        samples=last.samples,
        of=last.of,
        chance=last.chance,
    )
    bans = min(2.0, -float(np.log10(max(last.chance, 1e-12))))
    return Judgement(
        Tier.TRIGGER,
        (weigh("short-batch", bans, observed=last.chance, reference=SHORT_BY_CHANCE, reading=reading),),
        decisive=last.chance < SHORT_BY_CHANCE,
        advice=_advice(run),
        mechanism=say(
            "The mean over the {samples} sample(s) of the last batch varies {times:.1f} times as much as "
            "that over {of}.",
            samples=last.samples,
            of=last.of,
            times=math.sqrt(last.of / last.samples),
        ),
    )


def _steps_down(case: Case) -> Judgement:
    """Whether a loss fell for good because the samples are seen again."""
    falls = [s.onset_step for s in case.loss_spikes if s.is_fall and s.shape is case.spike.shape]
    steps = np.array(sorted({*falls, case.spike.onset_step}), dtype=np.int64)
    found = passes(steps, case.loss, case.run)
    if found is None or (found.source is None and found.falls < FEWEST_FALLS):
        return Judgement(Tier.TRIGGER, checkable=False, missing=to_log(case.run, case.loss, Role.EPOCH))
    if not found.begins(case.spike.onset_step, case.loss.interval) or found.chance >= STEP_BY_CHANCE:
        return Judgement(Tier.TRIGGER, (_no_step(case, found),), ruled_out=found.source is not None)
    rates = tuple(case.run.having(Role.LEARNING_RATE))
    lowered = tuple(_lowered(case, rates))
    risen = tuple(t for t in case.coupling.tests if t.held_out and t.verdict in _MOVED and t.low > 0)
    return Judgement(
        Tier.TRIGGER,
        (_step(case, found), *lowered, *(_over_fits(test) for test in risen[:1])),
        decisive=not lowered and (found.source is not None or bool(rates)),
        advice=(_fewer_passes(case, found, risen),),
        mechanism=_seen_again(case, found, risen),
    )


def _lowered(case: Case, rates: tuple[Series, ...]) -> Iterator[Evidence]:
    """Whether a learning rate steps down there as well, which lets a loss fall, often at whole epochs."""
    onset = case.spike.onset_step
    for series in rates:
        before = series.values[series.finite & (series.steps < onset - case.slack(series))][-1:]
        after = series.values[series.finite & (series.steps > onset + case.slack(series))][:1]
        if before.size and after.size and 0 < after[0] < LOWERED * before[0]:
            reading = say(
                "{tag} falls there from {before:.2g} to {after:.2g}: a loss falls by that too.",
                tag=series.tag,
                before=float(before[0]),
                after=float(after[0]),
            )
            factor = float(after[0] / before[0])
            yield weigh("rate-lowered", -2.0, observed=factor, reference=LOWERED, reading=reading)
            return


def _step(case: Case, found: Passes) -> Evidence:
    numbers: dict[str, str | float] = {
        "tag": case.spike.tag,
        "hits": found.hits,
        "falls": found.falls,
        "length": found.length,
        "chance": found.chance,
    }
    reading = say(
        "{hits} of {falls} lasting falls of {tag} lie a multiple of {length:,.0f} steps from the start; by "
        "chance {chance:.1g}.",
        **numbers,
    )
    if found.source is not None:
        reading = say(
            "{hits} of {falls} lasting falls of {tag} lie where a pass over the data begins, every "
            "{length:,.0f} steps ({source}); by chance {chance:.1g}.",
            source=found.source,
            **numbers,
        )
    bans = -float(np.log10(max(found.chance, 1e-12)))
    return weigh(
        "pass-begins", min(2.0, bans), observed=found.chance, reference=STEP_BY_CHANCE, reading=reading
    )


def _no_step(case: Case, found: Passes) -> Evidence:
    reading = say(
        "Step {step:,} is not where a pass over the data begins, every {length:,.0f} steps.",
        step=case.spike.onset_step,
        length=found.length,
    )
    return weigh(
        "no-pass-begins", -2.0, observed=float(case.spike.onset_step), reference=found.length, reading=reading
    )


def _over_fits(test: CompanionTest) -> Evidence:
    reading = say(
        "{tag}, on held-out data, rose by {change:.3g} as the training loss stepped down.",
        tag=test.tag,
        change=test.change,
    )
    return weigh("held-out-rose", 0.5, observed=test.change, reference=0.0, reading=reading)


def _seen_again(case: Case, found: Passes, risen: tuple[CompanionTest, ...]) -> Text:
    again = say(
        "{tag} steps down where pass {number} over the data begins: its samples are seen again.",
        tag=case.spike.tag,
        number=found.number(case.spike.onset_step),
    )
    if not risen:
        return again
    return say(
        "{again} {tag} rose by {change:.3g}: it over-fits.",
        again=again,
        tag=risen[0].tag,
        change=risen[0].change,
    )


def _fewer_passes(case: Case, found: Passes, risen: tuple[CompanionTest, ...]) -> Advice:
    if risen:
        return Advice(
            say(
                "Train {passes} pass(es), or take the checkpoint from before step {step:,}; else regularise "
                "more, or add data.",
                passes=found.number(case.spike.onset_step) - 1,
                step=case.spike.onset_step,
            ),
            None,
            1,
        )
    return Advice(
        say("Nothing to mend in a step of the training loss; judge by the loss on held-out data."), None, 3
    )


def _too_few(case: Case) -> Judgement:
    peaks = len(case.peaks)
    if not case.is_burst:
        reading = say("The loss stays up; what happens once per epoch would come and go.")
        return Judgement(
            Tier.TRIGGER, (weigh("lasting", -2.0, observed=peaks, reading=reading),), ruled_out=True
        )
    stated = any(stated_periods(case.run))
    reading = say("Too few peaks to see a period: {peaks}.", peaks=peaks)
    return Judgement(
        Tier.TRIGGER,
        (weigh("too-few", -0.5, observed=peaks, reference=FEWEST_PEAKS, reading=reading),),
        checkable=False,
        missing=() if stated else to_log(case.run, case.loss, Role.EPOCH),
    )


def _one_phase(best: Phase) -> Evidence:
    reading = say(
        "{hits} of {peaks} peaks share one phase of a period of {period:g} steps ({name}); by chance "
        "{chance:.1g}.",
        hits=best.hits,
        peaks=best.peaks,
        period=best.period,
        name=best.name,
        chance=best.chance,
    )
    weight = min(2.0, -0.5 * float(np.log10(max(best.chance, 1e-12))))
    return weigh("one-phase", weight, observed=best.chance, reference=BY_CHANCE, reading=reading)


def _no_period(best: Phase | None, peaks: int) -> Evidence:
    chance = best.chance if best is not None else 1.0
    reading = say("The {peaks} peaks follow no period (chance {chance:.2g}).", peaks=peaks, chance=chance)
    return weigh("no-period", -1.0, observed=chance, reference=BY_CHANCE, reading=reading)


def _advice(run: Run) -> tuple[Advice, ...]:
    return (
        Advice(
            say("Drop the short last batch of an epoch, or weight its loss by its size."),
            line(run, "drop_short_batch"),
            1,
        ),
    )
