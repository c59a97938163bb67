"""The web page in a real browser: drawn, zoomed with new axes, read by cursor and keys, wide and narrow."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from spikediag import reporter
from tests.reporter import builders

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed, so the web page is not opened"),
]
PROBE = """
addEventListener("load", () => setTimeout(() => {
  const chart = document.getElementById("chart"), seen = {};
  const texts = () => [...chart.querySelectorAll("svg text")].map((text) => text.textContent);
  const button = (name) => [...chart.querySelectorAll("button")].find((one) => one.textContent === name);
  const press = (key) => chart.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const now = () => chart.querySelector(".now").textContent;
  seen.whole = texts();
  seen.help = now();
  button("F2").click();
  seen.near = texts();
  seen.peak = now();
  press("ArrowRight");
  seen.next = now();
  press("0");
  seen.again = texts();
  chart.querySelector("input").click();
  seen.hidden = texts();
  document.querySelector('a[href="#appendix"]').click();
  seen.opened = document.getElementById("appendix").open;
  seen.wide = document.documentElement.scrollWidth - innerWidth;
  document.title = JSON.stringify(seen);
}, 200));
"""


def dom(folder: Path, page: str, width: int) -> str:
    """The page as the browser has it after a second."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"]
    where = [f"--user-data-dir={folder / 'profile'}", f"--window-size={width},900", file.as_uri()]
    done = subprocess.run(
        [CHROMIUM or "", *options, *where], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


def probed(folder: Path, width: int) -> dict[str, Any]:
    page = reporter.to_html(builders.diagnosis(builders.small_run()))
    free = re.sub(r'<meta http-equiv="Content-Security[^>]*>', "", page)
    seen = dom(folder, free.replace("</body>", f"<script>{PROBE}</script></body>"), width)
    found: dict[str, Any] = json.loads(html.unescape(re.findall(r"<title>(.*?)</title>", seen)[0]))
    return found


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return probed(tmp_path_factory.mktemp("browser"), 1280)


def test_its_own_policy_lets_the_chart_be_drawn(tmp_path: Path) -> None:
    drawn = dom(tmp_path, reporter.to_html(builders.diagnosis(builders.small_run())), 1280)
    assert '<svg role="img"' in drawn.partition('id="chart"')[2]


def test_the_chart_shows_every_series_and_finding(seen: dict[str, Any]) -> None:
    assert {"bc/actor_loss", "F1", "F2", "15,000"} <= set(seen["whole"])
    assert any(text.startswith("bc/mse") for text in seen["whole"])
    assert seen["help"].startswith("Point for values")


def test_zoom_draws_the_axes_anew_and_the_cursor_reads_values(seen: dict[str, Any]) -> None:
    assert "15,300" in seen["near"]
    assert "15,000" not in seen["near"]
    assert seen["peak"].startswith("step 15,280 · bc/actor_loss 24")
    assert seen["next"].startswith("step 15,290")
    assert seen["again"] == seen["whole"]


def test_series_are_switched_off_and_the_appendix_opens(seen: dict[str, Any]) -> None:
    assert "bc/actor_loss" not in seen["hidden"]
    assert seen["opened"] is True


def test_a_narrow_page_does_not_scroll_sideways(tmp_path: Path, seen: dict[str, Any]) -> None:
    assert seen["wide"] <= 0
    assert probed(tmp_path, 500)["wide"] <= 0
