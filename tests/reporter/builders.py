"""Diagnoses built by hand from the model's values: a run shaped like the user's own case."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spikediag.model import (
    Advice,
    CauseVerdict,
    Check,
    CompanionTest,
    Component,
    Condition,
    Copy,
    Coupling,
    CouplingVerdict,
    Damage,
    DamageKind,
    Diagnosis,
    Effect,
    Evidence,
    Excursion,
    Explanation,
    Fact,
    FactName,
    Finding,
    Kind,
    Lag,
    LossChange,
    Measure,
    Origin,
    Outcome,
    OutcomeVerdict,
    Reduction,
    Remedy,
    Rewind,
    Role,
    Run,
    RunStatus,
    RunVerdict,
    Searched,
    Series,
    Session,
    SettingChange,
    SmallestJump,
    SourceFile,
    Spike,
    Status,
    Tier,
    Witness,
    Witnesses,
    say,
)
from spikediag.reporter.remedies import NAMED

STEPS = np.arange(0, 20_000, 10)


def series(tag: str, role: Role, values: np.ndarray, steps: np.ndarray = STEPS, **more) -> Series:
    """A series with one point a second."""
    return Series(tag, role, steps, values, 1.7e9 + steps * 0.1, **more)


def seed_curves(seed: int = 7) -> dict[str, Series]:
    """Negative log-likelihood that falls to -15 and leaps to +24 at step 15,270, with a flat error."""
    rng = np.random.default_rng(seed)
    x = STEPS / 20_000
    nll = 9 * np.exp(-x * 40) - 15 * (1 - np.exp(-x * 6)) + rng.normal(0, 0.35, len(x))
    leap = np.array([2.0, 9.0, 39.2, 22.0, 7.0, 2.0])
    nll[1526:1532] += leap
    for at, height in ((900, 6.0), (1150, 11.0), (1300, 8.5), (1710, 12.0), (1850, 7.5)):
        nll[at : at + 3] += height * np.array([0.5, 1.0, 0.3])
    mse = 0.1 + 1.2 * np.exp(-x * 50) + rng.normal(0, 0.006, len(x))
    grad = 1.5 + 20 * np.exp(-x * 60) + np.abs(rng.normal(0, 0.2, len(x)))
    grad[1521:1531] *= np.array([1.4, 1.9, 3, 6, 9, 13, 23, 14, 5, 2])
    return {
        s.tag: s
        for s in (
            series("bc/actor_loss", Role.LOSS, nll, measure=Measure.NLL, reason=say("its preset")),
            series("bc/total_loss", Role.LOSS, nll + 0.4, measure=Measure.TOTAL, reason=say("its preset")),
            series("bc/mse", Role.COMPANION, mse, measure=Measure.SQUARED_ERROR, reduction=Reduction.SUM),
            series("bc/normalized_mse", Role.COMPANION, mse * 0.04 - 0.001, measure=Measure.NORMALIZED_ERROR),
            series("bc/log_std", Role.LOG_STD, -1 - 3 * x + rng.normal(0, 0.02, len(x))),
            series("bc/lr", Role.LEARNING_RATE, np.full(len(x), 3e-4)),
            series("bc/grad_norm", Role.GRAD_NORM, grad),
        )
    }


def seed_run(curves: Mapping[str, Series] | None = None) -> Run:
    """The user's case as it is read: 418 transitions, batch 256."""
    facts = (
        Fact("batch_size", 256, "config.yaml: batch_size"),
        Fact("dataset_size", 418, "train.log: bc replay buffer size", 0.9, ("420 (meta.json: total)",)),
        Fact("learning_rate", 3e-4, "config.yaml: lr"),
    )
    return Run(
        path="runs/bc",
        name="bc",
        series=seed_curves() if curves is None else curves,
        facts={f.name: f for f in facts},
        sessions=(Session("events.out.tfevents.1", 0, 19_990, 1.7e9, 1.7e9 + 1999),),
        files=(
            SourceFile("events.out.tfevents.1", 412_331, "9f" * 32),
            SourceFile("config.yaml", 412, "ab" * 32),
        ),
        damage=(
            Damage(DamageKind.LOST, "events.out.tfevents.1", 412_000, 331, say("the last record is cut off")),
        ),
        library="hil-serl",
        notes=(say("12 copies of records were dropped"),),
    )


def small_run() -> Run:
    """The user's case with its leading loss and one error only: enough to be judged, quick to be drawn."""
    curves = seed_curves()
    return seed_run({tag: curves[tag] for tag in ("bc/actor_loss", "bc/mse")})


