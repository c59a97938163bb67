"""Runs read, diagnosed and held against a policy."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from spikediag.cli.facts import Given
from spikediag.cli.runs import Failure, attempt, quietly

if TYPE_CHECKING:
    from spikediag.model import Diagnosis
    from spikediag.policy import Gate, Policy, Unread


def judge_all(runs: Sequence[Path], policy: "Policy", facts: Given, against: Sequence[Path]) -> "Gate":
    """What the policy says of every run, beside the history when there is one."""
    from spikediag.policy import Gate, history, judge

    diagnoses, unread = _diagnoses(runs, facts)
    earlier, missing = _diagnoses(against, {}) if against else ([], [])
    rulings = [judge(diagnosis, policy) for diagnosis in diagnoses]
    if against:
        rulings = [history.compare(r, _others(r.diagnosis, earlier), policy.alpha) for r in rulings]
    return Gate(policy, tuple(rulings), (*unread, *missing))


def _others(diagnosis: "Diagnosis", earlier: "Sequence[Diagnosis]") -> "list[Diagnosis]":
    """The earlier runs without the run itself, which a folder of runs may hold too."""
    itself = Path(diagnosis.run.path).resolve()
    return [d for d in earlier if Path(d.run.path).resolve() != itself]


def _diagnoses(runs: Sequence[Path], facts: Given) -> "tuple[list[Diagnosis], list[Unread]]":
    from spikediag.policy import Unread

    outcomes = list(attempt(runs, partial(quietly, facts=facts)))
    diagnoses = [o for o in outcomes if not isinstance(o, Failure)]
    return diagnoses, [Unread(str(o.path), str(o.error)) for o in outcomes if isinstance(o, Failure)]
