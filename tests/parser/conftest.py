from pathlib import Path

import pytest

REAL = Path(__file__).resolve().parents[3] / "shared" / "real_runs"


@pytest.fixture
def real_runs() -> Path:
    """Event files of public repositories, kept beside the project and never in it."""
    if not REAL.is_dir():
        pytest.skip("the folder of real runs is not here")
    return REAL
