"""Many companions, one verdict: the closest decisive companion decides, and a moved one is never outvoted."""

from spikediag.coupling.wording import companion_reading
from spikediag.model import CompanionTest, Coupling, CouplingVerdict, Spike, Text, say

MOVED = (CouplingVerdict.PARTLY, CouplingVerdict.COUPLED)


def combine(
    tests: tuple[CompanionTest, ...], tags: tuple[str, ...], copies: tuple[str, ...], spike: Spike
) -> Coupling:
    """Combine tests, given closest companion first.

    Args:
        tests: One test per companion that was logged during the spike.
        tags: Every companion of the run, closest first.
        copies: What is named like one and is a loss in other units.
        spike: The spike they were tested against.
    """
    if not tags:
        return Coupling(CouplingVerdict.NO_COMPANION, (), _none(spike.tag, copies))
    if not tests:
        return _not_logged_then(tags[0], spike)
    decider = _decider(tests)
    ordered = (decider, *(test for test in tests if test is not decider))
    moved = any(test.verdict in MOVED for test in tests)
    contested = moved and decider.verdict is CouplingVerdict.DECOUPLED
    verdict = CouplingVerdict.UNDECIDED if contested else decider.verdict
    return Coupling(verdict, ordered, _contested(ordered) if contested else companion_reading(decider))


def _none(loss: str, copies: tuple[str, ...]) -> Text:
    if copies:
        return say(
            "{copy} is the only error metric beside {tag}, and it is the loss in other units: whether the "
            "error moved cannot be told.",
            copy=copies[0],
            tag=loss,
        )
    return say("No error metric is logged beside {tag}: whether the error moved cannot be told.", tag=loss)


def _not_logged_then(companion: str, spike: Spike) -> Coupling:
    return Coupling(
        CouplingVerdict.UNDECIDED,
        (),
        say(
            "{companion} has too few points at the jump of {tag} (step {step:,}) and before it to tell "
            "whether it moved: log it as often as the loss.",
            companion=companion,
            tag=spike.tag,
            step=spike.peak_step,
        ),
    )


def _decider(tests: tuple[CompanionTest, ...]) -> CompanionTest:
    """The closest that decides; else the closest that could have; else the closest."""
    decisive = (test for test in tests if test.verdict is not CouplingVerdict.UNDECIDED)
    seeing = (test for test in tests if test.blind is None)
    return next(decisive, next(seeing, tests[0]))


def _contested(tests: tuple[CompanionTest, ...]) -> Text:
    moved = next(test for test in tests if test.verdict in MOVED)
    return say(
        "The companions disagree: {still} did not move ({change:+.3g}), {moved} did ({moved_change:+.3g}).",
        still=tests[0].tag,
        change=tests[0].change,
        moved=moved.tag,
        moved_change=moved.change,
    )
