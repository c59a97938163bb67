"""epoch-boundary: the jumps come at a fixed phase of an epoch, or of another exact period."""

from dataclasses import dataclass

import numpy as np

from spikediag.attribution.loglines import log_line
from spikediag.attribution.periods import Phase, best_period, peak_steps, stated_periods
from spikediag.attribution.protocol import Judgement, cause
from spikediag.model import Advice, Case, Evidence, Kind, Role, Tier, say


@cause
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
    fewest: int = 5  # peaks for a phase to mean anything
    chance: float = 1e-3

    def judge(self, case: Case) -> Judgement:
        """Test the stated periods, then every period of the log."""
        peaks = peak_steps(case)
        if len(peaks) < self.fewest:
            return self._too_few(case, len(peaks), dict(stated_periods(case.run)))
        best = best_period(case, self.chance)
        if best is None or best.chance >= self.chance:
            return Judgement(Tier.TRIGGER, (_spread(best, len(peaks)),), ruled_out=True)
        return Judgement(
            Tier.TRIGGER,
            (_locked(best),),
            decisive=True,
            advice=_advice(),
            mechanism=say(
                "{hits} of {peaks} peaks share one phase of a period of {period:g} steps ({name}).",
                hits=best.hits,
                peaks=best.peaks,
                period=best.period,
                name=best.name,
            ),
        )

    def _too_few(self, case: Case, peaks: int, stated: dict[float, str]) -> Judgement:
        if case.spike.kind not in {Kind.TRANSIENT, Kind.TRAIN}:
            reading = say("The loss stays up; what happens once per epoch would come and go.")
            return Judgement(Tier.TRIGGER, (Evidence("lasting", reading, -2.0, peaks, None),), ruled_out=True)
        missing = () if stated else (log_line(case.run, Role.EPOCH),)
        reading = say("Too few peaks to see a period: {peaks}.", peaks=peaks)
        return Judgement(
            Tier.TRIGGER,
            (Evidence("too-few", reading, -0.5, peaks, self.fewest),),
            checkable=False,
            missing=missing,
        )


def _locked(best: Phase) -> Evidence:
    reading = say(
        "{hits} of {peaks} peaks share one phase of a period of {period:g} steps ({name}); by chance "
        "{chance:.1g}.",
        hits=best.hits,
        peaks=best.peaks,
        period=best.period,
        name=best.name,
        chance=best.chance,
    )
    return Evidence(
        "one-phase", reading, min(2.0, -0.5 * float(np.log10(max(best.chance, 1e-12)))), best.chance, 1e-3
    )


def _spread(best: Phase | None, peaks: int) -> Evidence:
    chance = best.chance if best is not None else 1.0
    reading = say("The {peaks} peaks follow no period (chance {chance:.2g}).", peaks=peaks, chance=chance)
    return Evidence("no-period", reading, -1.0, chance, 1e-3)


def _advice() -> tuple[Advice, ...]:
    return (
        Advice(
            say("Drop the short last batch of an epoch, or weight its loss by its size."),
            "DataLoader(dataset, batch_size=batch_size, shuffle=True, drop_last=True)",
            1,
        ),
    )
