"""What is published says one thing: version, address, extras, and files that only release or forge read."""

import re
import tomllib
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest
import yaml

from spikediag.version import VERSION
from tests.conftest import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS: str = PROJECT["urls"]["Repository"]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
OURS = re.compile(r"(?:https://)?github\.com/[\w.-]+/spikediag\b|(?<=uses: )[\w.-]+/spikediag(?=@)")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def written() -> list[Path]:
    """Every text of the repository that may name its address."""
    kinds = ("*.md", "*.toml", "*.yml", "*.yaml", "*.cff", "*.py", "*.txt")
    hidden = (ROOT / ".github").rglob("*.yml")
    folders = [ROOT / name for name in ("docs", "spikediag", "sample_runs", "benchmarks")]
    inside = (path for folder in folders for kind in kinds for path in folder.rglob(kind))
    return sorted({*hidden, *inside, *(path for kind in kinds for path in ROOT.glob(kind))})


def test_the_address_is_that_of_pyproject_wherever_it_is_written() -> None:
    known = {ADDRESS, ADDRESS.removeprefix("https://"), ADDRESS.removeprefix("https://github.com/")}
    wrong = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in written()
        for found in OURS.findall(path.read_text(encoding="utf-8"))
        if found not in known
    ]
    assert not wrong


def test_nobody_is_left_to_fill_in_an_owner() -> None:
    assert not [path for path in written() if "OWNER" in path.read_text(encoding="utf-8")]


def test_every_address_of_the_project_lies_in_its_repository() -> None:
    assert all(url.startswith(ADDRESS) for url in PROJECT["urls"].values())


def test_the_version_stands_at_the_head_of_the_changelog_and_in_the_citation() -> None:
    heads = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert next(head for head in heads if head != "Unreleased") == VERSION
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["repository-code"]) == (VERSION, ADDRESS)
    assert citation["license"] == PROJECT["license"]


def test_recipes_name_the_current_version() -> None:
    recipes = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    assert set(re.findall(r"rev: (\S+)|spikediag@(\S+)", recipes)) == {
        (f"v{VERSION}", ""),
        ("", f"v{VERSION}"),
    }


def test_each_python_that_is_tested_is_declared() -> None:
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    matrix = ci["jobs"]["all"]["strategy"]["matrix"]
    declared = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d", c)]
    assert matrix["python"] == declared == PYTHONS
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    lowest = {entry["os"]: entry["python"] for entry in matrix["include"]}
    assert lowest == dict.fromkeys(matrix["os"], PYTHONS[0])


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_pin_what_they_use_and_ask_for_little(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    uses = re.findall(r"uses: (.+)", text)
    assert uses
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", use) for use in uses)
    assert document["permissions"] == {"contents": "read"}
    jobs = document["jobs"].items()
    assert {name for name, job in jobs if "permissions" in job} <= {"publish"}
    for program in re.findall(r"run: (\.ci/\w+)", text):
        assert (ROOT / program).stat().st_mode & 0o100


def test_only_the_publishing_job_may_identify_itself() -> None:
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    publish = release["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["environment"]["name"] == "pypi"
    assert not [step for step in publish["steps"] if "run" in step]


def test_all_holds_every_extra_of_a_user() -> None:
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    named = set(re.fullmatch(r"spikediag\[(.+)\]", everything)[1].split(","))  # type: ignore[index]
    assert named == extras.keys() - {"all", "dev", "docs", "lab", "live", "loggers"}


@pytest.mark.parametrize("form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=str)
def test_issue_forms_ask_for_the_version_or_the_tags(form: Path) -> None:
    document = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.stem == "config":
        assert document.keys() == {"blank_issues_enabled"}
        return
    assert document.keys() == {"name", "description", "title", "labels", "body"}
    identifiers = [field.get("id") for field in document["body"] if field["type"] != "markdown"]
    assert len(set(identifiers)) == len(identifiers)
    assert {"version", "tags"} & set(identifiers)


@pytest.mark.slow
def test_the_page_on_the_index_has_no_link_that_leads_nowhere_there(tmp_path: Path) -> None:
    from setuptools.build_meta import prepare_metadata_for_build_wheel

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        folder = prepare_metadata_for_build_wheel(str(tmp_path))
    said = Distribution.at(tmp_path / folder).metadata
    assert not re.findall(r"\]\((?!https?:|#)[^)]+\)", said.json["description"])  # type: ignore[operator]
    assert f"{ADDRESS}/raw/v{VERSION}/reports/examples" in said.json["description"]
    assert said["Version"] == VERSION
