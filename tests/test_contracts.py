"""What every plugin promises, whatever family it is of; everything here comes from the registries."""

import dataclasses
import inspect
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest

import spikediag
from spikediag import attribution, detectors, reporter
from spikediag.model import Kind, Measure, Role, Run, Series, Shape, Status, Tier
from spikediag.parser import sources
from spikediag.registry import Registry
from tests.conftest import ROOT, diagnosed, languages


@dataclass(frozen=True)
class Family:
    """One folder of plugins.

    Attributes:
        folder: Of the package and of its tests.
        headings: Of the public page, in this order.
        labels: The table of a language file that names each id; empty where an id is its own name.
    """

    folder: str
    registry: Registry
    headings: tuple[str, ...] = ()
    labels: str = ""


FAMILIES = (
    Family(
        "detectors", detectors.registry, ("What it finds", "How", "Blind spots", "References"), labels="kind"
    ),
    Family(
        "attribution",
        attribution.registry,
        ("What it means", "Evidence for", "Evidence against", "What to do"),
        labels="cause",
    ),
    Family("reporter", reporter.registry),
    Family("parser", sources.registry),
)
PLUGINS = [(family, plugin) for family in FAMILIES for plugin in family.registry.load().values()]
every_plugin = pytest.mark.parametrize(
    ("family", "plugin"), PLUGINS, ids=[f"{family.folder}-{plugin.id}" for family, plugin in PLUGINS]
)


@every_plugin
def test_a_plugin_bears_the_name_of_its_file(family: Family, plugin: object) -> None:
    module = type(plugin).__module__
    assert module.startswith(f"spikediag.{family.folder}.")
    assert module.rpartition(".")[2] == plugin.id.replace("-", "_")
    assert re.fullmatch(r"[a-z]+([-_][a-z]+)*", plugin.id)


@every_plugin
def test_a_plugin_is_a_frozen_dataclass_whose_settings_have_defaults(family: Family, plugin: object) -> None:
    assert dataclasses.is_dataclass(plugin)
    assert type(plugin).__dataclass_params__.frozen
    assert type(plugin)() == plugin


@every_plugin
def test_the_docstring_is_a_public_page_with_the_headings_of_its_family(
    family: Family, plugin: object
) -> None:
    page = inspect.getdoc(type(plugin))
    assert page
    assert not re.search(r"[ \t]+$", page, flags=re.MULTILINE)
    missing = [heading for heading in family.headings if f"\n{heading}:\n" not in page]
    assert not missing
    places = [page.index(f"\n{heading}:\n") for heading in family.headings]
    assert places == sorted(places)
    assert "TODO" not in page, "the scaffold wrote this page; say what the plugin does"


@every_plugin
def test_a_plugin_has_a_test_file_of_its_name(family: Family, plugin: object) -> None:
    name = f"test_{plugin.id.replace('-', '_')}.py"
    assert list((ROOT / "tests" / family.folder).rglob(name)), f"tests/{family.folder}/{name} is missing"


@every_plugin
def test_every_language_has_a_name_for_it(family: Family, plugin: object) -> None:
    if not family.labels:
        return
    missing = [code for code, table in languages().items() if plugin.id not in table["ids"][family.labels]]
    assert not missing, f"[ids.{family.labels}] of languages/{missing}.toml has no {plugin.id}"


