"""From a run to its diagnosis: the only module that knows all stages."""

from collections.abc import Iterator, Mapping

from spikediag import attribution, coupling, detectors, outcome
from spikediag.errors import NoLossError
from spikediag.model import Case, Check, Diagnosis, Finding, Incident, Role, Run, Spike, Status, say
from spikediag.version import VERSION

WATCHED = frozenset(Role) - {Role.EPOCH, Role.SAMPLES, Role.OTHER}


def diagnose(run: Run) -> Diagnosis:
    """Find the jumps of every loss, test whether the error followed, and say why.

    Raises:
        NoLossError: no series of the run is understood as a loss.
    """
    if next(run.having(Role.LOSS), None) is None:
        raise NoLossError(
            f"{run.name}: none of its {len(run.series)} tags is understood as a loss; "
            f"`spikediag tags` shows how each was understood and how to override it."
        )
    spikes = {tag: detectors.detect(s, falls=True) for tag, s in run.series.items() if s.role in WATCHED}
    searched = tuple(detectors.search_power(run.series[tag]) for tag in spikes)
    incidents = detectors.group(run, spikes)
    findings = tuple(_finding(f"F{n}", incident, run, spikes) for n, incident in enumerate(incidents, 1))
    conditions = attribution.conditions(run, findings)
    return Diagnosis(
        run=run,
        findings=findings,
        conditions=conditions,
        overall=attribution.conclude(run, findings, conditions, outcome.judge(run, findings), searched),
        checks=tuple(_checks(run, findings, spikes)),
        version=VERSION,
        searched=searched,
    )


def _finding(name: str, incident: Incident, run: Run, spikes: Mapping[str, tuple[Spike, ...]]) -> Finding:
    coupled = coupling.couple(incident.spike, run)
    why = attribution.explain(Case(run, incident.spike, coupled, spikes))
    return Finding(
        id=name,
        spike=incident.spike,
        coupling=coupled,
        why=why,
        losses=incident.losses,
    )


def _checks(
    run: Run, findings: tuple[Finding, ...], spikes: Mapping[str, tuple[Spike, ...]]
) -> Iterator[Check]:
    losses = sum(run.series[tag].role is Role.LOSS for tag in spikes)
    for kind in detectors.registry.load():
        yield Check(
            kind,
            True,
            say(
                "Losses searched: {losses}; other series: {others}.",
                losses=losses,
                others=len(spikes) - losses,
            ),
        )
    companions = sum(1 for _ in run.having(Role.COMPANION))
    if not companions:
        yield Check("coupling", False, say("No error metric is logged."))
    elif not findings:
        yield Check(
            "coupling",
            False,
            say(
                "There was no jump to test against; error metrics logged: {companions}.",
                companions=companions,
            ),
        )
    else:
        yield Check("coupling", True, say("Error metrics tested: {companions}.", companions=companions))
    for cause in attribution.registry.load():
        yield _cause_check(cause, findings)


def _cause_check(cause: str, findings: tuple[Finding, ...]) -> Check:
    if not findings:
        return Check(cause, False, say("There was no jump to explain."))
    verdicts = [v for f in findings for v in f.verdicts if v.cause == cause]
    judged = [v for v in verdicts if v.status is not Status.NOT_CHECKABLE]
    if judged:
        return Check(
            cause,
            True,
            say("Findings judged: {judged} of {findings}.", judged=len(judged), findings=len(findings)),
        )
    missing = [v.missing[0].text for v in verdicts if v.missing]
    return Check(
        cause, False, missing[0] if missing else say("The run does not carry what this check needs.")
    )
