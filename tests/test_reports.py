"""reports/examples/ is what the tool writes today; `pytest --update-golden` rewrites it.

Three reports are kept in git; `spikediag analyze sample_runs` writes those of all runs into reports/, which
git ignores. What is kept and what is written must say the same (see `tests/golden.py`), on any machine.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spikediag import reporter
from tests import golden
from tests.conftest import EXAMPLES, ROOT, SAMPLE_RUNS, diagnosed, languages, sample_runs

NAMES = sorted(path.name for path in EXAMPLES.iterdir())
FORMATS = ("md", "png", "json")  # what `analyze` writes unasked
MARK = ".spikediag.json"


@pytest.fixture(scope="session", autouse=True)
def updated(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-golden"):
        runs = [f"sample_runs/{name}" for name in NAMES]
        out = ["--out", EXAMPLES.relative_to(ROOT).as_posix()]
        for name in NAMES:
            shutil.rmtree(EXAMPLES / name)
        command = [sys.executable, "-m", "spikediag", "analyze", *runs, *out]
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"}, check=True, capture_output=True
        )


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name == "lr_step" else []) for name in NAMES]
)
def test_the_kept_report_says_what_the_tool_says_today(name: str, tmp_path: Path) -> None:
    for artifact in reporter.render(diagnosed(name), FORMATS):
        (tmp_path / artifact.name).write_bytes(artifact.content)
    (tmp_path / MARK).write_bytes((EXAMPLES / name / MARK).read_bytes())
    differences = golden.differences(EXAMPLES / name, tmp_path)
    assert not differences, "\n".join(differences[:20])


def test_every_kept_report_is_of_a_sample_run() -> None:
    assert set(NAMES) <= {run.name for run in sample_runs()}


def test_git_ignores_every_report_but_the_kept_ones(tmp_path: Path) -> None:
    """The first command of the README must leave the tree as it was."""
    asked = [*(f"reports/{run.name}/report.md" for run in sample_runs()), "reports/examples/calm/report.md"]
    shutil.copy(ROOT / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    done = subprocess.run(
        ["git", "check-ignore", *asked], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == asked[:-1]


@pytest.mark.slow
@pytest.mark.parametrize("code", languages())
@pytest.mark.parametrize("name", [run.name for run in sample_runs()])
def test_every_run_has_its_report_in_every_format_and_language(name: str, code: str) -> None:
    formats = list(reporter.registry.load())
    artifacts = reporter.render(diagnosed(name), formats, code)
    assert len({artifact.name for artifact in artifacts}) == len(artifacts) >= len(formats)
    assert all(artifact.content for artifact in artifacts)


def test_no_page_links_to_a_report_that_is_not_kept() -> None:
    pages = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), SAMPLE_RUNS / "README.md")
    links = [
        f"{page.name}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)]*reports/(?!examples)[^)]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert not links, "git ignores reports/<run>/; link to reports/examples/<run>/"
