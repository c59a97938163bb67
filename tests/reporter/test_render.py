"""`render`: which formats there are, and what asking for another one says."""

from collections.abc import Callable

import pytest

from spikediag import reporter
from spikediag.errors import UsageError
from spikediag.model import Diagnosis
from spikediag.wording import language
from tests.reporter import builders


def test_formats_are_given_in_the_order_asked_for_and_once() -> None:
    names = [a.name for a in reporter.render(builders.calm(), ["json", "md", "json"])]
    assert names == ["report.json", "report.md"]


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'pdf'; choose from " + ", ".join(reporter.registry.load())):
        reporter.render(builders.calm(), ["pdf"])


@pytest.mark.slow
@pytest.mark.parametrize("lang", language.available())
@pytest.mark.parametrize("build", [builders.diagnosis, builders.calm, builders.hostile, builders.mattering])
def test_every_format_of_every_run_in_every_language_gives_the_same_bytes_twice(
    build: Callable[[], Diagnosis], lang: str
) -> None:
    assert_same_bytes(build(), lang)


def assert_same_bytes(diagnosis: Diagnosis, lang: str) -> None:
    formats = list(reporter.registry.load())
    first, second = (reporter.render(diagnosis, formats, lang) for _ in range(2))
    assert first == second
    assert len({a.name for a in first}) == len(first)
    assert not any("/" in a.name or ".." in a.name for a in first)
