"""`python -m spikediag.new`: what it writes is found and judged, and the contract says what is left to do."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spikediag import attribution, new
from tests.conftest import ROOT

PLUGINS = {
    "cause": "data-order",
    "detector": "double-bump",
    "format": "csv",
    "preset": "composer",
    "source": "aim-exports",
}

PAGES = ("attribution-data-order", "detectors-double_bump", "parser-aim_exports", "reporter-csv")


def python(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one new plugin of each family."""
    tree = tmp_path_factory.mktemp("checkout")
    for folder in ("spikediag", "tests", "reports"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "sample_runs").symlink_to(ROOT / "sample_runs")
    shutil.copy(ROOT / "pyproject.toml", tree)
    for family, name in list(PLUGINS.items())[1:]:
        assert all(path.is_file() for path in new.write(tree, family, name))
    return tree


@pytest.fixture(scope="module")
def tested(tree: Path) -> dict[str, str]:
    """The outcome of every test of the copy that has to do with the new plugins."""
    done = python(tree, "-m", "spikediag.new", "cause", PLUGINS["cause"])
    assert done.returncode == 0, done.stderr
    assert all((tree / path).is_file() for path in done.stdout.split())
    own = ["attribution/test_data_order.py", "detectors/test_double_bump.py", "reporter/test_csv.py"]
    own.append("parser/sources/test_aim_exports.py")
    names = "(data-order or data_order or double_bump or csv or composer or aim_exports) and not zh"
    where = [f"tests/{path}" for path in ("test_contracts.py", "parser/test_roles.py", *own)]
    done = python(tree, "-m", "pytest", "-v", "-p", "no:cacheprovider", *where, "-k", names)
    found = re.findall(r"^tests/(\S+(?:\[.*\])?) (PASSED|FAILED|ERROR)", done.stdout, flags=re.MULTILINE)
    assert found, done.stdout + done.stderr
    return dict(found)


def test_every_family_of_plugins_can_be_started() -> None:
    assert set(PLUGINS) == set(new.FAMILIES)


@pytest.mark.slow
def test_the_contract_fails_only_for_what_nobody_has_written_yet(tested: dict[str, str]) -> None:
    failed = [name for name, outcome in tested.items() if outcome != "PASSED"]
    page = "test_contracts.py::test_the_docstring_is_a_public_page_with_the_headings_of_its_family"
    assert sorted(failed) == [f"{page}[{plugin}]" for plugin in PAGES]


@pytest.mark.slow
@pytest.mark.parametrize(
    "test", ["data_order.py", "double_bump.py", "test_csv.py", "composer", "aim_exports.py"]
)
def test_its_own_test_passes(test: str, tested: dict[str, str]) -> None:
    own = [outcome for name, outcome in tested.items() if test in name]
    assert own
    assert set(own) == {"PASSED"}


@pytest.mark.slow
def test_ruff_is_content_with_what_it_writes(tree: Path, tested: dict[str, str]) -> None:
    assert tested
    written = [str(path) for path in tree.rglob("*.py") if "data_order" in path.name or "bump" in path.name]
    assert len(written) == 4
    for command in (["check"], ["format", "--check"]):
        done = python(tree, "-m", "ruff", *command, "--no-cache", *written)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Data Order", "is no name"),
        ("../evil", "is no name"),
        ("class", "is no name"),
        ("resume", "exists already"),
    ],
)
def test_a_bad_or_taken_name_is_refused_and_nothing_is_written(name: str, why: str) -> None:
    before = attribution.registry.load().keys()
    with pytest.raises(SystemExit, match=why):
        new.write(ROOT, "cause", name)
    assert attribution.registry.load().keys() == before


def test_without_a_checkout_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is not a checkout"):
        new.write(tmp_path, "format", "csv")
