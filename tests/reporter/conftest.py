"""What several tests look at, drawn once."""

import pytest

from spikediag import reporter
from spikediag.model import Artifact
from tests.reporter import builders


@pytest.fixture(scope="session")
def pictures() -> tuple[Artifact, ...]:
    """The PNG files of the user's case, with two series only."""
    return reporter.render(builders.diagnosis(builders.small_run()), ["png"])
