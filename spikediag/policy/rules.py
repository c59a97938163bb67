"""A policy applied to a diagnosis."""

from collections.abc import Iterator

from spikediag.model import Diagnosis, FactName, Role, RunStatus, say
from spikediag.policy.finding_rules import judge_finding, relevant
from spikediag.policy.ruling import Breach, Gap, Ruling
from spikediag.policy.settings import Policy

JUDGED, RATIO, COMPANION = "judged", "max-batch-ratio", "require-companion"


def judge(diagnosis: Diagnosis, policy: Policy) -> Ruling:
    """What the policy says of the run: which rules were in force, broken, or could not be judged."""
    said: list[Breach | Gap] = []
    for finding in diagnosis.findings:
        if relevant(finding, policy):
            said += judge_finding(finding, policy)
    said += [*_unread(diagnosis), *_batch_ratio(diagnosis, policy), *_companion(diagnosis, policy)]
    return Ruling(
        diagnosis=diagnosis,
        rules=rules_of(policy),
        breaches=tuple(s for s in said if isinstance(s, Breach)),
        gaps=tuple(s for s in said if isinstance(s, Gap)),
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
    ratio = (RATIO,) if policy.max_batch_ratio is not None else ()
    return (JUDGED, *lists, *ratio, *((COMPANION,) if policy.require_companion else ()))


def _unread(diagnosis: Diagnosis) -> Iterator[Gap]:
    if diagnosis.overall.status is RunStatus.NOT_JUDGED:
        yield Gap(JUDGED, diagnosis.overall.summary)
    for damage in diagnosis.run.damage:
        yield Gap(JUDGED, say("Part of {file} was not read: {what}", file=damage.file, what=damage.what))


def _batch_ratio(diagnosis: Diagnosis, policy: Policy) -> Iterator[Breach | Gap]:
    if policy.max_batch_ratio is None:
        return
    batch, dataset = (diagnosis.run.fact(name) for name in (FactName.BATCH_SIZE, FactName.DATASET_SIZE))
    if not batch.number or not dataset.number:
        missing = "dataset" if batch.number else "batch"
        reading = say("The {missing} size is not known; give it with `--{missing}-size`.", missing=missing)
        yield Gap(RATIO, reading)
    elif (ratio := batch.number / dataset.number) > policy.max_batch_ratio:
        reading = say(
            "A batch of {batch:,.0f} ({stated}) is {ratio:.1%} of {dataset:,.0f} samples ({counted}), "
            "above {bound:.1%}.",
            batch=batch.number,
            stated=batch.source,
            ratio=ratio,
            dataset=dataset.number,
            counted=dataset.source,
            bound=policy.max_batch_ratio,
        )
        yield Breach((RATIO,), reading)


def _companion(diagnosis: Diagnosis, policy: Policy) -> Iterator[Breach]:
    if policy.require_companion and not any(diagnosis.run.having(Role.COMPANION)):
        yield Breach(
            (COMPANION,),
            say("No error metric is logged beside the loss: nothing can tell whether a jump is real."),
        )
