"""reports/ is what the tool writes of sample_runs/ today; `pytest --update-golden` rewrites it."""

from pathlib import Path

import pytest

import spikediag
from spikediag import reporter
from tests.conftest import ROOT, sample_runs

TEXTS = ("report.md", "report.json")


@pytest.mark.parametrize("run", [pytest.param(run, id=run.name) for run in sample_runs()])
def test_report_is_current(run: Path, monkeypatch: pytest.MonkeyPatch, update_golden: bool) -> None:
    monkeypatch.chdir(ROOT)
    diagnosis = spikediag.diagnose(run.relative_to(ROOT))
    artifacts = {a.name: a.content for a in reporter.render(diagnosis, ("md", "png", "json"))}
    folder = ROOT / "reports" / run.name
    if update_golden:
        folder.mkdir(exist_ok=True)
        for name, content in artifacts.items():
            (folder / name).write_bytes(content)
    for name in TEXTS:
        assert artifacts[name].decode() == (folder / name).read_text(encoding="utf-8")
    pictures = {name for name in artifacts if name.endswith(".png")}
    assert pictures == {path.name for path in folder.glob("*.png")}
