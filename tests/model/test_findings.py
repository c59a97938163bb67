"""Which finding leads, and which make a run spiky."""

from dataclasses import replace

import pytest

from spikediag.model import Coupling, CouplingVerdict, Explanation, Finding, Kind, by_gravity, say
from tests.model.test_spike import BURST

UNTESTED = Coupling(CouplingVerdict.NO_COMPANION, (), say("No error metric is logged."))


def finding(name: str = "F1", **changes: object) -> Finding:
    return Finding(name, replace(BURST, **changes), UNTESTED, lambda _: Explanation((), "unexplained"))


LOST = {"kind": Kind.DIVERGENCE, "end_step": None}


@pytest.mark.parametrize(
    ("changes", "alarms", "lost"),
    [
        ({}, True, False),
        (LOST, True, True),
        ({"kind": Kind.NON_FINITE, "end_step": None, "height": float("inf")}, True, True),
        ({"kind": Kind.NON_FINITE}, True, False),
        ({**LOST, "height": -10.0, "sigmas": -20.0}, False, False),
        ({"kind": Kind.TRAIN, "usual": True}, False, False),
    ],
)
def test_what_falls_or_is_usual_is_told_and_alarms_nobody(changes, alarms, lost) -> None:
    assert (finding(**changes).alarms, finding(**changes).is_lost) == (alarms, lost)


def test_a_lost_loss_leads_and_falls_and_usual_bursts_come_last() -> None:
    fall = finding("F1", kind=Kind.LEVEL_SHIFT, height=-1e9, sigmas=-1e9)
    usual = finding("F2", kind=Kind.TRAIN, usual=True, sigmas=1e6)
    small, large = finding("F3", sigmas=9.0), finding("F4", sigmas=90.0)
    lost = finding("F5", **LOST, sigmas=5.0)
    assert [f.id for f in by_gravity((fall, usual, small, large, lost))] == ["F5", "F4", "F3", "F1", "F2"]
