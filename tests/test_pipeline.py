"""The whole way through the house on runs built from arrays: laws, and input that must never crash it."""

import json
import subprocess
import sys
import warnings
from functools import cache

import numpy as np
import pytest

import spikediag
from spikediag import attribution
from spikediag.errors import NoLossError, UsageError
from spikediag.model import Kind
from spikediag.policy import Policy
from spikediag.policy.rules import judge
from spikediag.rates import Interval, Rates
from spikediag.sweep.row import summarise

N = 2_000
STEPS = np.arange(N) * 10


def seed_like(
    seed: int = 0, scale: float = 1.0, shift: float = 0.0
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The user's case as arrays: the actor loss leaps from -15 to +24 for six points, the MSE stays."""
    rng = np.random.default_rng(seed)
    loss = -15 + 12 * np.exp(-STEPS / 2_000) + rng.normal(0, 0.8, N)
    loss[1_500:1_506] += np.array([8, 22, 39, 30, 15, 6])
    mse = 0.1 + rng.normal(0, 0.004, N)
    return {"bc/actor_loss": (STEPS, scale * loss + shift), "bc/mse": (STEPS, mse)}


def diagnose(arrays: dict[str, tuple[np.ndarray, np.ndarray]], **facts: float) -> spikediag.Diagnosis:
    return spikediag.diagnose(spikediag.Run.from_arrays(arrays, **facts))


@cache
def usual() -> spikediag.Diagnosis:
    """Of the user's case, without facts."""
    return diagnose(seed_like())


def test_effects_of_remedies_are_worked_out_for_those_who_read_them_only(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(Rates, "effect", lambda *_: asked.append(1) or Interval(0.9, 0.5, 1.0))
    facts = {"batch_size": 256, "dataset_size": 418, "sigma_min": 1e-5}
    diagnosis = diagnose(seed_like(), **facts)
    assert judge(diagnosis, Policy()).breaches
    assert not asked
    assert diagnosis.to_dict()["remedies"]
    assert asked


def test_why_is_asked_only_of_findings_of_which_somebody_reads_it(monkeypatch) -> None:
    asked = []
    judge_causes = attribution.explain
    monkeypatch.setattr(attribution, "explain", lambda case: asked.append(case) or judge_causes(case))
    curves = seed_like()
    for at in (500, 1_000):
        curves["bc/actor_loss"][1][at : at + 4] += 12.0
    diagnosis = diagnose(curves)
    assert len(diagnosis.findings) == 3
    summarise(diagnosis, 0.0)
    assert [case.spike for case in asked] == [diagnosis.lead.spike]
    assert all(finding.verdicts for finding in diagnosis.findings)
    assert len(asked) == 3


def test_the_users_case_is_one_decoupled_jump_blamed_on_the_ratio() -> None:
    diagnosis = diagnose(seed_like(), batch_size=256, dataset_size=418, action_dim=7)
    assert len(diagnosis.findings) == 1
    finding = diagnosis.findings[0]
    assert finding.spike.onset_step == pytest.approx(15_000, abs=20)
    assert finding.spike.height == pytest.approx(39, abs=3)
    assert finding.coupling.verdict == "decoupled"
    assert finding.primary_cause == "batch-ratio"


def test_without_the_facts_the_cause_is_unexplained() -> None:
    assert [f.primary_cause for f in usual().findings] == ["unexplained"]


@pytest.mark.parametrize(("scale", "shift"), [(1e-3, 0.0), (1e3, 0.0), (1.0, 1e4), (2.0, -500.0)])
def test_findings_do_not_depend_on_scale_or_sign(scale: float, shift: float) -> None:
    plain = [(f.spike.kind, f.spike.onset_step, f.spike.peak_step) for f in usual().findings]
    moved = diagnose(seed_like(scale=scale, shift=shift)).findings
    assert [(f.spike.kind, f.spike.onset_step, f.spike.peak_step) for f in moved] == plain


def test_a_calm_run_is_clean() -> None:
    arrays = seed_like()
    loss = arrays["bc/actor_loss"][1].copy()
    loss[1_500:1_506] = loss[1_400:1_406]
    diagnosis = diagnose({**arrays, "bc/actor_loss": (STEPS, loss)})
    assert not diagnosis.findings
    assert diagnosis.overall.status == "clean"


def test_the_order_of_tags_does_not_matter() -> None:
    backwards = dict(reversed(list(seed_like().items())))
    assert usual().to_dict()["findings"] == diagnose(backwards).to_dict()["findings"]


AWKWARD = {
    "constant": np.full(N, -3.0),
    "zero": np.zeros(N),
    "all_nan": np.full(N, np.nan),
    "all_inf": np.full(N, np.inf),
    "nan_tail": np.where(np.arange(N) < 1_500, 1.0, np.nan),
    "huge": 1e308 * np.linspace(-1, 1, N),
    "subnormal": 5e-324 * np.sin(np.arange(N)),
    "of_every_size": 10.0 ** np.linspace(-320, 308, N),
    "one_point": np.ones(1),
    "two_points": np.array([1.0, -1.0]),
    "empty": np.empty(0),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_series_neither_crash_nor_warn(name: str) -> None:
    values = AWKWARD[name]
    steps = np.arange(len(values))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        diagnosis = diagnose(
            {"bc/actor_loss": (steps, values), "bc/mse": (steps, values)}, batch_size=256, dataset_size=418
        )
        json.dumps(diagnosis.to_dict(), allow_nan=False)
        assert diagnosis.to_markdown()
        assert diagnosis.figure() is not None


def test_a_loss_that_ends_in_nan_is_found() -> None:
    values = AWKWARD["nan_tail"]
    diagnosis = diagnose({"bc/actor_loss": (np.arange(N), values)})
    assert [f.spike.kind for f in diagnosis.findings] == ["non_finite"]


def test_a_run_without_a_loss_says_so() -> None:
    with pytest.raises(NoLossError, match="spikediag tags"):
        diagnose({"charts/fps": (STEPS, np.ones(N))})


def test_an_unknown_fact_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="batch_size"):
        spikediag.Run.from_arrays(seed_like(), batchsize=256)


def test_a_diagnosis_loads_nothing_that_is_slow_to_load() -> None:
    code = (
        "import sys, spikediag.pipeline as p; p.attribution.registry.load(); p.detectors.registry.load();"
        "print(*sorted({'scipy.stats', 'matplotlib', 'pandas', 'tbparse'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("unit", [1e-290, 1.0, 1e280])
def test_a_run_in_absurd_units_is_diagnosed_as_any_other(unit: float) -> None:
    values = np.random.default_rng(5).normal(size=400)
    values[250] += 60.0
    (finding,) = spikediag.diagnose(spikediag.Run.from_arrays({"loss": unit * values})).findings
    assert (finding.spike.kind, finding.spike.onset_step) == (Kind.TRANSIENT, 250)


def test_a_finite_number_is_a_number_however_large() -> None:
    values = np.random.default_rng(5).normal(size=400)
    values[250] = 1e308
    (finding,) = spikediag.diagnose(spikediag.Run.from_arrays({"loss": values})).findings
    assert finding.spike.kind is Kind.TRANSIENT