def leap() -> Spike:
    """The spike of the user's case."""
    return Spike(
        tag="bc/actor_loss",
        kind=Kind.TRANSIENT,
        start=1526,
        stop=1532,
        peak=1528,
        onset_step=15_260,
        peak_step=15_280,
        end_step=15_310,
        baseline=-14.8,
        peak_value=24.3,
        height=39.1,
        noise=0.36,
        sigmas=108.6,
        expected_by_chance=2.1e-7,
        margin=3.91,
    )


def train() -> Spike:
    """The smaller excursions of the same loss, as one finding."""
    members = tuple(Excursion(at, at + 3, at + 1) for at in (900, 1150, 1300, 1710, 1850))
    return replace(
        leap(),
        kind=Kind.TRAIN,
        start=900,
        stop=1853,
        peak=1711,
        onset_step=9_000,
        peak_step=17_110,
        end_step=18_520,
        peak_value=-2.9,
        height=12.0,
        sigmas=33.0,
        expected_by_chance=0.002,
        count=5,
        rate=25.0,
        rate_grows=None,
        members=members,
    )


def decoupled() -> Coupling:
    """Both errors stayed: the change and its whole interval lie inside the margin."""
    reason = say("25 % of what the error would have had to rise to make this jump alone.")
    tests = (
        CompanionTest(
            "bc/mse", CouplingVerdict.DECOUPLED, 0.1001, 0.1032, 0.0031, -0.0021, 0.0083, 0.28, 1e-6, reason
        ),
        CompanionTest(
            "bc/normalized_mse",
            CouplingVerdict.DECOUPLED,
            0.0030,
            0.0031,
            0.0001,
            -0.0001,
            0.0003,
            0.011,
            1e-5,
            reason,
        ),
    )
    reading = say(
        "{tag}: {change:+.4f}, 90 % interval [{low:.4f}, {high:.4f}], inside the margin ±{margin:.2f}.",
        tag="bc/mse",
        change=0.0031,
        low=-0.0021,
        high=0.0083,
        margin=0.28,
    )
    return Coupling(CouplingVerdict.DECOUPLED, tests, reading)


def verdicts() -> tuple[CauseVerdict, ...]:
    """The user's three causes and one that could not be checked."""
    ratio = CauseVerdict(
        "batch-ratio",
        Tier.CONDITION,
        Status.SUPPORTED,
        0.86,
        (
            Evidence(
                "ratio-above-half",
                say(
                    "batch {batch} of {dataset} samples is {ratio:.0%}, above {limit:.0%}",
                    batch=256,
                    dataset=418,
                    ratio=256 / 418,
                    limit=0.5,
                ),
                0.9,
                256 / 418,
                0.5,
            ),
            Evidence(
                "sampling-variance",
                say("A hard batch would raise {tag} too, and it stayed flat.", tag="bc/mse"),
                -0.4,
                0.003,
                0.28,
            ),
        ),
        advice=(
            Advice(
                say("Use a batch of {low} to {high}: 10 to 20 % of {dataset}.", low=42, high=83, dataset=418),
                "batch_size = 64",
                1,
            ),
        ),
        mechanism=say("{passes:,.0f} passes over every sample sharpen sigma.", passes=256 * 20_000 / 418),
        uncalibrated=say("A condition does not compete."),
    )
    drift = CauseVerdict(
        "log-std-drift",
        Tier.TRIGGER,
        Status.NOT_CHECKABLE,
        0.0,
        (),
        missing=(
            Advice(
                say("Log the smallest log-std of the batch."),
                'writer.add_scalar("bc/log_std_min", log_std.min(), step)',
            ),
        ),
    )
    lr = CauseVerdict(
        "lr-change",
        Tier.TRIGGER,
        Status.RULED_OUT,
        0.01,
        (Evidence("constant", say("{tag} is constant at {lr:.1e}.", tag="bc/lr", lr=3e-4), -2.0, 3e-4),),
    )
    return ratio, drift, lr


def witness(tag: str = "bc/grad_norm", lag: Lag | None = None, **more: object) -> Witness:
    """The gradient norm, which leaps some points before the loss."""
    lag = Lag(50.0, 40.0, 60.0) if lag is None else lag
    usual = Witness(tag, Role.GRAD_NORM, 1.6, 37.0, 58.0, lag, moved=0, windows=80, chance=1e-5)
    return replace(usual, **more)


