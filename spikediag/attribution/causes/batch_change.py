"""batch-change: from a restart on, an update sees fewer samples, and the loss is noisier."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.attribution.case import Case
from spikediag.attribution.causes.resume import boundaries
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.quantities import Quantity, measuring, switches
from spikediag.model import Advice, Evidence, FactName, LossKind, Run, Series, Shape, Tier, say

DELAY = 3.0  # steps: the next batch shows it
HORIZON = 1000.0, 20.0  # steps or logged points; the onset of a growing scatter is known that well
TOLERANCE = 0.12  # |log ratio| of the noise from the root of a whole number
LARGEST = 64  # times fewer samples that are thought of
COUNTS = (FactName.GRADIENT_ACCUMULATION, FactName.WORLD_SIZE)


@registry.register
@dataclass(frozen=True)
class BatchChange:
    """The batch of one update became smaller, most often where the training was started again.

    What it means:
        Fewer workers, another number of accumulated batches or another setting after a restart: the loss is
        a mean over fewer samples. Its scatter grows by the root of the factor while its level stays, and
        every update is noisier at the same learning rate.

    Evidence for:
        The scatter grows for good at a restart, or where a logged batch size changes; by the root of a
        number of workers or of accumulated batches.

    Evidence against:
        A jump that is over, or a level that moves; a scatter that grows while one process runs and a logged
        batch size stays. Blind spot: a batch that grows makes the loss calmer, which is no finding.

    What to do:
        Restore the product of batch, accumulation and workers, or change the learning rate with it; log the
        batch size as a scalar.
    """

    id: str = "batch-change"
    prior: float = 0.05
    of_falls: bool = False
    calibrated: frozenset[LossKind] = frozenset()

    def applies(self, run: Run, loss: Series) -> bool:
        """Where the training was started again, or a batch size is logged."""
        del loss
        return bool(boundaries(run)) or bool(measuring(run, Quantity.BATCH))

    def judge(self, case: Case) -> Judgement:
        """Did the scatter grow for good where the batch changed, or may have?"""
        if case.spike.shape is not Shape.NOISE or case.spike.recovered:
            reading = say("A smaller batch makes a loss noisier for good; this is another change.")
            evidence = weigh("no-noise", -2.0, observed=case.spike.kind.value, reading=reading)
            return Judgement(Tier.TRIGGER, (evidence,), ruled_out=True)
        logged, restarts = tuple(_logged(case)), tuple(_restarted(case))
        if not logged and not restarts:
            reading = say("No restart and no change of a logged batch size comes before it.")
            return Judgement(Tier.TRIGGER, (weigh("no-change", -2.0, reading=reading),), ruled_out=True)
        found = (*logged, *restarts)
        return Judgement(
            Tier.TRIGGER,
            (*found, *_root(case)),
            decisive=found[0].weight > 0,
            advice=(_advice(),),
            mechanism=say(
                "{tag} scatters {ratio:.1f} times as far from there on, as a mean over {samples:.0f} times "
                "fewer samples does.",
                tag=case.spike.tag,
                ratio=_ratio(case),
                samples=_ratio(case) ** 2,
            ),
        )


def _ratio(case: Case) -> float:
    """The scatter after over the scatter before."""
    return 1 + case.spike.height / case.spike.noise if case.spike.noise > 0 else math.inf


def _logged(case: Case) -> Iterator[Evidence]:
    """A logged batch size that becomes smaller, the most telling first."""
    found = []
    for series in measuring(case.run, Quantity.BATCH):
        known = switches(series)
        near = [s for s in known if s.after < s.before and abs(case.begin - s.step) <= case.reach(*HORIZON)]
        if near:
            last = min(near, key=lambda s: abs(case.begin - s.step))
            reading = say(
                "{tag} fell from {before:g} to {after:g} at step {step:,}.",
                tag=series.tag,
                before=last.before,
                after=last.after,
                step=last.step,
            )
            bans = case.precedence(last.step, (DELAY + case.slack(series),), len(known))
            found.append(
                weigh("batch-fell", bans, observed=last.after, reference=last.before, reading=reading)
            )
    yield from sorted(found, key=lambda e: -e.weight)


def _restarted(case: Case) -> Iterator[Evidence]:
    found = boundaries(case.run)
    near = [b for b in found if abs(case.begin - b.step) <= max(case.reach(*HORIZON), case.slack())]
    if near:
        nearest = min(near, key=lambda b: abs(case.begin - b.step))
        reading = say(
            "The scatter grows for good at step {onset:,}; a new process begins at step {step:,}.",
            onset=case.begin,
            step=nearest.step,
        )
        bans = case.precedence(nearest.step, (DELAY + case.slack(), 100.0), len(found))
        yield weigh(
            "noisier-after-restart", bans, observed=nearest.step, reference=case.begin, reading=reading
        )


def _root(case: Case) -> Iterator[Evidence]:
    """Whether the scatter grew by the root of a number that the batch may have been divided by."""
    ratio = _ratio(case)
    stated = {case.run.fact(name).number for name in COUNTS} - {None, 1}
    counts = [float(n) for n in stated if n is not None] + [2.0**k for k in range(1, 7)]
    near = [n for n in counts if n <= LARGEST and abs(math.log(ratio) - 0.5 * math.log(n)) <= TOLERANCE]
    if near:
        reading = say("It grew {ratio:.2f} times, about the root of {count:g}.", ratio=ratio, count=near[0])
        weight = 0.5 if near[0] in stated else 0.2
        yield weigh("root-of-count", weight, observed=ratio, reference=math.sqrt(near[0]), reading=reading)


def _advice() -> Advice:
    return Advice(
        say(
            "Compare batch, accumulation and workers before and after; restore their product, or lower the "
            "learning rate with it."
        ),
        None,
        1,
    )