def test_no_two_plugins_share_an_id() -> None:
    ids = [plugin.id for _, plugin in PLUGINS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_shape_a_detector_and_a_name_in_every_language(kind: Kind) -> None:
    assert isinstance(kind.shape, Shape)
    assert kind.value in detectors.registry.load()
    for table in languages().values():
        assert table["ids"]["kind"][kind.value]


def test_no_detector_finds_what_is_no_kind() -> None:
    assert set(detectors.registry.load()) == {kind.value for kind in Kind}


@pytest.mark.parametrize("code", languages())
@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_its_sentence_in_the_report(kind: Kind, code: str) -> None:
    """A burst of its own beside it would be named too, so the finding stands alone."""
    whole = diagnosed("lr_step")
    finding = whole.lead
    alone = replace(whole, findings=(replace(finding, spike=replace(finding.spike, kind=kind)),))
    page = reporter.to_markdown(alone, code)
    assert languages()[code]["ids"]["kind"][kind.value] in page
    assert re.search(rf"\b{kind.value}\b", page) is None or "_" not in kind.value


N = 240
ORDINARY = np.sin(np.arange(N)) + np.where(np.arange(N) == 150, 30.0, 0.0)
ODD = {
    "empty": np.array([]),
    "one point": np.array([1.0]),
    "two points": np.array([1.0, -2.0]),
    "constant": np.zeros(N),
    "all NaN": np.full(N, np.nan),
    "all Inf": np.full(N, np.inf),
    "minus Inf": np.full(N, -np.inf),
    "half NaN": np.where(np.arange(N) % 2, np.nan, 1.0),
    "one finite": np.where(np.arange(N) == 50, 1.0, np.nan),
    "step out of silence": np.repeat([0.0, 1.0], N // 2),
    "tiny": np.linspace(0, 1e-310, N),
    "huge": np.full(N, 1e300) * np.where(np.arange(N) % 2, -1, 1),
    "both ends of the range": np.where(np.arange(N) % 50, -1e308, 1e308),
    "ordinary": ORDINARY,
}


def series(role: Role, values: np.ndarray, measure: Measure = Measure.UNKNOWN) -> Series:
    return Series(f"x/{role.value}", role, 10 * np.arange(len(values)), values, values * np.nan, measure)


@pytest.mark.parametrize("name", reporter.registry.load())
def test_a_format_gives_the_same_files_twice_and_takes_no_name_from_the_run(name: str) -> None:
    curves = (series(Role.LOSS, ORDINARY), series(Role.COMPANION, ODD["constant"]))
    hostile = spikediag.diagnose(Run("r", "../../evil/\x1b[31m", {curve.tag: curve for curve in curves}))
    first, second = (reporter.render(hostile, [name]) for _ in range(2))
    assert first == second
    assert first
    assert all(re.fullmatch(r"[\w.-]+", artifact.name) for artifact in first)


@pytest.mark.parametrize("name", ODD)
def test_no_detector_crashes_or_points_outside_the_series(name: str) -> None:
    curve = series(Role.LOSS, ODD[name])
    found = detectors.detect(curve, falls=True)
    assert [spike.start for spike in found] == sorted(spike.start for spike in found)
    for spike in found:
        assert 0 <= spike.start <= spike.peak < spike.stop <= len(curve)
        assert spike.onset_step == curve.steps[spike.start]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize(
    "loss",
    ["ordinary", *(pytest.param(odd, marks=pytest.mark.slow) for odd in ("half NaN", "step out of silence"))],
)
def test_every_cause_is_weighed_whatever_the_run_logs(name: str, loss: str) -> None:
    """The loss jumps, everything else is odd, and the shares of what may have happened sum to one."""
    values = np.where(np.arange(N) >= 220, np.inf, ODD[loss])
    curves = [series(role, ODD[name]) for role in Role if role is not Role.LOSS]
    curves.append(series(Role.LOSS, values, Measure.NLL))
    diagnosis = spikediag.diagnose(Run("r", "r", {curve.tag: curve for curve in curves}))
    assert diagnosis.findings
    for finding in diagnosis.findings:
        assert {verdict.cause for verdict in finding.verdicts} == set(attribution.applicable(diagnosis.run))
        shares = [verdict.share for verdict in finding.verdicts]
        events = (verdict.share for verdict in finding.verdicts if verdict.tier is not Tier.CONDITION)
        assert sum(events) == pytest.approx(1)
        assert shares == sorted(shares, reverse=True)
        assert all(str(evidence.reading) for verdict in finding.verdicts for evidence in verdict.evidence)


@pytest.mark.parametrize("n", range(1, 80, 3))
def test_a_series_of_any_length_will_do(n: int) -> None:
    detectors.detect(series(Role.LOSS, np.random.default_rng(n).normal(size=n)), falls=True)


@pytest.mark.parametrize("name", ["bc_single_trajectory", "lr_step"])
def test_a_cause_that_is_ruled_out_gives_no_advice(name: str) -> None:
    ruled_out = [
        verdict
        for finding in diagnosed(name).findings
        for verdict in finding.verdicts
        if verdict.status is Status.RULED_OUT
    ]
    assert ruled_out
    assert not any(verdict.advice or verdict.mechanism for verdict in ruled_out)
