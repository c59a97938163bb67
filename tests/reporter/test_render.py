"""`render`: which formats there are, and what asking for another one says."""

import pytest

from spikediag import reporter
from spikediag.errors import UsageError
from tests.reporter import builders


def test_formats_are_given_in_the_order_asked_for_and_once() -> None:
    names = [a.name for a in reporter.render(builders.calm(), ["json", "md", "json"])]
    assert names == ["report.json", "report.md"]


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'pdf'; choose from " + ", ".join(reporter.registry.load())):
        reporter.render(builders.calm(), ["pdf"])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_format_in_every_language_gives_the_same_bytes_twice(lang: str) -> None:
    formats = list(reporter.registry.load())
    first, second = (reporter.render(builders.diagnosis(), formats, lang) for _ in range(2))
    assert first == second
    assert len({a.name for a in first}) == len(first)
    assert not any("/" in a.name or ".." in a.name for a in first)
