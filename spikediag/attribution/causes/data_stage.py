"""data-stage: the data changed by plan, a stage, a mixture, a curriculum or a sequence length."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag import phrases
from spikediag.attribution.advice import line
from spikediag.attribution.case import Case, precedence
from spikediag.attribution.protocol import Judgement, registry, weigh
from spikediag.attribution.quantities import CHANGED, Quantity, Switch, measuring, switches, witnesses_of
from spikediag.model import Advice, Evidence, LossKind, Run, Series, Tier, say

DELAYS = (3.0, 100.0)  # steps after which a change of the data shows: at the next batch, or as weights follow
HORIZON = 1000.0, 20.0  # steps or logged points; later, the stage is not new
SETTLED = 10  # logged points on either side that a stage lasts at least
TOKENS = 0.1  # |log factor| of the samples or tokens of a step
DECISIVE = 0.3  # bans


@registry.register
@dataclass(frozen=True)
class DataStage:
    """The data changed by plan: another stage, mixture, difficulty or sequence length.

    What it means:
        A curriculum goes on to harder tasks, a mixture is re-weighted, sequences become longer. The loss is
        measured on other data from that step on, so its level says nothing of the model; the optimizer
        meets gradients that it has no memory of.

    Evidence for:
        A logged stage, weight, difficulty or sequence length steps at the onset or shortly before, and
        rarely elsewhere; another loss moved at that step, before this one; from there on a step holds more
        or fewer samples or tokens.

    Evidence against:
        A logged stage that stays; a step that comes after the loss. Blind spot: an order of the data that
        nothing logs, as in shards of different sources.

    What to do:
        Judge by a held-out loss of each source. Blend the stages over some thousand steps, and warm the
        learning rate up again at the switch.
    """

    id: str = "data-stage"
    prior: float = 0.03
    of_falls: bool = True
    calibrated: frozenset[LossKind] = frozenset({LossKind.CROSS_ENTROPY})

    def applies(self, run: Run, loss: Series) -> bool:
        """Where such a setting is logged, and to language models, which are trained in stages."""
        return bool(measuring(run, Quantity.STAGE)) or run.loss_kind(loss) is LossKind.CROSS_ENTROPY

    def judge(self, case: Case) -> Judgement:
        """Did a setting of the data step just before the jump?"""
        settings = tuple(s for s in measuring(case.run, Quantity.STAGE) if len(switches(s)) or _constant(s))
        steps = _steps(case, settings)
        size = tuple(_size_of_a_step(case))
        also = () if steps else tuple(_moved(case, settings))
        if not settings and not size and not also:
            return Judgement(Tier.TRIGGER, checkable=False, missing=(_log(case.run),))
        if not steps and not size and not also:
            return Judgement(Tier.TRIGGER, (_stays(case, settings),), ruled_out=True)
        best = max((*steps, *size, *also), key=lambda e: e.weight)
        return Judgement(
            Tier.TRIGGER,
            (*steps, *size, *also),
            decisive=bool(steps or size) and best.weight > DECISIVE,
            advice=_advice(),
            mechanism=say("The data changed there: {what}", what=best.reading),
        )


def _constant(series: Series) -> bool:
    _, values = series.numbers
    return len(values) > SETTLED and float(np.ptp(values)) <= CHANGED * float(np.max(np.abs(values)))


def _steps(case: Case, settings: tuple[Series, ...]) -> tuple[Evidence, ...]:
    """The most telling setting that stepped before the jump or with it, and the loss that moved with that."""
    found = []
    for series in settings:
        known = switches(series)
        reach = case.reach(*HORIZON)
        near = [s for s in known if case.begin - s.step <= reach and not case.lag(series, s.step).follows]
        if near:
            last = max(near, key=lambda s: s.step)
            delays = (max(DELAYS[0], 0.5 * case.slack(series)), *DELAYS[1:])
            bans = case.precedence(last.step, delays, len(known))
            led = tuple(_led(case, last, bans, len(known)))
            found.append((_stepped(case, series, last, bans, len(known)), *led))
    return max(found, key=lambda evidence: sum(e.weight for e in evidence), default=())


def _led(case: Case, switch: Switch, bans: float, alike: int) -> Iterator[Evidence]:
    """Another loss that moved at the switch, and this one after it: a rare loss shows it late."""
    witness = case.ahead(switch.step)
    if witness is not None:
        lag = float(case.begin - witness.lag.steps - switch.step)
        delays = (max(DELAYS[0], 1.5 * case.run.series[witness.tag].interval), *DELAYS[1:])
        reading = phrases.moved_with(witness)
        weight = max(0.0, precedence(lag, case.length, delays, alike) - bans)
        yield weigh("loss-moved-there", weight, observed=lag, reference=0.0, reading=reading)


def _stepped(case: Case, series: Series, switch: Switch, bans: float, alike: int) -> Evidence:
    lag = float(case.begin - switch.step)
    reading = say(
        "{tag} went from {before:g} to {after:g} at step {step:,}; the jump begins at {onset:,}, and such "
        "steps in the run: {alike}.",
        tag=series.tag,
        before=switch.before,
        after=switch.after,
        step=switch.step,
        onset=case.begin,
        alike=alike,
    )
    return weigh("stage-stepped", bans, observed=lag, reference=0.0, reading=reading)


def _moved(case: Case, settings: tuple[Series, ...]) -> Iterator[Evidence]:
    """A length or a share that is a mean of the batch, and left its usual range."""
    early = [w for w in witnesses_of(case, Quantity.STAGE) if not w.lag.follows]
    if early and all(early[0].tag != s.tag for s in settings):
        yield weigh("data-moved", 1.0, observed=early[0].at, reading=phrases.moved_with(early[0]))


def _size_of_a_step(case: Case) -> Iterator[Evidence]:
    """Whether a counter of samples or tokens climbs by other amounts from the jump on."""
    for series in measuring(case.run, Quantity.SEEN):
        steps, values = series.numbers
        rates = np.diff(values) / np.diff(steps)
        before, after = rates[steps[1:] < case.begin][-SETTLED:], rates[steps[:-1] >= case.begin][:SETTLED]
        if min(len(before), len(after)) < SETTLED or min(*before, *after) <= 0:
            continue
        low, high = (np.log(part) for part in (before, after))
        factor = float(np.median(high) - np.median(low))
        if abs(factor) < TOKENS or float(max(np.ptp(low), np.ptp(high))) > 0.5 * abs(factor):
            continue
        reading = say(
            "{tag} climbs by {after:,.4g} a step from the jump on, by {before:,.4g} before.",
            tag=series.tag,
            after=float(np.exp(np.median(high))),
            before=float(np.exp(np.median(low))),
        )
        yield weigh("step-size", 2.0, observed=factor, reference=0.0, reading=reading)
        return


def _stays(case: Case, settings: tuple[Series, ...]) -> Evidence:
    tags, horizon = ", ".join(series.tag for series in settings), case.reach(*HORIZON)
    if case.is_all_before(horizon):
        reading = say("{tags} did not change before the jump.", tags=tags)
    else:
        reading = say(
            "{tags} did not change in the {horizon:,.0f} steps before the jump.", tags=tags, horizon=horizon
        )
    return weigh("stage-stays", -2.0, observed=float(case.begin), reading=reading)


def _log(run: Run) -> Advice:
    return Advice(
        say("Log which stage, mixture and sequence length each step is trained on: it shows a switch."),
        line(run, "log_stage"),
    )


def _advice() -> tuple[Advice, ...]:
    return (
        Advice(
            say(
                "Judge by a held-out loss of each source; blend the stages over some thousand steps and warm "
                "the learning rate up again at the switch."
            ),
            None,
            1,
        ),
    )