def witnesses() -> Witnesses:
    """Witnesses before, with and after the jump, and copies of the loss."""
    said = (
        witness(),
        witness("bc/log_std", Lag(30.0, 20.0, math.inf), sigmas=-7.0, moved=1),
        witness("bc/lr", Lag(0.0, -10.0, 10.0), sigmas=1e9, chance=None, windows=3, was_constant=True),
        witness("bc/kl", Lag(-20.0, -30.0, -10.0), sigmas=9.0),
    )
    return Witnesses(6, said, (Copy("kl", 0.2, 0.0, 2_000), Copy("bc/total_loss", 1.0, -0.4, 2_000)))


def findings() -> tuple[Finding, ...]:
    """A train of small spikes and the leap."""
    losses = (
        LossChange("bc/actor_loss", -14.8, 24.3, -14.9, 108.6),
        LossChange("bc/total_loss", -14.4, 24.7, -14.5, 107.9),
    )
    parts = (
        Component(say("sigma"), 2.0),
        Component(say("error"), 7.6),
        Component(say("error on the sharpest dimensions"), 29.5),
    )
    algebra = (
        say(
            "An action loss of {loss:.1f} at an error of {mse:.2f} needs sigma below {s:.3f}.",
            loss=-14.8,
            mse=0.1,
            s=0.035,
        ),
    )
    small = Finding("F1", train(), decoupled(), lambda _: Explanation(verdicts(), "batch-ratio"), losses[:1])
    why = Explanation(verdicts(), "batch-ratio", parts, algebra)
    big = Finding("F2", leap(), decoupled(), lambda _: why, losses, witnesses)
    return small, big


def diagnosis(run: Run | None = None, found: tuple[Finding, ...] | None = None) -> Diagnosis:
    """The whole diagnosis of the user's case."""
    return Diagnosis(
        run=seed_run() if run is None else run,
        findings=findings() if found is None else found,
        conditions=(
            Condition(
                "batch-ratio",
                Status.SUPPORTED,
                say(
                    "batch {batch} of {dataset} samples is {ratio:.0%}, above {limit:.0%}",
                    batch=256,
                    dataset=418,
                    ratio=256 / 418,
                    limit=0.5,
                ),
                256 / 418,
                (
                    Advice(
                        say(
                            "Use a batch of {low} to {high}: 10 to 20 % of {dataset}.",
                            low=42,
                            high=83,
                            dataset=418,
                        ),
                        "batch_size = 64",
                        1,
                    ),
                ),
            ),
            Condition("companion", Status.RULED_OUT, say("{count} error metrics are logged.", count=2), 2.0),
        ),
        overall=RunVerdict(
            RunStatus.SPIKY,
            False,
            "batch-ratio",
            say(
                "{tag} leapt by {height:+.1f} nats at step {step:,} and came back; the error did not follow.",
                tag="bc/actor_loss",
                height=39.1,
                step=15_260,
            ),
            (say("The loss is back at {level:.1f} after {points} points.", level=-14.9, points=6),),
        ),
        list_checks=lambda: (
            Check(
                "transient",
                True,
                say("Losses searched: {losses}; other series: {others}.", losses=2, others=5),
            ),
            Check("loss-scale", False, say("The run does not carry what this check needs.")),
        ),
        version="0.1.0",
    )


def remedied() -> Diagnosis:
    """The user's case with every remedy, its effect, a setting that was read, and causes ruled out."""
    small, big = findings()
    ratio, drift, rate = verdicts()
    proposed = tuple(remedy_of(id_, n) for n, id_ in enumerate(NAMED, 1))
    advice = tuple(remedy.advice for remedy in proposed)
    verify = Advice(say("Train again with one change."), "spikediag compare runs/bc RUN_AFTER", 99)
    draw = Evidence("resampling-height", say("Chance did not."), 0.0, 39.1, 2.2)
    flat = Evidence("error", big.coupling.reading, -1.0)
    hard = CauseVerdict("hard-batch", Tier.TRIGGER, Status.RULED_OUT, 0.01, (flat,))
    other = replace(rate, cause="resume", evidence=(flat,))
    ratio = replace(ratio, advice=(*advice, verify), evidence=(*ratio.evidence, draw))
    needed = tuple(replace(test, needed=1.2) for test in big.coupling.tests)
    big = replace(big, coupling=replace(big.coupling, tests=needed))
    big = explained(big, verdicts=(ratio, drift, rate, hard, other))
    floor = Fact(FactName.SIGMA_MIN, 1e-05, "config.yaml: std_min", origin=Origin.BESIDE)
    dims = Fact(FactName.ACTION_DIM, 7, "config.yaml: action_dim", origin=Origin.BESIDE)
    run = replace(small_run(), facts={floor.name: floor, dims.name: dims})
    lost = replace(small, spike=replace(small.spike, kind=Kind.NON_FINITE, members=(), count=1))
    whole = diagnosis(run, (small, big, replace(lost, id="F3")))
    worn = tuple(replace(c, removed_by="smaller-batch") for c in whole.conditions)
    return replace(whole, conditions=worn, foresee=lambda: proposed)


