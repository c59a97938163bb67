"""The site is built from the pages of the repository, needs no network, and its links lead somewhere."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("zensical", reason="the site needs the extra [docs]")
    folder = tmp_path_factory.mktemp("site") / "built"
    subprocess.run([sys.executable, "docs/site.py", str(folder)], cwd=ROOT, check=True, capture_output=True)
    return folder


def pages(site: Path) -> list[Path]:
    return [page for page in sorted(site.rglob("*.html")) if page.name != "404.html"]


def test_every_page_is_there(site: Path) -> None:
    spec = importlib.util.spec_from_file_location("site_of_the_docs", ROOT / "docs" / "site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    built = {page.relative_to(site).as_posix() for page in pages(site)}
    expected = {re.sub(r"(^|/)README\.md$", r"\1index.md", page.as_posix()) for page in module.pages()}
    assert built == {page.removesuffix(".md") + ".html" for page in expected}
    assert (site / "llms.txt").is_file()


def test_links_pictures_and_anchors_lead_somewhere(site: Path) -> None:
    broken = []
    for page in pages(site):
        for target in re.findall(r'(?:href|src)="?([^"\s>]+)', page.read_text(encoding="utf-8")):
            path, _, anchor = unquote(target).partition("#")
            if re.match(r"https?:|data:|mailto:", target):
                continue
            there = page if not path else (page.parent / path).resolve()
            there = there / "index.html" if there.is_dir() else there
            known = there.is_file() and (
                not anchor
                or there.suffix != ".html"
                or re.search(rf'id="?{re.escape(anchor)}["\s>]', there.read_text("utf-8"))
            )
            broken += [] if known else [f"{page.relative_to(site)}: {target}"]
    assert not broken


def test_nothing_is_fetched(site: Path) -> None:
    fetched = re.compile(
        r'<(?:script|img|iframe)[^>]*src="?https?:|<link[^>]*rel="?stylesheet[^>]*href="?https?:'
    )
    assert not [page.name for page in pages(site) if fetched.search(page.read_text(encoding="utf-8"))]
    styles = [
        path for path in site.rglob("*.css") if re.search(r"url\(['\"]?https?:", path.read_text("utf-8"))
    ]
    assert not styles
