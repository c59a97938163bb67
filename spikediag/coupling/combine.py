"""Many companions, one verdict: the closest decisive companion decides, and a moved one is never outvoted."""

import math

from spikediag.model import CompanionTest, Coupling, CouplingVerdict, Spike, Text, say


def combine(tests: tuple[CompanionTest, ...], tags: tuple[str, ...], spike: Spike) -> Coupling:
    """Combine tests, given closest companion first.

    Args:
        tests: One test per companion that was logged during the spike.
        tags: Every companion of the run, closest first.
        spike: The spike they were tested against.
    """
    if not tags:
        return Coupling(
            CouplingVerdict.NO_COMPANION,
            (),
            say(
                "No error metric is logged beside {tag}: whether the error moved cannot be told.",
                tag=spike.tag,
            ),
        )
    if not tests:
        return Coupling(
            CouplingVerdict.UNDECIDED,
            (),
            say(
                "{companion} has no point while {tag} was high (step {step:,}): log it as often as the loss.",
                companion=tags[0],
                tag=spike.tag,
                step=spike.peak_step,
            ),
        )
    decider = _decider(tests)
    ordered = (decider, *(test for test in tests if test is not decider))
    moved = any(test.verdict is CouplingVerdict.COUPLED for test in tests)
    contested = moved and decider.verdict is CouplingVerdict.DECOUPLED
    verdict = CouplingVerdict.UNDECIDED if contested else decider.verdict
    return Coupling(verdict, ordered, _contested(ordered) if contested else _reading(decider))


def _decider(tests: tuple[CompanionTest, ...]) -> CompanionTest:
    decisive = (test for test in tests if test.verdict is not CouplingVerdict.UNDECIDED)
    return next(decisive, tests[0])


def _contested(tests: tuple[CompanionTest, ...]) -> Text:
    moved = next(test for test in tests if test.verdict is CouplingVerdict.COUPLED)
    return say(
        "The companions disagree: {still} did not move ({change:+.3g}), {moved} did ({moved_change:+.3g}).",
        still=tests[0].tag,
        change=tests[0].change,
        moved=moved.tag,
        moved_change=moved.change,
    )


def _reading(test: CompanionTest) -> Text:
    if not math.isfinite(test.change):
        return say("{tag} became non-finite together with the loss.", tag=test.tag)
    levels: dict[str, str | float] = {
        name: getattr(test, name) for name in ("tag", "before", "during", "change", "low", "high", "margin")
    }
    if test.verdict is CouplingVerdict.DECOUPLED:
        return say(
            "{tag} did not move: {before:.4g} before, {during:.4g} during, change {change:+.3g} (90 % "
            "interval {low:+.3g} to {high:+.3g}), inside the margin of {margin:.3g}.",
            **levels,
        )
    if test.verdict is CouplingVerdict.COUPLED:
        return say(
            "{tag} moved too: {before:.4g} before, {during:.4g} during, change {change:+.3g} (90 % interval "
            "{low:+.3g} to {high:+.3g}), beyond the margin of {margin:.3g}.",
            **levels,
        )
    if test.strayed_at is not None:
        return say(
            "{tag} stayed where the loss stood highest ({change:+.3g}), but left its margin of {margin:.3g} "
            "at step {step:,}, while the loss was still up.",
            tag=test.tag,
            change=test.change,
            margin=test.margin,
            step=test.strayed_at,
        )
    if not math.isfinite(test.low):
        return say(
            "Too few calm points of {tag} before step of the jump to decide whether it moved (change "
            "{change:+.3g}).",
            tag=test.tag,
            change=test.change,
        )
    return say(
        "Whether {tag} moved is undecided: change {change:+.3g} with a 90 % interval from {low:+.3g} to "
        "{high:+.3g}, margin {margin:.3g}.",
        tag=test.tag,
        change=test.change,
        low=test.low,
        high=test.high,
        margin=test.margin,
    )
