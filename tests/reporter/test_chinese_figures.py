"""Figures in Chinese, with a font that is made here: every letter a box, so that no machine lacks it."""

import subprocess
import sys
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from tests.conftest import ROOT, languages

ASK = """
import sys
from matplotlib import font_manager
import spikediag
from spikediag import reporter

font_manager.fontManager.addfont(sys.argv[1])
diagnosis = spikediag.diagnose("sample_runs/calm")
axes = reporter.figure(diagnosis, lang="zh").axes
print(*(each.get_title(loc=side) for each in axes for side in ("left", "right")))
print(reporter.summary(diagnosis, "zh").notes)
"""


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


def test_with_a_font_figures_are_chinese(tmp_path: Path) -> None:
    chinese = languages()["zh"]
    letters = {letter for letter in str(chinese) if letter.isprintable()}
    font = tmp_path / "chinese.ttf"
    make_font(font, chinese["fonts"][0], letters)
    command = [sys.executable, "-X", "utf8", "-c", ASK, str(font)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    titles, notes = said.splitlines()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in titles), titles
    assert notes == "()"
