"""Every detector, cause and format is one file with one documented, tested plugin."""

import dataclasses
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

from spikediag import attribution, detectors, reporter
from tests.conftest import ROOT

PACKAGES = {"detectors": detectors, "attribution": attribution, "reporter": reporter}
HEADINGS = {
    "detectors": ["What it finds", "How", "Blind spots", "References"],
    "attribution": ["What it means", "Evidence for", "Evidence against", "What to do"],
    "reporter": [],
}
PLUGINS = [
    pytest.param(package, plugin, id=f"{package}-{plugin.id}")
    for package, module in PACKAGES.items()
    for plugin in module.registry.load().values()
]


@pytest.mark.parametrize(("package", "plugin"), PLUGINS)
def test_plugin_bears_the_name_of_its_file(package: str, plugin: object) -> None:
    module = type(plugin).__module__
    assert module.startswith(f"spikediag.{package}.")
    assert module.rpartition(".")[2] == plugin.id.replace("-", "_")


@pytest.mark.parametrize(("package", "plugin"), PLUGINS)
def test_plugin_is_a_frozen_dataclass_whose_settings_have_defaults(package: str, plugin: object) -> None:
    assert dataclasses.is_dataclass(plugin)
    assert type(plugin).__dataclass_params__.frozen
    assert type(plugin)() == plugin


@pytest.mark.parametrize(("package", "plugin"), PLUGINS)
def test_docstring_is_a_public_page_with_the_headings_of_its_kind(package: str, plugin: object) -> None:
    page = inspect.getdoc(plugin)
    assert page
    assert page == re.sub(r"[ \t]+$", "", page, flags=re.MULTILINE)
    for heading in HEADINGS[package]:
        assert re.search(rf"^{heading}[.:]", page, flags=re.MULTILINE), (
            f"{plugin.id} has no heading '{heading}.'"
        )


@pytest.mark.parametrize(("package", "plugin"), PLUGINS)
def test_plugin_has_a_test_file_of_its_name(package: str, plugin: object) -> None:
    assert any((ROOT / "tests" / package).rglob(f"test_{plugin.id.replace('-', '_')}.py"))


def test_ids_are_unique_over_all_packages() -> None:
    ids = [plugin.id for package in (detectors, attribution) for plugin in package.registry.load().values()]
    shared = {i for i in ids if ids.count(i) > 1} - {"non_finite"}
    assert not shared


def test_every_package_is_found_by_the_build() -> None:
    packages = {
        name for _, name, is_package in pkgutil.walk_packages([str(ROOT / "spikediag")]) if is_package
    }
    for package in packages:
        assert (Path(ROOT / "spikediag" / package) / "__init__.py").is_file()
