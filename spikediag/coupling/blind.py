"""Companions that cannot answer, however flat: averaged by name, or smoother than the spike is long."""

import re

import numpy as np

from spikediag.coupling.window import REACH
from spikediag.model import FloatArray, Series, Text, say
from spikediag.stats.trend import lag_one

AVERAGED = re.compile(
    r"(?<![a-z])(ema|ewma|polyak|swa|smooth(ed)?|running|rolling|moving|window(ed)?)(?![a-z])"
)
LEAST_ARRIVES = 0.4  # of a rise that lasts as long as the spike
POINTS = 2000  # before the spike, over which smoothness is measured


def blindness(companion: Series, errors: FloatArray, calm: np.ndarray, start: int, width: int) -> Text | None:
    """Why a flat companion proves nothing about this spike; None where it does.

    Args:
        companion: The companion.
        errors: Its values, finite, (n,).
        calm: Which of them belong to no spike, (n,).
        start: First position of the spike in it.
        width: Points of it during the spike.
    """
    if AVERAGED.search(companion.tag.lower()):
        return say("{tag} is an average over earlier weights or batches, as its name says", tag=companion.tag)
    memory = 0.0 if companion.held_out else _memory(errors, calm, start)
    arrives = _arriving(memory, width)
    if arrives >= LEAST_ARRIVES:
        return None
    return say(
        "{tag} is smoother than the jump is long: its neighbouring points correlate by {memory:.2f}, so that "
        "{arrives:.0%} of a rise over {points} logged points would reach it",
        tag=companion.tag,
        memory=memory,
        arrives=arrives,
        points=width,
    )


def _memory(errors: FloatArray, calm: np.ndarray, start: int) -> float:
    first = max(0, start - POINTS)
    return lag_one(np.where(calm[first:start], errors[first:start], np.nan))


def _arriving(memory: float, width: int) -> float:
    """The share of a rise of `width` points that reaches the best window of an exponential average."""
    points = np.arange(1, width + REACH + 1)
    reached = 1 - memory ** np.minimum(points, width)
    reached = reached * memory ** np.maximum(points - width, 0)
    return max(float(np.mean(reached[k : k + width])) for k in range(REACH + 1))
