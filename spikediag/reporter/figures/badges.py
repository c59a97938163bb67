"""Numbered badges above a panel, pushed apart so that none covers another."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from spikediag.model import FloatArray
from spikediag.reporter.figures.style import Theme

ABOVE = 0.05  # inches between the axes and its badges
ROOM = 18  # points that the titles of a panel move up to leave room for badges
MOST = 24  # badges that fit side by side; the gravest findings get one
GAP = 0.026  # share of the axes width that a badge needs


def spread(wanted: FloatArray, gap: float, low: float, high: float) -> FloatArray:
    """Positions nearest to `wanted` (n,), ascending, at least `gap` apart and inside [low, high].

    Isotonic in one sweep: clusters that touch share the mean of what their members want.
    """
    clusters: list[tuple[float, int]] = []  # sum of wanted minus offset, members
    for n, w in enumerate(wanted):
        clusters.append((float(w) - n * gap, 1))
        while len(clusters) > 1 and clusters[-2][0] / clusters[-2][1] > clusters[-1][0] / clusters[-1][1]:
            total, members = clusters.pop()
            clusters[-1] = (clusters[-1][0] + total, clusters[-1][1] + members)
    base = np.concatenate([np.full(members, total / members) for total, members in clusters])
    room = high - (len(wanted) - 1) * gap
    placed: FloatArray = np.clip(base, low, max(low, room)) + np.arange(len(wanted)) * gap
    return placed


def draw(axes: Axes, steps: Sequence[int], names: Sequence[str], theme: Theme) -> None:
    """A badge for each step, above the axes, with a line down to where it belongs."""
    left, right = axes.get_xlim()
    height = axes.get_window_extent().height / axes.figure.dpi  # inches
    order = np.argsort(steps, kind="stable")
    at = (np.array(steps, dtype=np.float64)[order] - left) / (right - left)
    placed = spread(at, max(GAP, 0.011 * max(map(len, names))), 0.01, 0.99)
    for n, x, anchor in zip(order, placed, at, strict=True):
        axes.annotate(
            names[n],
            xy=(anchor, 1.0),
            xytext=(x, 1 + ABOVE / height),
            xycoords="axes fraction",
            textcoords="axes fraction",
            ha="center",
            va="bottom",
            fontsize=7.5,
            fontweight="bold",
            color=theme.paper,
            bbox={"boxstyle": "round,pad=0.28", "facecolor": theme.mark, "edgecolor": "none"},
            arrowprops={"arrowstyle": "-", "color": theme.mark, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0},
            annotation_clip=False,
        )


def rug(axes: Axes, steps: Sequence[int], theme: Theme) -> None:
    """Small ticks at the upper edge: the members of a train."""
    top = blended_transform_factory(axes.transData, axes.transAxes)
    axes.plot(
        steps,
        np.full(len(steps), 0.985),
        "|",
        color=theme.mark,
        markersize=5,
        markeredgewidth=0.8,
        transform=top,
    )