def remedy_of(id_: str, rank: int, low: float = 0.5) -> Remedy:
    """A remedy that prevents nine tenths, or `low` at the least; the floor has a line of its own."""
    floor = SettingChange(FactName.SIGMA_MIN, 0.06, "std_min: 1e-05 -> 0.06", "config.yaml")
    advice = Advice(
        say("Try {what}.", what=id_),
        None if id_ == "more-data" else f"{id_} = 1",
        rank,
        id_,
        floor if id_ == "sigma-floor" else None,
    )
    effect = Effect(0.9, low, 1.0, say("randomised study: {recipes} recipes", recipes=30), 0.8, 0.1, 0.95)
    return Remedy(id_, advice, effect, say("one setting"), True, say("It was tried."))


def explained(finding: Finding, **changes: object) -> Finding:
    """The same finding, of which attribution says something else."""
    why = replace(finding.why, **changes)
    return replace(finding, explain=lambda _: why)


def alone(finding: Finding) -> Diagnosis:
    """One finding in the small run."""
    return diagnosis(small_run(), (finding,))


def calm() -> Diagnosis:
    """A run in which nothing jumped."""
    x = STEPS / 20_000
    curve = series("loss", Role.LOSS, np.exp(-x * 5) + np.random.default_rng(3).normal(0, 0.01, len(x)))
    return Diagnosis(
        run=Run("runs/calm", "calm", {"loss": curve}),
        findings=(),
        conditions=(),
        overall=RunVerdict(RunStatus.CLEAN, None, None, say("No loss jumped.")),
        list_checks=lambda: (Check("coupling", False, say("There was no jump to explain.")),),
        version="0.1.0",
    )


HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "a|b`c``d|",
    "\x1b[31mred\x07",
    "../../../etc/passwd",
    "rtl\u202egnp.exe\u2066\u200b",
    "# heading\n\n- list [link](javascript:alert(1)) ![i](http://e.x/p.png) *b* _i_ ~s~ $x^2$",
    "</script><script>alert(1)</script>",
    "{run} {0} {{x}} %s",
    "t" * 10_000,
    "\ud800 lone surrogate",
)


def hostile(strings: tuple[str, ...] = HOSTILE) -> Diagnosis:
    """The user's case with tags, names, paths, facts and notes that attack the report."""
    names = dict(zip(seed_curves(), strings[:7], strict=True))
    curves = {
        names[tag]: replace(s, tag=names[tag], reason=say("{why}", why=strings[0]))
        for tag, s in seed_curves().items()
    }
    facts = {h: Fact(h, h, h, 0.5, (h,)) for h in strings}
    run = replace(
        seed_run(curves),
        name=strings[5],
        path=strings[2],
        facts=facts,
        notes=tuple(say("{s}", s=s) for s in strings),
        library=strings[1],
        files=tuple(SourceFile(h, 1, "00" * 32) for h in strings),
        damage=tuple(Damage(DamageKind.LOST, h, 0, 1, say("{h}", h=h)) for h in strings),
        sessions=(),
    )
    found = []
    for finding in findings():
        tests = tuple(
            replace(t, tag=names[t.tag], margin_reason=say("{tag}", tag=h))
            for t, h in zip(finding.coupling.tests, strings, strict=False)
        )
        evidence = tuple(
            Evidence("x", say("{a} and `{a}` and {b}", a=h, b=say("{c}", c=h)), 1.0) for h in strings
        )
        advice = tuple(Advice(say("{a}", a=h), f"run {h}\n```\n# {h}", n) for n, h in enumerate(strings))
        moved = tuple(witness(names.get(w.tag, w.tag)) for w in witnesses().moved)
        renamed = replace(
            finding,
            spike=replace(finding.spike, tag=names[finding.spike.tag]),
            losses=tuple(replace(change, tag=names[change.tag]) for change in finding.losses),
            ask=lambda moved=moved: replace(witnesses(), moved=moved),
            coupling=replace(finding.coupling, tests=tests, reading=say("{tag}", tag=strings[6])),
        )
        verdicts = tuple(replace(v, evidence=evidence, advice=advice) for v in finding.verdicts)
        found.append(explained(renamed, verdicts=verdicts))
    return diagnosis(run, tuple(found))


