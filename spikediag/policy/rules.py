"""A policy applied to a diagnosis: what is forbidden, what is let through and why, what was not judged."""

import math
from collections.abc import Iterator
from typing import TypeAlias

from spikediag.model import (
    CouplingVerdict,
    Diagnosis,
    Finding,
    Kind,
    Outcome,
    Role,
    RunStatus,
    Shape,
    Status,
    Text,
    by_gravity,
    say,
)
from spikediag.phrases import headline, level_change
from spikediag.policy.policy import Policy
from spikediag.policy.result import Breach, LetThrough, PolicyGap, RunResult

JUDGED, RATIO, COMPANION = "judged", "max-batch-ratio", "require-companion"
UNRECOVERED, MATTERS = "forbid-unrecovered", "forbid-matters"
UNSETTLED = (CouplingVerdict.UNDECIDED, CouplingVerdict.NO_COMPANION)

Said: TypeAlias = Breach | PolicyGap | LetThrough


def judge(diagnosis: Diagnosis, policy: Policy) -> RunResult:
    """What the policy says of the run: which rules were in force, broken, or could not be judged."""
    said: list[Said] = [s for f in by_gravity(diagnosis.findings) for s in _finding(f, diagnosis, policy)]
    for rule in (_matters, _blind, _batch_ratio, _companion):
        said += rule(diagnosis, policy)
    return RunResult(
        diagnosis=diagnosis,
        rules=rules_of(policy),
        breaches=tuple(s for s in said if isinstance(s, Breach)),
        gaps=tuple(s for s in said if isinstance(s, PolicyGap)),
        let_through=tuple(s for s in said if isinstance(s, LetThrough)),
        judged=_judged(diagnosis, policy),
        strict=policy.strict,
    )


def rules_of(policy: Policy) -> tuple[str, ...]:
    """The names of all rules a policy puts in force, in a fixed order."""
    named = {
        "forbid-kinds": policy.forbid_kinds,
        "forbid-couplings": policy.forbid_couplings,
        "forbid-causes": policy.forbid_causes,
    }
    lists = tuple(f"{key}:{name}" for key, names in named.items() for name in sorted(names))
    switches = {
        UNRECOVERED: policy.forbid_unrecovered,
        MATTERS: policy.forbid_matters,
        RATIO: policy.max_batch_ratio is not None,
        COMPANION: policy.require_companion,
    }
    return (JUDGED, *lists, *(rule for rule, is_on in switches.items() if is_on))


def describe(finding: Finding, diagnosis: Diagnosis) -> Text:
    """What jumped, when, how far, whether the error or else the reward moved, and why."""
    spike = finding.spike
    said = say(
        "{headline} {levels} Cause: {cause}.",
        headline=headline(finding, diagnosis),
        levels=level_change(spike),
        cause=finding.primary_cause,
    )
    if spike.provisional:
        return say("{said} Provisional: seen in the last points only, what follows may change it.", said=said)
    return said


def _finding(finding: Finding, diagnosis: Diagnosis, policy: Policy) -> Iterator[Said]:
    """A finding's breach with every rule it breaks; or what could not be judged; or why it is let through."""
    small = _fell(finding, diagnosis) or _too_small(finding, policy)
    broken = [] if small is not None else [*_broken(finding, policy)]
    if finding.id in _guilty(diagnosis, policy):
        broken.append(MATTERS)
    if broken:
        yield Breach(tuple(broken), describe(finding, diagnosis), finding)
        return
    gaps = () if small is not None else tuple(_unsettled(finding, diagnosis, policy))
    yield from gaps
    if not gaps:
        why = small or _harmless(finding)
        yield LetThrough(finding, say("{finding} {why}", finding=describe(finding, diagnosis), why=why))


def _fell(finding: Finding, diagnosis: Diagnosis) -> Text | None:
    """Why a fall is let through, though it may matter, as where a loss falls by over-fitting."""
    if not finding.spike.is_fall:
        return None
    harm = next((o for o in _harms(diagnosis) if o.finding == finding.id), None)
    if harm is not None:
        return say("It matters: {harm} Yet a fall breaks no rule by itself.", harm=harm.reading)
    return say("A fall breaks no rule by itself.")


def _too_small(finding: Finding, policy: Policy) -> Text | None:
    """Why the policy does not look at a finding: too early, too small, or too likely by chance."""
    spike = finding.spike
    # A loss that is no longer finite has no height: it is larger than any bound.
    height, sigmas = (abs(x) if math.isfinite(x) else math.inf for x in (spike.height, spike.sigmas))
    if policy.after_step is not None and spike.onset_step < policy.after_step:
        return say("It begins before step {step:,} (`after-step`).", step=policy.after_step)
    if height < policy.min_height:
        return say("It is lower than {bound:g} (`min-height`).", bound=policy.min_height)
    if sigmas < policy.min_sigmas:
        return say("It is below {bound:g} sigma (`min-sigmas`).", bound=policy.min_sigmas)
    if spike.expected_by_chance > policy.max_chance:
        return say(
            "Chance explains {expected:.2g} as large, more than {bound:g} (`max-chance`).",
            expected=spike.expected_by_chance,
            bound=policy.max_chance,
        )
    return None


def _broken(finding: Finding, policy: Policy) -> Iterator[str]:
    """The rules that a finding breaks. A train that is usual for its run breaks none by being there."""
    spike, coupling = finding.spike, finding.coupling.verdict
    if spike.kind in policy.forbid_kinds:
        yield f"forbid-kinds:{spike.kind}"
    if coupling in policy.forbid_couplings and not spike.usual:
        yield f"forbid-couplings:{coupling}"
    if finding.primary_cause in policy.forbid_causes:
        yield f"forbid-causes:{finding.primary_cause}"
    if policy.forbid_unrecovered and _still_up(finding):
        yield UNRECOVERED


