"""reports/ is what the tool writes of sample_runs/ today; `pytest --update-golden` rewrites it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, sample_runs

RUNS = [run.relative_to(ROOT).as_posix() for run in sample_runs()]


def analyze(out: str) -> None:
    command = [sys.executable, "-m", "spikediag", "analyze", *RUNS, "--out", out]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"}, check=True, capture_output=True)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    if request.config.getoption("--update-golden"):
        analyze("reports")
    out = tmp_path_factory.mktemp("reports")
    analyze(str(out))
    return out


@pytest.mark.parametrize("name", [Path(run).name for run in RUNS])
def test_report_is_current(name: str, written: Path) -> None:
    kept, new = ROOT / "reports" / name, written / name
    for text in ("report.md", "report.json"):
        assert (new / text).read_text(encoding="utf-8") == (kept / text).read_text(encoding="utf-8")
    assert {path.name for path in new.iterdir()} == {path.name for path in kept.iterdir()}


def test_every_report_belongs_to_a_sample_run() -> None:
    folders = {path.name for path in (ROOT / "reports").iterdir() if path.is_dir()}
    assert folders == {Path(run).name for run in RUNS}
