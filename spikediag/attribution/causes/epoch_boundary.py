"""epoch-boundary: the jumps come at a fixed phase of an epoch, or of another exact period."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from spikediag.attribution.loglines import log_line
from spikediag.attribution.protocol import Judgement, cause
from spikediag.attribution.settings import batch_and_dataset, interval
from spikediag.model import Advice, Case, Evidence, IntArray, Kind, Role, Run, Tier, say

SAMPLED_STEPS = 20_000  # logged steps are regular: so many show how often each phase is logged


@dataclass(frozen=True)
class Phase:
    """How the peaks fall on one period."""

    period: float  # steps
    name: str  # what has this period
    hits: int  # peaks at the commonest phase
    peaks: int
    chance: float  # p-value, all phases and periods tried


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
    longest_period: int = 400  # logged points, for periods nobody stated

    def judge(self, case: Case) -> Judgement:
        """Test the stated periods, then every period of the log."""
        peaks = peak_steps(case)
        stated = dict(stated_periods(case.run))
        if len(peaks) < self.fewest:
            return self._too_few(case, len(peaks), stated)
        loss = case.run.series[case.spike.tag]
        tested = [phase(peaks, loss.steps, period, name) for period, name in stated.items()]
        if not any(p.chance < self.chance for p in tested):
            tested += list(self._searched(peaks, loss.steps, interval(loss)))
        best = min(tested, key=lambda p: p.chance, default=None)
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
        reading = say("{peaks} peak(s): too few to see a period.", peaks=peaks)
        return Judgement(
            Tier.TRIGGER,
            (Evidence("too-few", reading, -0.5, peaks, self.fewest),),
            checkable=False,
            missing=missing,
        )

    def _searched(self, peaks: IntArray, steps: IntArray, gap: float) -> Iterator[Phase]:
        """Every period of two or more logged points; the chance counts how many were tried."""
        longest = min(self.longest_period, len(steps) // 3)
        for points in range(2, longest + 1):
            found = phase(peaks, steps, points * gap, "searched")
            yield Phase(found.period, found.name, found.hits, found.peaks, min(1.0, found.chance * longest))


def peak_steps(case: Case) -> IntArray:
    """Steps of the peaks: of every member of a train and of every other transient of the same loss."""
    loss = case.run.series[case.spike.tag]
    peaks = {int(loss.steps[m.peak]) for m in case.spike.members} | {case.spike.peak_step}
    for spike in case.spikes.get(case.spike.tag, ()):
        if spike.kind is Kind.TRANSIENT and spike.height > 0.25 * case.spike.height:
            peaks.add(spike.peak_step)
    return np.array(sorted(peaks), dtype=np.int64)


def stated_periods(run: Run) -> Iterator[tuple[float, str]]:
    """Periods that the configuration or the epoch counter implies, in steps."""
    both = batch_and_dataset(run)
    if both is not None and run.step_unit == "step":
        epoch = (both[1].number or 1.0) / (both[0].number or 1.0)
        for period in {float(np.floor(epoch)), float(np.ceil(epoch)), epoch}:
            if period >= 2:
                yield period, "epoch"
    for name in (
        "target_update_interval",
        "target_update_period",
        "target_network_frequency",
        "eval_interval",
    ):
        number = run.fact(name).number
        if number is not None and number >= 2:
            yield number, name


def phase(peaks: IntArray, steps: IntArray, period: float, name: str) -> Phase:
    """The commonest phase of the peaks against how often logged points have that phase (binomial)."""
    bins = int(max(2, min(round(period), 20)))
    of_peaks = np.floor(np.mod(peaks, period) / period * bins).astype(np.int64)
    steps = steps[-SAMPLED_STEPS:]
    of_steps = np.floor(np.mod(steps, period) / period * bins).astype(np.int64)
    share = np.bincount(of_steps, minlength=bins + 1) / len(steps)
    hits = np.bincount(of_peaks, minlength=bins + 1)
    tails = np.asarray(stats.binom.sf(hits - 1, len(peaks), np.clip(share, 1 / len(steps), 1.0)))
    used = int(np.count_nonzero(share))
    best = int(np.argmin(tails))
    return Phase(period, name, int(hits[best]), len(peaks), min(1.0, float(tails[best]) * used))


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
