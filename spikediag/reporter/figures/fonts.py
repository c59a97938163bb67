"""Fonts for figures: one that has the letters of a language, and a way round letters that no font has."""

from contextlib import suppress
from functools import cache

from matplotlib import font_manager

from spikediag.wording.language import Language, load
from spikediag.wording.writer import Markup, Writer

BASIC = "DejaVu Sans"  # comes with Matplotlib
WIDE = load("zh").fonts  # tags may be Chinese in any language


def speaker(language: Language) -> Writer:
    """A writer for figures in this language, or in English when no installed font has its letters."""
    spoken = language if can_draw(language) else load("en")
    families = font_families(spoken)

    def drawable(text: str) -> str:
        return "".join(c if c.isascii() or _has(c, families) else f"\\u{ord(c):04x}" for c in text)

    return Writer(spoken, Markup(drawable, drawable, drawable))


def can_draw(language: Language) -> bool:
    """Whether figures can be in this language."""
    return not language.fonts or _first(language.fonts) is not None


def font_families(language: Language) -> tuple[str, ...]:
    """The families to draw with, each standing in for letters that those before it lack."""
    wide = _first(language.fonts or WIDE)
    if wide is None:
        return (BASIC,)
    return (wide, BASIC) if language.fonts else (BASIC, wide)


@cache
def _first(wanted: tuple[str, ...]) -> str | None:
    """The first of these families that is installed, also when it was installed a moment ago."""
    for look in (_known, _fresh):
        names = look()
        found = next((name for name in wanted if name in names), None)
        if found is not None:
            return found
    return None


def _known() -> set[str]:
    return {font.name for font in font_manager.fontManager.ttflist}


def _fresh() -> set[str]:
    """Names after adding what Matplotlib's list of fonts, written once and kept, does not know yet."""
    listed = {font.fname for font in font_manager.fontManager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in listed:
            with suppress(OSError, RuntimeError, ValueError):  # a file that is no font Matplotlib can read
                font_manager.fontManager.addfont(path)
    return _known()


def _has(char: str, families: tuple[str, ...]) -> bool:
    return any(ord(char) in _letters(family) for family in families)


@cache
def _letters(family: str) -> frozenset[int]:
    path = font_manager.findfont(font_manager.FontProperties(family=[family]))
    return frozenset(font_manager.get_font(path).get_charmap())
