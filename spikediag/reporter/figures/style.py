"""How figures look: colours that colour-blind readers can tell apart, in a light and a dark theme."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import matplotlib as mpl

from spikediag.model import Role

WIDTH = 9.0  # inches; 900 pixels in a README at 100 dots per inch
DPI = 200

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
def drawing(theme: Theme, fonts: tuple[str, ...]) -> Iterator[None]:
    """Matplotlib settings for the theme while drawing and saving; the reader's own settings never leak in."""
    settings: dict[Any, Any] = {
        "font.family": list(fonts),
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
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(settings)
        yield
