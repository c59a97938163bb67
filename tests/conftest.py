"""Paths and values that many tests share."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAMPLE_RUNS = ROOT / "sample_runs"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite reports/ and golden texts, then read the diff"
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


def sample_runs() -> list[Path]:
    """Every folder of sample_runs/ that holds a labelled run."""
    return sorted(truth.parent for truth in SAMPLE_RUNS.glob("*/truth.json"))


def truth_of(run: Path) -> dict[str, object]:
    truth: dict[str, object] = json.loads((run / "truth.json").read_text(encoding="utf-8"))
    return truth
