"""Cases made by hand: a likelihood that falls to -15 beside a flat error, and a spike where it is wanted."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from spikediag.attribution import Case
from spikediag.coupling import couple
from spikediag.model import (
    Excursion,
    Fact,
    FactName,
    Kind,
    Measure,
    Reduction,
    Role,
    Run,
    Series,
    Session,
    Spike,
)
from spikediag.parser.library_presets import log_lines, presets, remedy_lines
from tests.parser import writing

STEPS = np.arange(0, 20_000, 10)
AT = 1500  # position of the spike, step 15,000
SEED_FACTS = {"batch_size": 256, "dataset_size": 418, "action_dim": 7}
CALM_FACTS = {"batch_size": 32, "dataset_size": 418, "action_dim": 7}


def noise(scale: float, seed: int = 0, n: int = len(STEPS)) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, n)


def nll(bump: Mapping[int, float] | None = None, level: float = -15.0) -> np.ndarray:
    """A falling likelihood with additions at positions."""
    x = STEPS / STEPS[-1]
    values = level + (4.0 - level) * np.exp(-12 * x) - 2 * x + noise(0.4, 1)
    for position, height in (bump or {}).items():
        values[position] += height
    return values


def mse(bump: Mapping[int, float] | None = None, level: float = 0.1) -> np.ndarray:
    values = level * (1 + 9 * np.exp(-30 * STEPS / STEPS[-1])) + noise(0.004, 2)
    for position, height in (bump or {}).items():
        values[position] += height
    return values


def series(tag: str, role: Role, values: np.ndarray, steps: np.ndarray = STEPS, **more) -> Series:
    return Series(tag, role, steps, values, 1.7e9 + 0.1 * steps, **more)


def make_run(
    loss: np.ndarray,
    error: np.ndarray | None,
    *others: Series,
    facts: Mapping[str, object] = SEED_FACTS,
    **more,
) -> Run:
    found = [series("bc/actor_loss", Role.LOSS, loss, measure=Measure.NLL, reduction=Reduction.SUM), *others]
    if error is not None:
        found.append(
            series("bc/mse", Role.COMPANION, error, measure=Measure.SQUARED_ERROR, reduction=Reduction.SUM)
        )
    more.setdefault("log_lines", log_lines(None))
    more.setdefault("remedy_lines", remedy_lines(presets().get(more.get("library"))))
    more.setdefault("sessions", (Session("events.1", 0, 19_990, 1.7e9, 1.7e9 + 2000),))
    return Run(
        "runs/bc",
        "bc",
        {s.tag: s for s in found},
        {
            FactName(name): Fact(FactName(name), value, f"config.yaml: {name}")
            for name, value in facts.items()
        },
        **more,
    )


def spike_at(run: Run, start: int = AT, stop: int = AT + 1, kind: Kind = Kind.TRANSIENT) -> Spike:
    """What a detector would say of positions [start, stop) of the first loss."""
    loss = run.series["bc/actor_loss"]
    past = loss.values[max(0, start - 129) : start]
    level = float(np.median(past))
    scale = 1.4826 * float(np.median(np.abs(past - level)))
    inside = loss.values[start:stop]
    finite = bool(np.isfinite(inside).all())
    lasting = kind not in {Kind.TRANSIENT, Kind.TRAIN}
    peak = start + (int(np.argmax(inside)) if finite else 0)
    height = float((np.median(inside) if lasting else np.max(inside)) - level) if finite else np.inf
    return Spike(
        tag=loss.tag,
        kind=kind,
        start=start,
        stop=stop,
        peak=peak,
        onset_step=int(loss.steps[start]),
        peak_step=int(loss.steps[peak]),
        end_step=int(loss.steps[stop]) if stop < len(loss) else None,
        baseline=level,
        peak_value=float(loss.values[peak]),
        height=height,
        noise=scale,
        sigmas=height / scale,
        expected_by_chance=1e-6,
    )


def train_at(run: Run, positions: Sequence[int]) -> Spike:
    """A train whose members are single points."""
    loss = run.series["bc/actor_loss"]
    highest = max(positions, key=lambda p: loss.values[p])
    one = spike_at(run, highest, highest + 1)
    first, last = min(positions), max(positions)
    return Spike(
        **{
            **{name: getattr(one, name) for name in one.__dataclass_fields__},
            "kind": Kind.TRAIN,
            "start": first,
            "stop": last + 1,
            "onset_step": int(loss.steps[first]),
            "end_step": int(loss.steps[last + 1]),
            "count": len(positions),
            "members": tuple(Excursion(p, p + 1, p) for p in positions),
        }
    )


def make_case(
    run: Run, spike: Spike | None = None, spikes: Mapping[str, tuple[Spike, ...]] | None = None
) -> Case:
    spike = spike_at(run) if spike is None else spike
    return Case(run, spike, couple(spike, run), {spike.tag: (spike,)} if spikes is None else spikes)


def seed_case() -> Case:
    """The user's own case: +39 nats for three logged points while the error stays."""
    run = make_run(nll({AT: 22, AT + 1: 39, AT + 2: 23}), mse())
    return make_case(run, spike_at(run, AT, AT + 3))


def calm_case(*others: Series, **more) -> Case:
    """The same spike in a run whose batch is 7.7 % of the dataset."""
    run = make_run(nll({AT: 22, AT + 1: 39, AT + 2: 23}), mse(), *others, facts=CALM_FACTS, **more)
    return make_case(run, spike_at(run, AT, AT + 3))


def written(folder: Path, loss: np.ndarray, error: np.ndarray, **config: object) -> Path:
    """A run on disk: an event file and the config.json beside it."""
    writing.write(folder, writing.curves({"bc/actor_loss": loss, "bc/mse": error}, STEPS.tolist()))
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def evidence(judgement, what: str):
    """The evidence of that id, None if it was not given."""
    return next((e for e in judgement.evidence if e.what == what), None)
