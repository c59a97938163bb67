"""The published schemas describe what is printed today, and what earlier versions printed."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import spikediag
from spikediag.cli import entry
from spikediag.policy import baseline
from tests.conftest import EXAMPLES, ROOT, SAMPLE_RUNS, diagnosed, sample_runs

SCHEMAS = {
    file.stem: json.loads(file.read_text()) for file in (ROOT / "spikediag" / "schemas").glob("*.json")
}
EARLIER = sorted((ROOT / "tests" / "json_documents").iterdir())
CALM, SPIKY = str(SAMPLE_RUNS / "calm"), str(SAMPLE_RUNS / "bc_single_trajectory")


def validate(document: Any, name: str, *, known_keys_only: bool = False) -> None:
    schema = closed(SCHEMAS[name]) if known_keys_only else SCHEMAS[name]
    errors = jsonschema.Draft202012Validator(schema).iter_errors(document)
    assert not [f"{error.json_path}: {error.message:.200}" for error in errors]


def closed(schema: Any) -> Any:
    """The schema with no room for keys that it does not describe."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(part) for key, part in schema.items()}
    return inner | {"additionalProperties": False} if "properties" in schema else inner


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_schema_of_its_own_name(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["properties"]["schema"] == {"const": f"spikediag.{name.replace('-', '/')}"}


@pytest.mark.parametrize("run", ["bc_single_trajectory", "calm", "lr_step", "non_finite", "resume"])
def test_a_diagnosis_of_today_has_no_key_that_is_not_described(run: str) -> None:
    validate(diagnosed(run).to_dict(), "diagnosis-1", known_keys_only=True)


@pytest.mark.slow
@pytest.mark.parametrize("run", sample_runs(), ids=lambda run: run.name)
def test_every_diagnosis_is_described(run: Path) -> None:
    validate(diagnosed(run.name).to_dict(), "diagnosis-1", known_keys_only=True)


def test_a_comparison_of_today_is_described() -> None:
    made = spikediag.compare(diagnosed("bc_single_trajectory"), diagnosed("bc_sigma_floor"))
    validate(made.to_dict(), "comparison-1", known_keys_only=True)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["check", SPIKY, CALM, "gone", "--json"], "check-1"),
        (["tags", CALM, "--json"], "tags-1"),
        (["scan", CALM, "--json"], "scan-1"),
    ],
)
def test_what_commands_print_is_described(command, name, capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    entry.run(command)
    validate(json.loads(capsys.readouterr().out), name, known_keys_only=True)


@pytest.mark.parametrize("version", EARLIER, ids=lambda version: version.name)
def test_documents_of_earlier_versions_are_still_valid_and_old_baselines_are_read(version: Path) -> None:
    documents = sorted(version.glob("*.json"))
    assert {file.stem for file in documents} >= {"diagnosis", "check", "comparison"}
    for file in documents:
        document = json.loads(file.read_text(encoding="utf-8"))
        validate(document, document["schema"].removeprefix("spikediag.").replace("/", "-"))
    written = tomllib.loads((version / "baseline.toml").read_text(encoding="utf-8"))
    assert len(baseline.load(version / "baseline.toml")) == len(written["accepted"]) > 0


def keys(document: Any, where: str = "") -> set[str]:
    """Every key of a document by its path; entries of a list are alike."""
    if isinstance(document, dict):
        return {f"{where}.{k}" for k in document} | {
            p for k, v in document.items() for p in keys(v, f"{where}.{k}")
        }
    if isinstance(document, list):
        return {path for item in document for path in keys(item, f"{where}[]")}
    return set()


@pytest.mark.parametrize("version", EARLIER, ids=lambda version: version.name)
def test_no_key_of_an_earlier_diagnosis_is_gone(version: Path) -> None:
    """The same run, read again: whoever reads the old keys finds them."""
    earlier = json.loads((version / "diagnosis.json").read_text(encoding="utf-8"))
    today = json.loads((EXAMPLES / earlier["run"]["name"] / "report.json").read_text(encoding="utf-8"))
    gone = {path for path in keys(earlier) - keys(today) if not path.startswith(".run.")}
    assert not gone


def test_the_schema_of_a_document_is_printed(capsys) -> None:
    assert entry.run(["schema"]) == 0
    listed = capsys.readouterr().out.split()
    assert listed == [f"spikediag.{name.replace('-', '/')}" for name in sorted(SCHEMAS)]
    for asked in ("diagnosis", "diagnosis-1", "spikediag.diagnosis/1"):
        assert entry.run(["schema", asked]) == 0
        assert json.loads(capsys.readouterr().out) == SCHEMAS["diagnosis-1"]
    assert entry.run(["schema", "report"]) == 2
    assert "lists them" in capsys.readouterr().err
