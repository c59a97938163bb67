"""What one test says, in one or two sentences with its numbers."""

import math

from spikediag.model import CompanionTest, CouplingVerdict, Text, say
from spikediag.stats.equivalence import binomial_interval


def companion_reading(test: CompanionTest) -> Text:
    """Whether it moved, by how much, and what that rests on; held-out data are named as such."""
    text = _moved(test)
    if test.tested is not None and test.moved is not None and math.isfinite(test.low):
        text = say("{test} {members}", test=text, members=_members(test.moved, test.tested))
    if test.held_out:
        return say("On held-out data: {test}", test=text)
    return text


def _moved(test: CompanionTest) -> Text:
    if test.never_finite:
        return say("{tag} was no number either, from its first point on.", tag=test.tag)
    if not math.isfinite(test.change):
        return say("{tag} became non-finite together with the loss.", tag=test.tag)
    levels = _levels(test)
    if test.verdict is CouplingVerdict.DECOUPLED:
        return _stayed(test, levels)
    if test.verdict is CouplingVerdict.PARTLY:
        return _partly(test, levels)
    if test.verdict is CouplingVerdict.COUPLED:
        return _coupled(test, levels)
    return _undecided(test, levels)


def _stayed(test: CompanionTest, levels: Text) -> Text:
    if test.improved:
        return say("{tag} did not get worse, it got better: {levels}.", tag=test.tag, levels=levels)
    if test.may_be_better:
        return say(
            "{tag} did not get worse: {levels}; worse by more than the margin of {margin:.3g} is ruled out, "
            "better is not.",
            tag=test.tag,
            levels=levels,
            margin=test.margin,
        )
    return say(
        "{tag} did not move: {levels}, inside the margin of {margin:.3g}.",
        tag=test.tag,
        levels=levels,
        margin=test.margin,
    )


def _levels(test: CompanionTest) -> Text:
    numbers: dict[str, float] = {
        name: getattr(test, name) for name in ("before", "during", "change", "low", "high")
    }
    return say(
        "{before:.4g} before, {during:.4g} during, change {change:+.3g} (90 % interval {low:+.3g} to "
        "{high:+.3g})",
        **numbers,
    )


def _partly(test: CompanionTest, levels: Text) -> Text:
    if test.needed is None:
        return say(
            "{tag} moved by less than the margin of {margin:.3g}, but beyond its own noise: {levels}.",
            tag=test.tag,
            margin=test.margin,
            levels=levels,
        )
    return say(
        "{tag} moved, by {share:.2g} of what error alone would need: {levels}; {alone}.",
        tag=test.tag,
        share=test.change / test.needed,
        levels=levels,
        alone=_alone(test),
    )


def _coupled(test: CompanionTest, levels: Text) -> Text:
    if test.needed is None:
        return say("{tag} moved too: {levels}.", tag=test.tag, levels=levels)
    return say(
        "{tag} moved too: {levels}; {alone}.",
        tag=test.tag,
        levels=levels,
        alone=_alone(test),
    )


def _alone(test: CompanionTest) -> Text:
    return say(
        "error alone would need {needed:+.3g} for a jump of {jump:.3g} {price}",
        needed=test.needed,
        jump=test.jump,
        price=test.price,
    )


def _undecided(test: CompanionTest, levels: Text) -> Text:
    if test.blind is not None:
        return say(
            "Whether the error moved is undecided: {blind}. It shows {levels}.",
            blind=test.blind,
            levels=levels,
        )
    if not math.isfinite(test.low):
        return say(
            "Too few calm points of {tag} before the jump to decide whether it moved (change {change:+.3g}).",
            tag=test.tag,
            change=test.change,
        )
    if test.strayed_at is not None:
        return say(
            "{tag} kept its level during the jump ({change:+.3g}), but moved farther than its noise near it, "
            "at step {step:,}: whether that belongs to the jump is undecided.",
            tag=test.tag,
            change=test.change,
            step=test.strayed_at,
        )
    return _too_wide(test, levels)


def _too_wide(test: CompanionTest, levels: Text) -> Text:
    if test.needed is not None and test.high < test.needed:
        return say(
            "Whether {tag} moved is undecided: {levels}, margin {margin:.3g}; {alone}.",
            tag=test.tag,
            levels=levels,
            margin=test.margin,
            alone=_alone(test),
        )
    return say(
        "Whether {tag} moved is undecided: {levels}, margin {margin:.3g}.",
        tag=test.tag,
        levels=levels,
        margin=test.margin,
    )


def _members(moved: int, tested: int) -> Text:
    low, high = binomial_interval(moved, tested)
    return say(
        "Member by member, it moved at {moved} of {tested} (95 % interval of the share: {low:.0%} to "
        "{high:.0%}).",
        moved=moved,
        tested=tested,
        low=low,
        high=high,
    )
