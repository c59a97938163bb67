"""The pictures."""

from spikediag import reporter
from tests.reporter import builders


def test_same_diagnosis_same_bytes() -> None:
    first, second = (reporter.render(builders.diagnosis(), ["png"]) for _ in range(2))
    assert first == second
    assert all(a.content.startswith(b"\x89PNG") for a in first)