def given() -> Diagnosis:
    """A calm run with facts from the command line."""
    facts = (
        Fact("action_dim", 7, "--action-dim", origin=Origin.COMMAND_LINE),
        Fact("beta2", 0.99, "--fact beta2", origin=Origin.COMMAND_LINE),
        Fact("lr", 1, "a.yaml"),
    )
    run = replace(calm().run, path="runs/given", facts={f.name: f for f in facts})
    return replace(calm(), run=run)


def resumed() -> Diagnosis:
    """A calm run that was started again from an older checkpoint."""
    return replace(calm(), run=replace(calm().run, rewinds=(Rewind(1_500, 1_000, 86.0, 1),)))


def searched() -> Diagnosis:
    """A calm run of which one loss was searched and another is too short."""
    jumps = tuple(
        SmallestJump(width, 0.01 * sigmas, sigmas, first_step=600, last_step=19_000)
        for width, sigmas in ((1, 18.0), (3, 12.0), (None, 5.0))
    )
    short = Searched("eval/loss", 6, (), say("{points} points are too few.", points=6))
    coarse = Searched("eval/mse", 300, jumps[:1], say("Its values are rounded."))
    nothing = Searched("eval/return", 4, ())
    run = replace(
        calm().run,
        series=calm().run.series | {"eval/loss": series("eval/loss", Role.LOSS, STEPS[:6] * 0.1, STEPS[:6])},
    )
    still = Searched("lr", 2_000, jumps, constant=True)
    return replace(calm(), run=run, searched=(Searched("loss", 2_000, jumps), short, coarse, nothing, still))


def mattering_elsewhere() -> Diagnosis:
    """The user's case with a reward that ended worse after the smaller finding, and not after the larger."""
    found = mattering()
    small, big = (replace(f, spike=replace(f.spike, usual=False)) for f in found.findings)
    outcomes = tuple(replace(outcome, finding=small.id) for outcome in found.overall.outcomes)
    overall = replace(found.overall, matters=True, outcomes=outcomes)
    return replace(found, findings=(small, big), overall=overall)


def fading(reward: str = "eval/return") -> Diagnosis:
    """The same, with a reward that sinks in noise to the end, while loss and error have arrived."""
    found = mattering_elsewhere()
    rounds = np.arange(120)
    course = np.where(rounds < 95, 0.5 + rounds / 120, 1.3 - 0.028 * (rounds - 90))
    noisy = course + 0.3 * np.where(rounds % 2, 1, -1)
    noise = np.random.default_rng(0).normal(0, 0.01, 2_000)
    curves = {tag: replace(one, values=1.0 + noise[: len(one)]) for tag, one in found.run.series.items()}
    curves["eval/return"] = series("eval/return", Role.REWARD, noisy[:30], rounds[:30] * 160)
    curves[reward] = series(reward, Role.REWARD, noisy, rounds * 160)
    return replace(found, run=replace(found.run, series=curves))


def mattering() -> Diagnosis:
    """The user's case with a reward that ended worse, a blind held-out companion, and bursts as usual."""
    small, big = findings()
    train_error, held_out = big.coupling.tests
    tests = (
        replace(train_error, moved=1, tested=5),
        replace(held_out, held_out=True, blind=say("It is a mean over {steps} steps.", steps=100)),
    )
    big = replace(
        big,
        coupling=replace(big.coupling, tests=tests),
        spike=replace(big.spike, provisional=True),
    )
    small = replace(small, spike=replace(small.spike, usual=True))
    outcome = Outcome(
        finding="F2",
        tag="eval/return",
        role=Role.REWARD,
        before=200.0,
        during=20.0,
        after=150.0,
        foretold=210.0,
        low=40.0,
        high=80.0,
        margin=21.0,
        verdict=OutcomeVerdict.WORSE,
        reading=say(
            "{tag} ended worse: {after:.0f} after, {foretold:.0f} foretold.",
            tag="eval/return",
            after=150.0,
            foretold=210.0,
        ),
    )
    whole = diagnosis(found=(small, big))
    returns = series("eval/return", Role.REWARD, np.array([200.0, 20.0, 150.0]), STEPS[::800])
    return replace(
        whole,
        run=replace(whole.run, series=whole.run.series | {returns.tag: returns}),
        overall=replace(
            whole.overall,
            matters=None,
            outcomes=(outcome,),
            would_tell=(Advice(say("Log the success rate."), 'writer.add_scalar("eval/success", ok, step)'),),
        ),
    )
