"""Every cause keeps the contract: its id, its names in every language, and calm on odd series."""

import dataclasses
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spikediag
from spikediag.attribution import Case, explain, registry
from spikediag.attribution.protocol import applies
from spikediag.coupling import couple
from spikediag.model import UNEXPLAINED, CouplingVerdict, Kind, Measure, Role, Run, Series, Spike, Tier
from spikediag.witnesses import SeriesTable, ask_every_series
from tests.attribution import cases

CAUSES = registry.load()
QUANTITIES = ("x/approx_kl", "x/clipfrac", "x/q_mean", "x/alpha", "x/rewards/term", "x/kl")
LANGUAGES = sorted(Path(spikediag.__file__).parent.rglob("languages/*.toml"))
ODD = {
    "empty": np.array([]),
    "one point": np.array([1.0]),
    "constant": np.zeros(60),
    "all nan": np.full(60, np.nan),
    "all inf": np.full(60, np.inf),
    "half nan": np.where(np.arange(60) % 2, np.nan, 1.0),
    "huge": np.full(60, 1e300) * np.where(np.arange(60) % 2, -1, 1),
    "ordinary": np.sin(np.arange(60.0)),
}


@pytest.mark.parametrize("id_", CAUSES)
def test_an_id_can_be_written_in_a_policy_and_a_prior_is_a_probability(id_: str) -> None:
    cause = CAUSES[id_]
    assert cause.id == id_
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", id_)
    assert 0 < cause.prior < 1


@pytest.mark.parametrize("id_", CAUSES)
def test_nothing_can_be_set_but_what_the_protocol_names(id_: str) -> None:
    assert {field.name for field in dataclasses.fields(CAUSES[id_])} == {
        "id",
        "prior",
        "of_falls",
        "calibrated",
    }


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda path: path.stem)
def test_every_language_names_every_cause_and_no_other(language: Path) -> None:
    names = tomllib.loads(language.read_text(encoding="utf-8"))["ids"]["cause"]
    assert set(names) == set(CAUSES)
    assert all(name.strip() for name in names.values())


def test_there_is_a_cause_that_takes_what_no_other_earns() -> None:
    assert UNEXPLAINED in CAUSES


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize(
    "measure",
    [Measure.NLL, *(pytest.param(odd, marks=pytest.mark.slow) for odd in (Measure.VALUE, Measure.POLICY))],
)
def test_odd_series_neither_crash_nor_warn(measure: Measure, name: str, kind: Kind) -> None:
    """The loss itself is ordinary or has a hole; everything else the run logs is odd."""
    loss = np.sin(np.arange(200.0)) + np.where(np.arange(200) == 150, 30.0, 0.0)
    if kind is Kind.NON_FINITE:
        loss[150:] = np.nan
    odd = {
        f"x/{role.value}": _series(f"x/{role.value}", role, ODD[name])
        for role in Role
        if role is not Role.LOSS
    }
    odd |= {tag: _series(tag, Role.OTHER, ODD[name]) for tag in QUANTITIES}
    main = _series("x/loss", Role.LOSS, loss, measure)
    other = _series("x/other_loss", Role.LOSS, ODD[name])
    run = Run("r", "r", {main.tag: main, other.tag: other, **odd})
    stop = 151 if kind in {Kind.TRANSIENT, Kind.TRAIN} else 200
    height = np.inf if kind is Kind.NON_FINITE else 30.0
    spike = Spike(
        main.tag, kind, 150, stop, 150, 1500, 1500, None, 0.0, height, height, 0.7, height / 0.7, 1e-6
    )
    explanation = explain(
        Case(run, spike, couple(spike, run), {}, ask_every_series(SeriesTable(run), spike, (spike,)))
    )
    assert {v.cause for v in explanation.verdicts} == {
        id_ for id_, cause in CAUSES.items() if applies(cause, run, main)
    }
    assert sum(v.share for v in explanation.verdicts if v.tier is not Tier.CONDITION) == pytest.approx(1)
    assert all(str(e.reading) for v in explanation.verdicts for e in v.evidence)
    shares = [v.share for v in explanation.verdicts]
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("verdict", CouplingVerdict)
def test_what_the_error_did_is_weighed_alike_by_all(verdict: CouplingVerdict) -> None:
    """An error that stayed flat, or rose too little, speaks for a sharp sigma and against a hard batch."""
    case = cases.seed_case()
    judged = explain(Case(case.run, case.spike, replace(case.coupling, verdict=verdict), case.spikes))
    found = {
        v.cause: sum(
            e.weight for e in v.evidence if e.what.startswith("error-") and e.what != "error-doubled"
        )
        for v in judged.verdicts
    }
    for_sigma = found["log-std-drift"], found["batch-ratio"]
    if verdict in {CouplingVerdict.DECOUPLED, CouplingVerdict.PARTLY}:
        assert min(for_sigma) > 0 > found["hard-batch"]
    elif verdict is CouplingVerdict.COUPLED:
        assert max(for_sigma) < 0 < found["hard-batch"]
    else:
        assert max(for_sigma) <= 0 == found["hard-batch"]


def _series(tag: str, role: Role, values: np.ndarray, measure: Measure = Measure.UNKNOWN) -> Series:
    steps = 10 * np.arange(len(values))
    return Series(tag, role, steps, values, np.zeros(len(values)), measure=measure)
