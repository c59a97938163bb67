"""A run with two findings, from event files to every output: they all speak of the same one."""

import json
from pathlib import Path

import numpy as np
import pytest

from spikediag.cli import main
from spikediag.model import Kind
from tests.parser.writing import curves, write

N = 2_000
BURST, DIVERGED = 600, 1_700  # logged points


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The loss is NaN for three points and comes back; much later it diverges and does not."""
    rng = np.random.default_rng(3)
    loss = -15 + 12 * np.exp(-np.arange(N) / 200) + rng.normal(0, 0.5, N)
    loss[BURST : BURST + 3] = np.nan
    loss[DIVERGED:] += np.expm1(np.arange(N - DIVERGED) / 30)
    folder = tmp_path_factory.mktemp("runs") / "twice"
    columns = {"bc/actor_loss": loss, "bc/mse": 0.1 + rng.normal(0, 0.004, N)}
    write(folder, curves(columns, steps=range(0, 10 * N, 10)))
    return folder


def spoken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["spikediag", *arguments])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0), capsys.readouterr().out


@pytest.fixture
def document(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, object]:
    code, out = spoken(monkeypatch, capsys, "analyze", str(run), "--json")
    assert code == 0
    return json.loads(out)


def test_both_are_found_and_the_loss_that_was_lost_leads(document: dict[str, object]) -> None:
    kinds = [finding["kind"] for finding in document["findings"]]
    assert kinds == [Kind.NON_FINITE, Kind.DIVERGENCE]
    assert document["findings"][0]["end_step"] is not None
    lead = document["findings"][1]
    assert document["verdict"]["status"] == "diverged"
    assert document["verdict"]["primary_cause"] == lead["primary_cause"]


def test_the_page_opens_with_the_finding_that_the_json_names(
    run: Path, tmp_path: Path, document: dict[str, object], monkeypatch, capsys
) -> None:
    code, out = spoken(monkeypatch, capsys, "analyze", str(run), "--out", str(tmp_path), "--format", "md")
    assert code == 0
    onset = f"{document['findings'][1]['onset_step']:,}"
    page = (tmp_path / run.name / "report.md").read_text(encoding="utf-8")
    headline = next(line for line in page.splitlines() if line.startswith("> "))
    assert onset in headline
    assert onset in out.strip().splitlines()[0]


def test_scan_shows_the_same_finding(run: Path, document: dict[str, object], monkeypatch, capsys) -> None:
    code, out = spoken(monkeypatch, capsys, "scan", str(run.parent))
    assert code == 0
    (row,) = [line for line in out.splitlines() if run.name in line]
    assert document["verdict"]["primary_cause"] in row
    assert f"{document['findings'][1]['onset_step']:,}" in row


def test_check_fails_for_the_same_finding(
    run: Path, document: dict[str, object], monkeypatch, capsys
) -> None:
    code, out = spoken(monkeypatch, capsys, "check", str(run), "--json")
    assert code == 1
    (judged,) = json.loads(out)["runs"]
    first = judged["breaches"][0]["finding"]
    lead = document["findings"][1]
    assert (first["id"], first["primary_cause"]) == (lead["id"], lead["primary_cause"])
