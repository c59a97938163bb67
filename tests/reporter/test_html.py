"""The web page."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

from spikediag import reporter
from spikediag.model import Diagnosis
from tests.reporter import builders

VOID = {"meta", "br", "img", "link", "path", "use"}


class Page(HTMLParser):
    """Checks nesting while reading; keeps ids, addresses, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.text.append(data)


def case() -> Diagnosis:
    return builders.diagnosis(builders.small_run())


@cache
def page(build: Callable[[], Diagnosis]) -> tuple[str, Page]:
    (artifact,) = reporter.render(build(), ["html"])
    assert artifact.name == "report.html"
    html = artifact.content.decode()
    return html, Page(html)


def test_it_is_well_formed_and_says_what_markdown_says() -> None:
    _, parsed = page(case)
    assert parsed.open == []
    text = "".join(parsed.text)
    for words in ("leapt by +39.1", "batch 256 of 418 samples is 61%, above 50%", "420 (meta.json: total)"):
        assert words in text


def test_it_loads_nothing_and_runs_only_its_own_script() -> None:
    html, parsed = page(case)
    for tag, attributes in parsed.seen:
        assert tag not in {"link", "img", "iframe", "object", "base", "form"}
        assert not any(name.startswith("on") for name in attributes)
        assert not {"src", "href"} & set(attributes)
        assert (attributes.get("xlink:href") or "#").startswith("#")
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{allowed}'" in html


def test_ids_are_unique_and_references_resolve() -> None:
    html, parsed = page(case)
    ids = [a["id"] for _, a in parsed.seen if "id" in a]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(ids)
    assert {a["xlink:href"].removeprefix("#") for _, a in parsed.seen if "xlink:href" in a} <= set(ids)


def test_figures_can_be_reached_and_named() -> None:
    _, parsed = page(case)
    figures = [a for tag, a in parsed.seen if tag == "svg"]
    assert len(figures) == 3
    assert all(a["role"] == "img" and a["aria-label"] for a in figures)
    assert sum(a.get("class") == "figure" and a.get("tabindex") == "0" for _, a in parsed.seen) == 3
    assert all(a["aria-label"] for tag, a in parsed.seen if tag == "button")


def test_hostile_names_stay_text() -> None:
    html, parsed = page(builders.hostile)
    assert parsed.open == []
    assert sum(tag == "script" for tag, _ in parsed.seen) == 1
    assert "<img" not in html
    assert "\u202e" not in html
    assert "\x1b" not in html


def test_a_notebook_shows_the_page_in_a_sandboxed_frame() -> None:
    calm = builders.calm()
    named = replace(calm, run=replace(calm.run, name=builders.HOSTILE[0]))
    frame = Page(reporter.to_notebook(named))
    ((tag, attributes),) = frame.seen
    assert tag == "iframe"
    assert attributes["sandbox"] == "allow-scripts"
    assert attributes["srcdoc"] == reporter.to_html(named)
