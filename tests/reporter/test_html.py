"""The web page."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import numpy as np

import spikediag
from spikediag import reporter
from spikediag.model import Diagnosis, Role
from spikediag.reporter.chart import chart
from spikediag.wording import language
from spikediag.wording.writer import PLAIN, Writer
from tests.reporter import builders

LOST = builders.series("loss", Role.LOSS, np.array([np.nan, np.inf, 1.0]), np.arange(3))
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
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
        assert (attributes.get("xlink:href") or "#").startswith("#")
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    assert "fetch" not in script
    assert "http" not in script.replace("http://www.w3.org/2000/svg", "")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{allowed}'" in html


def test_ids_are_unique_and_references_resolve() -> None:
    html, parsed = page(case)
    ids = [a["id"] for _, a in parsed.seen if "id" in a]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", html.partition("<script")[0])) <= set(ids)
    assert {a["xlink:href"].removeprefix("#") for _, a in parsed.seen if "xlink:href" in a} <= set(ids)


def test_figures_can_be_reached_and_named() -> None:
    _, parsed = page(case)
    figures = [a for tag, a in parsed.seen if tag == "svg"]
    assert len(figures) == 3
    assert all(a["role"] == "img" and a["aria-label"] for a in figures)
    (chart,) = [a for _, a in parsed.seen if a.get("id") == "chart"]
    assert chart["tabindex"] == "0"
    assert chart["aria-label"]


def test_the_chart_has_every_point_of_a_short_series_and_all_near_a_finding_of_a_long_one() -> None:
    html, _ = page(case)
    (kept,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', html)
    data = json.loads(kept)
    assert [one["name"] for one in data["series"]] == ["bc/actor_loss", "bc/mse"]
    assert len(data["series"][0]["steps"]) == len(builders.STEPS)
    assert {f["id"]: (f["at"], len(f["members"])) for f in data["findings"]} == {
        "F1": (17_110, 5),
        "F2": (15_280, 1),
    }
    steps = np.arange(200_000)
    values = np.random.default_rng(0).normal(size=len(steps))
    values[120_000] = 90
    drawn = chart(
        spikediag.diagnose(spikediag.Run.from_arrays({"train/loss": (steps, values)})),
        Writer(language.load("en"), PLAIN),
    )["series"][0]
    near = [step for step in drawn["steps"] if abs(step - 120_000) <= 15]
    assert near == list(range(119_985, 120_016))
    assert max(drawn["values"]) == 90
    assert len(drawn["steps"]) < 5_000


def test_points_that_are_no_number_are_holes_in_the_data() -> None:
    wild = replace(builders.calm(), run=replace(builders.calm().run, series={"loss": LOST}))
    assert '"values":[null,null,1.0]' in reporter.to_html(wild)


def test_hostile_names_stay_text() -> None:
    html, parsed = page(builders.hostile)
    assert parsed.open == []
    assert sum(tag == "script" for tag, _ in parsed.seen) == 2
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
