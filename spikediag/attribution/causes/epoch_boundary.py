"""epoch-boundary: the jumps come at a fixed phase of an epoch, or of another exact period."""

from dataclasses import dataclass

import numpy as np

from spikediag.attribution.advice import line, to_log
from spikediag.attribution.case import Case
from spikediag.attribution.periods import BY_CHANCE, FEWEST_PEAKS, Phase, stated_periods
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.model import Advice, Evidence, LossKind, Role, Run, Series, Tier, say


@registry.register
@dataclass(frozen=True)
class EpochBoundary:
    """The jumps come with an exact period: the end of an epoch, a target-network update.

    What it means:
        What happens once per period makes the loss jump: a short last batch whose mean is noisy, a
        reshuffle, a target network that is replaced, an evaluation that leaves the model in another mode.

    Evidence for:
        The peaks of a train of spikes share one phase of the epoch, or of another period, far more often
        than chance allows.

    Evidence against:
        Peaks at all phases of the known period. A single jump cannot be told from chance.

    What to do:
        Drop the short last batch or weight it by its size, shuffle, update target networks softly.
    """

    id: str = "epoch-boundary"
    prior: float = 0.05
    of_falls: bool = True
    calibrated: bool = False

    def applies(self, run: Run, loss: Series) -> bool:
        """To all but critics and the actors that follow them: `target-update` speaks of their periods."""
        return run.loss_kind(loss) not in {LossKind.VALUE, LossKind.ACTOR}

    def judge(self, case: Case) -> Judgement:
        """Test the stated periods, then every period of the log."""
        if len(case.peaks) < FEWEST_PEAKS:
            return _too_few(case)
        best = case.period
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
