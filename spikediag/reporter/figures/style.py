"""How figures look, light and dark: colours, fonts, places for axes, and the bytes of a PNG."""

import io
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from spikediag.model import Role
from spikediag.wording.language import Language, fonts_of, load
from spikediag.wording.writer import Paper, Writer

WIDTH = 9.0  # inches; 900 pixels in a README at 100 dots per inch
DPI = 200
BETWEEN = 0.42  # inches between two panels: the title of the lower one, ticks of the upper one
COLOURS = 256  # a palette makes the file a third of the size, and the eye sees no difference
SAMPLE = 7  # of so many pixels one is looked at to choose the palette
BASIC = "DejaVu Sans"  # comes with Matplotlib
WIDE = fonts_of("zh")  # tags may be Chinese in any language

# M. Okabe and K. Ito, Color Universal Design (2008), https://jfly.uni-koeln.de/color/
BLUE, SKY, GREEN = "#0072b2", "#56b4e9", "#009e73"
ORANGE, VERMILLION, PURPLE = "#e69f00", "#d55e00", "#cc79a7"


@dataclass(frozen=True)
class Theme:
    """The colours of one theme."""

    paper: str
    ink: str
    muted: str
    grid: str
    mark: str = VERMILLION  # findings, and nothing else
    lines: Mapping[Role, str] = field(default_factory=dict)

    def line(self, role: Role) -> str:
        """The colour of a series."""
        return self.lines.get(role, self.muted)


LIGHT = Theme(
    paper="#ffffff",
    ink="#1f2328",
    muted="#59636e",
    grid="#e4e8ec",
    lines=MappingProxyType(
        {
            Role.LOSS: BLUE,
            Role.COMPANION: GREEN,
            Role.LOG_STD: PURPLE,
            Role.ENTROPY: PURPLE,
            Role.LEARNING_RATE: "#b87f00",
            Role.GRAD_NORM: "#5b6570",
        }
    ),
)
DARK = Theme(
    paper="#0d1117",
    ink="#e6edf3",
    muted="#9198a1",
    grid="#262c34",
    mark="#ff8c42",
    lines=MappingProxyType(
        {
            Role.LOSS: SKY,
            Role.COMPANION: "#2ec49b",
            Role.LOG_STD: "#e0a3c6",
            Role.ENTROPY: "#e0a3c6",
            Role.LEARNING_RATE: ORANGE,
            Role.GRAD_NORM: "#a9b4c0",
        }
    ),
)


@contextmanager
def drawing(theme: Theme, language: Language) -> Iterator[Writer]:
    """Settings for a theme and a language while drawing and saving; the reader's own never leak in.

    Yields a writer for what stands in the figures: in this language, or in English when no installed font
    has its letters.
    """
    writer = speaker(language)
    logging.getLogger(font_manager.__name__).setLevel(logging.ERROR)  # a font without a weight is no news
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_settings(theme, writer.language))
        yield writer


def _settings(theme: Theme, language: Language) -> dict[Any, Any]:
    return {
        "font.family": list(font_families(language)),
        "font.size": 9,
        "figure.facecolor": theme.paper,
        "savefig.facecolor": theme.paper,
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.muted,
        "axes.labelcolor": theme.muted,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "axes.titley": 1.0,  # where it is anyway: asking every label whether it is in the way takes long
        "axes.unicode_minus": False,
        "grid.color": theme.grid,
        "grid.linewidth": 0.7,
        "text.color": theme.ink,
        "text.parse_math": False,  # a dollar sign in a tag is a dollar sign
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "lines.linewidth": 1.0,
        "lines.solid_joinstyle": "round",
        "path.simplify": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "spikediag",
    }


def speaker(language: Language) -> Writer:
    """A writer for figures in this language, or in English when no installed font has its letters."""
    spoken = language if can_draw(language) else load("en")
    families = font_families(spoken)

    def drawable(text: str) -> str:
        return "".join(c if c.isascii() or _has(c, families) else f"\\u{ord(c):04x}" for c in text)

    return Writer(spoken, Paper(drawable, drawable, drawable))


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


@dataclass(frozen=True)
class Stack:
    """Panels below one another."""

    heights: tuple[float, ...]  # inches
    head: float  # inches above the first one
    between: float = BETWEEN

    @property
    def total(self) -> float:
        """Inches from the top of the figure to the lower edge of the last panel."""
        return self.head + sum(self.heights) + self.between * max(0, len(self.heights) - 1)

    def boxes(self, figure: float, left: float, right: float) -> Iterator[tuple[float, float, float, float]]:
        """`(left, bottom, width, height)` of each panel, shares of a figure `figure` inches high."""
        below = self.head
        for height in self.heights:
            yield left, 1 - (below + height) / figure, right - left, height / figure
            below += height + self.between


class NotebookFigure(Figure):
    """A figure that a notebook shows without any magic."""

    def _repr_png_(self) -> bytes:
        return png(self)


def seek_no_room_for_labels(figure: Figure) -> None:
    """Give the labels of axes that have none a place: it is sought among all ticks, which takes long."""
    for axis in (one for axes in figure.axes for one in (axes.xaxis, axes.yaxis)):
        if not axis.get_label_text():
            axis.set_label_coords(0, 0)


def png(figure: Figure) -> bytes:
    """A PNG with a palette, without date or program name; the same figure gives the same bytes."""
    canvas, buffer = FigureCanvasAgg(figure), io.BytesIO()
    seek_no_room_for_labels(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]
    picture = Image.frombuffer("RGBA", canvas.get_width_height(), pixels, "raw", "RGBA", 0, 1).convert("RGB")
    _with_palette(picture).save(buffer, "PNG")
    return buffer.getvalue()


def _with_palette(picture: Image.Image) -> Image.Image:
    """The picture in `COLOURS` colours: those of an octree, moved to the mean of what they stand for.

    Five times as fast as a median cut, and white stays white.
    """
    reduced = picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    entry = np.asarray(reduced).ravel()[::SAMPLE]
    colour = np.asarray(picture).reshape(-1, 3)[::SAMPLE]
    palette = np.array(reduced.getpalette()).reshape(-1, 3)
    count = np.bincount(entry, minlength=len(palette))
    total = np.stack([np.bincount(entry, channel, len(palette)) for channel in colour.T], axis=1)
    seen = count > 0
    palette[seen] = np.rint(total[seen] / count[seen, None])
    reduced.putpalette(palette.astype(np.uint8).tobytes())
    return reduced