def _still_up(finding: Finding) -> bool:
    spike = finding.spike
    return not spike.recovered and not spike.usual and spike.shape in {Shape.BURST, Shape.LEVEL, Shape.TREND}


def _unsettled(finding: Finding, diagnosis: Diagnosis, policy: Policy) -> Iterator[PolicyGap]:
    coupling, spike = finding.coupling.verdict, finding.spike
    if coupling in UNSETTLED and policy.forbid_couplings and not spike.usual:
        rule = f"forbid-couplings:{min(policy.forbid_couplings)}"
        said = say("{finding} {why}", finding=describe(finding, diagnosis), why=finding.coupling.reading)
        yield PolicyGap(rule, said, finding)
    for verdict in finding.verdicts:
        if verdict.cause in policy.forbid_causes and verdict.status is Status.NOT_CHECKABLE:
            said = say(
                "{finding} Whether {cause} caused it could not be checked.",
                finding=describe(finding, diagnosis),
                cause=verdict.cause,
            )
            yield PolicyGap(f"forbid-causes:{verdict.cause}", said, finding)


def _harmless(finding: Finding) -> Text:
    if finding.spike.usual:
        return say("Such bursts come all along this run, as heavy-tailed losses have them.")
    if finding.spike.kind is Kind.VARIANCE:
        return say("The policy forbids neither more scatter nor what the error metric did.")
    return say("The policy forbids neither its kind nor what the error metric did.")


def _guilty(diagnosis: Diagnosis, policy: Policy) -> frozenset[str]:
    """The rises for which something ended worse; the leading one where the outcome names none."""
    rises = [f.id for f in by_gravity(diagnosis.findings) if not f.spike.is_fall]
    if not (policy.forbid_matters and diagnosis.overall.matters and rises):
        return frozenset()
    worse = {outcome.finding for outcome in _harms(diagnosis)}
    return frozenset(worse.intersection(rises) or rises[:1])


def _harms(diagnosis: Diagnosis) -> list[Outcome]:
    """What ended worse, in a run to which that matters."""
    outcomes = diagnosis.overall.outcomes if diagnosis.overall.matters else ()
    return [outcome for outcome in outcomes if outcome.harms]


def _matters(diagnosis: Diagnosis, policy: Policy) -> Iterator[Breach | PolicyGap]:
    overall = diagnosis.overall
    if not policy.forbid_matters or overall.matters is False:
        return
    if overall.matters and not diagnosis.findings:
        yield Breach((MATTERS,), _joined(*(overall.because or (overall.summary,))))
    asked = [f for f in diagnosis.findings if f.alarms and _too_small(f, policy) is None]
    if overall.matters is None and asked:
        tell = (advice.text for advice in overall.would_tell)
        yield PolicyGap(MATTERS, _joined(say("Whether it matters cannot be told."), *tell))


def _joined(first: Text, *others: Text) -> Text:
    for other in others:
        first = say("{first} {second}", first=first, second=other)
    return first


def _judged(diagnosis: Diagnosis, policy: Policy) -> bool:
    """Whether any loss was searched where the policy looks."""
    searched = diagnosis.searched_losses
    seen = not searched or any(one.judged_from(policy.after_step) for one in searched)
    return seen and diagnosis.overall.status is not RunStatus.NOT_JUDGED


def _blind(diagnosis: Diagnosis, policy: Policy) -> Iterator[PolicyGap]:
    """What could not be searched: the run as a whole, a loss of it, or bytes that could not be read."""
    found = {finding.spike.tag for finding in diagnosis.findings}
    unseen = [
        one
        for one in diagnosis.searched_losses
        if one.tag not in found and not one.judged_from(policy.after_step)
    ]
    if diagnosis.overall.status is RunStatus.NOT_JUDGED and not unseen:
        yield PolicyGap(JUDGED, diagnosis.overall.summary)
    for searched in unseen:
        why = searched.reason or say("no jump would have been seen where the policy looks.")
        yield PolicyGap(JUDGED, say("{tag} was not judged: {why}", tag=searched.tag, why=why))
    for damage in diagnosis.run.damage:
        yield PolicyGap(
            JUDGED, say("Part of {file} was not read: {what}", file=damage.file, what=damage.what)
        )


def _batch_ratio(diagnosis: Diagnosis, policy: Policy) -> Iterator[Breach | PolicyGap]:
    if policy.max_batch_ratio is None:
        return
    batch = diagnosis.run.batch
    if batch is None:
        yield PolicyGap(
            RATIO,
            say("Batch and dataset size are not both known; give `--batch-size` and `--dataset-size`."),
        )
    elif batch.ratio > policy.max_batch_ratio:
        reading = say(
            "A batch of {batch:,.0f} ({stated}) is {ratio:.1%} of {dataset:,.0f} samples ({counted}), "
            "above {bound:.1%}.",
            batch=batch.samples,
            stated=batch.samples_source,
            ratio=batch.ratio,
            dataset=batch.dataset,
            counted=batch.dataset_source,
            bound=policy.max_batch_ratio,
        )
        yield Breach((RATIO,), reading)


def _companion(diagnosis: Diagnosis, policy: Policy) -> Iterator[Breach]:
    if policy.require_companion and not any(diagnosis.run.having(Role.COMPANION)):
        yield Breach(
            (COMPANION,),
            say("No error metric is logged beside the loss: nothing can tell whether a jump is real."),
        )
