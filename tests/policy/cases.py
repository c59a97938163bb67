"""Diagnoses for the tests of policies: one finding, varied."""

from dataclasses import replace
from types import MappingProxyType

from spikediag.model import (
    Advice,
    CauseVerdict,
    Coupling,
    CouplingVerdict,
    Diagnosis,
    Explanation,
    Fact,
    Finding,
    Outcome,
    OutcomeVerdict,
    Role,
    RunStatus,
    RunVerdict,
    Searched,
    SmallestJump,
    SourceFile,
    Status,
    Tier,
    say,
)
from spikediag.model import Run as ModelRun
from tests.reporter.builders import leap, series

SPIKE = replace(leap(), margin=0.0)


def spike(**changes):
    return replace(SPIKE, **changes)


def finding(coupling=CouplingVerdict.DECOUPLED, cause="batch-ratio", verdicts=(), **changes):
    return Finding(
        id="F1",
        spike=spike(**changes),
        coupling=Coupling(coupling, (), say("The error is {coupling}.", coupling=coupling.value)),
        explain=lambda _: Explanation(verdicts, cause),
    )


def ended_worse(finding="F1", tag="bc/mse"):
    reading = say("{tag} ended worse.", tag=tag)
    numbers = (0.1, 0.2, 0.6, 0.1, 0.4, 0.6, 0.01)
    return Outcome(finding, tag, Role.COMPANION, *numbers, OutcomeVerdict.WORSE, reading)


def searched(tag="bc/actor_loss", last_step=None, reason=None):
    jumps = () if last_step is None else (SmallestJump(1, 2.0, 8.0, 600, last_step),)
    return Searched(tag, 2000, jumps, reason)


def not_checkable(cause):
    return CauseVerdict(cause, Tier.TRIGGER, Status.NOT_CHECKABLE, 0.1, ())


def curve(values=None, tag="bc/actor_loss", role=Role.LOSS):
    import numpy as np

    noise = np.random.default_rng(5).normal(-15, 0.4, 2000)
    return series(tag, role, noise if values is None else values)


def diagnosis(
    *findings,
    status=None,
    companion=True,
    name="bc",
    loss=None,
    damage=(),
    matters=False,
    outcomes=(),
    searched=(),
    **facts,
) -> Diagnosis:
    curves = [curve(loss)] + ([curve(None, "bc/mse", Role.COMPANION)] if companion else [])
    run = ModelRun(
        path=f"runs/{name}",
        name=name,
        series=MappingProxyType({s.tag: s for s in curves}),
        facts={k: Fact(k, v, f"config.yaml: {k}") for k, v in facts.items()},
        files=(SourceFile("events.out.tfevents.1", 10, "00"),),
        damage=damage,
    )
    return Diagnosis(
        run=run,
        findings=findings,
        conditions=(),
        overall=RunVerdict(
            status or (RunStatus.SPIKY if findings else RunStatus.CLEAN),
            matters,
            None,
            say("The summary."),
            because=(say("The error is what it was."),),
            outcomes=outcomes,
            would_tell=(Advice(say("Log the success rate.")),) if matters is None else (),
        ),
        list_checks=tuple,
        version="0",
        searched=searched,
    )
