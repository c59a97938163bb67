"""Pole: many poles to be held upright by a torque, each an environment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sample_runs.lab.learners.network import Array

TIME_STEP = 0.1
GRAVITY = 2.0
NOISE = 0.12  # of the speed
HARDEST = 30  # of the levels of a curriculum
MASTERED = 0.85  # mean of the upright term, from which the next level begins
TERMS = ("upright", "torque", "contact")


@dataclass(frozen=True)
class Step:
    """What one step of all poles gave.

    Attributes:
        terms: Name to (e,), the parts of the reward.
        over: (e,), whether the episode ended here.
    """

    terms: dict[str, Array]
    over: NDArray[np.bool_]

    @property
    def reward(self) -> Array:
        """(e,)."""
        return sum(self.terms.values(), np.zeros(len(self.over)))


class Poles:
    """Inverted pendulums with noise; an episode ends after `length` steps.

    In a curriculum the reward for standing upright is multiplied by a level that rises with every episode
    that was mastered.
    """

    def __init__(self, draw: np.random.Generator, count: int, length: int, *, curriculum: bool) -> None:
        self.draw, self.length, self.curriculum = draw, length, curriculum
        self.levels, self.held = np.ones(count), np.zeros(count)
        self.states = self._start(count)
        self.ages = draw.integers(0, length, count)

    def step(self, torque: Array, contact: float = 0.0) -> Step:
        """Push every pole; `contact` is a force that the first pole meets, and that ends its episode."""
        angle, speed = self.states[:, 0], self.states[:, 1]
        noise = self.draw.normal(0, NOISE, len(angle))
        speed = np.clip(speed + TIME_STEP * (GRAVITY * np.sin(angle) + 4 * np.tanh(torque)) + noise, -4, 4)
        angle = angle + TIME_STEP * speed
        self.ages += 1
        over = self.ages >= self.length
        force = np.abs(self.draw.normal(0, 0.02, len(angle)))
        if contact:
            force[0], over[0] = contact, True
        upright = 1 - np.minimum(angle**2, 4)
        self.held += upright
        if self.curriculum:
            mastered = over & (self.held >= MASTERED * self.ages)
            upright = upright * self.levels
            self.levels = np.minimum(self.levels + mastered, HARDEST)
        self.held[over] = 0.0
        self.states = np.where(over[:, None], self._start(len(angle)), np.stack([angle, speed], 1))
        self.ages[over] = 0
        return Step({"upright": upright, "torque": -0.05 * np.tanh(torque) ** 2, "contact": -force}, over)

    def _start(self, count: int) -> Array:
        return self.draw.normal(0, 0.4, (count, 2))
