"""Figures in Chinese, with a font that is made here: every letter a box, so that no machine lacks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from spikediag import reporter
from spikediag.reporter.figures import style
from tests.conftest import diagnosed, languages


def make_font(path: Path, family: str, letters: set[str]) -> None:
    """A TrueType font in which every letter is the same box."""
    pen = TTGlyphPen(None)
    corners = ((100, 0), (100, 700), (900, 700), (900, 0))
    pen.moveTo(corners[0])
    for corner in corners[1:]:
        pen.lineTo(corner)
    pen.closePath()
    names = [".notdef", "box"]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(letter): "box" for letter in letters})
    builder.setupGlyf(dict.fromkeys(names, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 100)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


@pytest.fixture
def fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[font_manager.FontManager]:
    """Matplotlib's list of fonts, which is what it was afterwards."""
    manager = font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", list(manager.ttflist))
    remembered = (style._first, style._letters)
    for each in remembered:
        each.cache_clear()
    yield manager
    for each in remembered:
        each.cache_clear()


def test_with_a_font_figures_are_chinese(tmp_path: Path, fonts: font_manager.FontManager) -> None:
    chinese = languages()["zh"]
    letters = {letter for letter in str(chinese) if letter.isprintable()}
    font = tmp_path / "chinese.ttf"
    make_font(font, chinese["fonts"][0], letters)
    fonts.addfont(font)
    axes = reporter.figure(diagnosed("calm"), lang="zh").axes
    titles = "".join(each.get_title(loc=side) for each in axes for side in ("left", "right"))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in titles), titles
    assert reporter.summary(diagnosed("calm"), "zh").notes == ()
