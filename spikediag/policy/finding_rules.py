"""The rules of a policy that look at one finding at a time."""

import math
from collections.abc import Iterator

from spikediag.model import CouplingVerdict, Finding, Status, Text, say
from spikediag.policy.ruling import Breach, Gap
from spikediag.policy.settings import Policy

UNSETTLED = (CouplingVerdict.UNDECIDED, CouplingVerdict.NO_COMPANION)


def relevant(finding: Finding, policy: Policy) -> bool:
    """Whether the finding is late, high and unlikely enough for the policy to look at."""
    spike = finding.spike
    if policy.after_step is not None and spike.onset_step < policy.after_step:
        return False
    # A loss that is no longer finite has no height: it is larger than any bound.
    height, sigmas = (abs(x) if math.isfinite(x) else math.inf for x in (spike.height, spike.sigmas))
    likely = spike.expected_by_chance > policy.max_chance
    return height >= policy.min_height and sigmas >= policy.min_sigmas and not likely


def judge_finding(finding: Finding, policy: Policy) -> Iterator[Breach | Gap]:
    """The breach of a finding with every rule it breaks, or what could not be judged about it."""
    kind, coupling = finding.spike.kind, finding.coupling.verdict
    broken = {
        f"forbid-kinds:{kind}": kind in policy.forbid_kinds,
        f"forbid-couplings:{coupling}": coupling in policy.forbid_couplings,
        f"forbid-causes:{finding.primary_cause}": finding.primary_cause in policy.forbid_causes,
    }
    rules = tuple(rule for rule, is_broken in broken.items() if is_broken)
    if rules:
        yield Breach(rules, describe(finding), finding)
        return
    if coupling in UNSETTLED and policy.forbid_couplings:
        yield Gap(
            f"forbid-couplings:{min(policy.forbid_couplings)}",
            say("{finding} {why}", finding=describe(finding), why=finding.coupling.reading),
            finding,
        )
    for verdict in finding.verdicts:
        if verdict.cause in policy.forbid_causes and verdict.status is Status.NOT_CHECKABLE:
            yield Gap(
                f"forbid-causes:{verdict.cause}",
                say(
                    "{finding} Whether {cause} caused it could not be checked.",
                    finding=describe(finding),
                    cause=verdict.cause,
                ),
                finding,
            )


def describe(finding: Finding) -> Text:
    """One sentence: what jumped, when, how far, whether the error moved, and why."""
    spike = finding.spike
    return say(
        "{tag}: {kind} at step {step:,}, {before:.4g} to {peak:.4g} ({sigmas:,.0f} sigma), "
        "error metric {coupling}, cause {cause}.",
        tag=spike.tag,
        kind=spike.kind.replace("_", " "),
        step=spike.onset_step,
        before=spike.baseline,
        peak=spike.peak_value,
        sigmas=spike.sigmas,
        coupling=finding.coupling.verdict.replace("_", " "),
        cause=finding.primary_cause,
    )
