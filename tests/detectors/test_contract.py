"""What every detector promises: one file, one page, one test file, and no crash on any series."""

import importlib
import inspect
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest

from spikediag.detectors import detect, registry
from spikediag.detectors.signal import Signal
from spikediag.model import Kind
from tests.detectors.builders import series_of

DETECTORS = registry.load()
HEADINGS = ["What it finds:", "How:", "Blind spots:", "References:"]
AWKWARD = {
    "empty": np.zeros(0),
    "one point": np.ones(1),
    "two points": np.array([1.0, 2.0]),
    "constant": np.full(500, -3.0),
    "all NaN": np.full(500, np.nan),
    "all Inf": np.full(500, np.inf),
    "minus Inf": np.full(500, -np.inf),
    "one finite": np.array([np.nan] * 50 + [1.0] + [np.nan] * 50),
    "every other NaN": np.where(np.arange(500) % 2, np.nan, np.arange(500) % 7),
    "step out of silence": np.repeat([0.0, 1.0], 500),
    "tiny": np.linspace(0, 1e-310, 500),
    "huge": np.where(np.arange(500) % 50, 0.0, 1e300),
    "both ends of the range": np.where(np.arange(500) % 50, -1e308, 1e308),
}


def test_every_kind_has_its_detector() -> None:
    assert sorted(DETECTORS) == sorted(kind.value for kind in Kind)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_is_one_frozen_dataclass_in_a_file_of_its_name(name: str) -> None:
    detector = DETECTORS[name]
    module = importlib.import_module(type(detector).__module__)

    assert is_dataclass(detector)
    assert type(detector).__dataclass_params__.frozen
    assert Path(module.__file__).stem == name
    assert module.__doc__.startswith(f"{name}: ")
    assert type(detector)() == detector
    assert all(field.type is not None for field in fields(detector))


@pytest.mark.parametrize("name", DETECTORS)
def test_the_docstring_is_the_public_page(name: str) -> None:
    page = inspect.getdoc(type(DETECTORS[name]))

    places = [page.index(f"\n{heading}\n") for heading in HEADINGS]
    assert places == sorted(places)
    assert "doi:" in page or "arXiv:" in page


@pytest.mark.parametrize("name", DETECTORS)
def test_its_test_file_has_the_same_name(name: str) -> None:
    assert (Path(__file__).parent / f"test_{name}.py").is_file()


@pytest.mark.parametrize("curve", AWKWARD)
@pytest.mark.parametrize("name", DETECTORS)
def test_no_series_makes_it_crash_or_warn(name: str, curve: str) -> None:
    series = series_of(AWKWARD[curve])
    assert not series.values.flags.writeable

    for spike in DETECTORS[name].find(Signal(series, alpha=0.05)):
        assert spike.kind == name
        assert 0 <= spike.start <= spike.peak < spike.stop <= len(series)
        assert spike.onset_step == series.steps[spike.start]
        assert spike.end_step is None or spike.end_step == series.steps[spike.stop]


@pytest.mark.parametrize("curve", AWKWARD)
def test_the_whole_engine_takes_any_series(curve: str) -> None:
    spikes = detect(series_of(AWKWARD[curve]), falls=True)

    assert [spike.start for spike in spikes] == sorted(spike.start for spike in spikes)


@pytest.mark.parametrize("n", range(1, 80, 3))
def test_any_length_will_do(n: int) -> None:
    detect(series_of(np.random.default_rng(n).normal(size=n)), falls=True)
