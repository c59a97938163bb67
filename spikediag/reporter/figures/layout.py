"""Places for axes, in inches from the top, so that text never changes size with the number of panels."""

from collections.abc import Iterator
from dataclasses import dataclass

BETWEEN = 0.42  # inches between two panels: the title of the lower one, ticks of the upper one


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
