"""A spike too short to decide alone, judged together with the other spikes of its loss."""

import math
from dataclasses import replace

from spikediag.coupling.companion import answer_of
from spikediag.coupling.margin import NEEDED_SHARE
from spikediag.model import CompanionTest, Coupling, CouplingVerdict, Kind, Run, Shape, Spike, Text, say

FEWEST = 5  # excursions that together say more than one
MARGINS = 5.0  # a rise this many margins high would stand out in one spike, whatever the others do


def pool(alone: Coupling, spike: Spike, run: Run, others: tuple[Spike, ...]) -> Coupling:
    """Decide an undecided spike by all spikes of its loss, if over all of them the error did not move.

    Args:
        alone: What the spike says by itself.
        spike: The spike.
        run: The run.
        others: Every spike of the same loss.
    """
    together = _together(spike, others)
    if together is None or not _imprecise(alone):
        return alone
    own = alone.tests[0]
    test = answer_of(run.series[own.tag], together, run)
    if test is None or test.verdict is not CouplingVerdict.DECOUPLED:
        return alone
    here = replace(
        test, before=own.before, during=own.before + test.change
    )  # the level is that of this spike
    tests = here, *alone.tests[1:]
    return Coupling(CouplingVerdict.DECOUPLED, tests, _reading(test, own, together), pooled=together.count)


def _reading(test: CompanionTest, own: CompanionTest, together: Spike) -> Text:
    return say(
        "{together}; at this one alone {own:+.3g}, with an interval of {own_low:+.3g} to {own_high:+.3g} too "
        "wide to tell.",
        together=_over_all(test, together),
        own=own.change,
        own_low=own.low,
        own_high=own.high,
    )


def _over_all(test: CompanionTest, together: Spike) -> Text:
    numbers: dict[str, float] = {name: getattr(test, name) for name in ("change", "low", "high", "margin")}
    if test.may_be_better:
        return say(
            "{tag} did not get worse over the {count} jumps of {loss} together: change {change:+.3g} (90 % "
            "interval {low:+.3g} to {high:+.3g}), worse by more than the margin of {margin:.3g} is ruled out",
            tag=test.tag,
            count=together.count,
            loss=together.tag,
            **numbers,
        )
    return say(
        "{tag} did not move over the {count} jumps of {loss} together: change {change:+.3g} (90 % interval "
        "{low:+.3g} to {high:+.3g}), inside the margin of {margin:.3g}",
        tag=test.tag,
        count=together.count,
        loss=together.tag,
        **numbers,
    )


def _together(spike: Spike, others: tuple[Spike, ...]) -> Spike | None:
    """All bursts of one loss as members of one train; None for fewer than five."""
    bursts = {spike, *(s for s in others if s.tag == spike.tag)}
    if spike.shape is not Shape.BURST or spike.kind is Kind.TRAIN:
        return None
    members = {e for s in bursts if s.shape is Shape.BURST and s.recovered for e in s.excursions}
    if len(members) < FEWEST:
        return None
    ordered = tuple(sorted(members, key=lambda e: e.start))
    return replace(spike, kind=Kind.TRAIN, members=ordered, count=len(ordered))


def _imprecise(alone: Coupling) -> bool:
    """Whether only the width of the interval kept one spike from a verdict."""
    if alone.verdict is not CouplingVerdict.UNDECIDED or not alone.tests:
        return False
    test = alone.tests[0]
    return (
        test.verdict is CouplingVerdict.UNDECIDED
        and test.blind is None
        and test.strayed_at is None
        and math.isfinite(test.low + test.high)
        and max(abs(test.low), abs(test.high)) < _visible(test)
    )


def _visible(test: CompanionTest) -> float:
    most = MARGINS * test.margin
    return most if test.needed is None else min(most, NEEDED_SHARE * test.needed)
