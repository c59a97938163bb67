"""Demonstrations: noisy expert trajectories of one assembly task, with a jerky insertion phase.

The task is fixed by its own seed. All action dimensions but the last are smooth motions with the tremor of a
hand; the last is a gripper command at -1 or +1, or what `Task.last_action` says. Within `JERKY_PHASE` the
expert searches for the hole: the actions of this phase cannot be predicted from the observation, so the
squared error has a floor that the policy can only beat by memorising single transitions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OBSERVATION_DIM = 24
FORCE_DIMS = 6  # the last observation dimensions: a noisy wrist force
JERKY_PHASE = (0.62, 0.80)  # share of the trajectory's time
GRASP_PHASE = (0.35, 0.90)  # share of the trajectory's time with a closed gripper
PRESSES = ((0.35, 1.0), (0.90, -1.0))  # share of the trajectory's time, and the button pressed then
PRESSED = 4  # transitions that a press lasts
HARMONICS = 4  # half periods in the fastest smooth motion

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Demonstrations:
    """Transitions of one or more trajectories, in order.

    Attributes:
        observations: (n, 24), standardised per dimension.
        actions: (n, action_dim) in [-1, 1].
    """

    observations: Floats
    actions: Floats

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def action_variance(self) -> float:
        """Variance of the actions, summed over dimensions: the squared error of the best constant."""
        return float(self.actions.var(axis=0).sum())


@dataclass(frozen=True)
class Task:
    """How the expert moves.

    Attributes:
        seed: Chooses the motions.
        smooth_actions: Action dimensions without the gripper.
        tremor: Standard deviation of the expert's noise outside the jerky phase, in action units.
        jerk: What the jerky phase adds to it, in action units.
        sensor_noise: Standard deviation of the position sensors.
        last_action: `gripper` (a command at -1 or +1), `presses` (0 but for a few transitions at each end of
            the grasp, as HIL-SERL records a gripper), `constant` (always 1), or `none`.
        action_noise: Standard deviation of the noise that the dataset has in every action, the last too.
    """

    seed: int = 0
    smooth_actions: int = 6
    tremor: float = 0.07
    jerk: float = 0.15
    sensor_noise: float = 0.01
    last_action: str = "gripper"
    action_noise: float = 0.0

    @property
    def action_dim(self) -> int:
        """Smooth actions and the last one."""
        return self.smooth_actions + (self.last_action != "none")

    @property
    def action_names(self) -> tuple[str, ...]:
        """Of every dimension of the actions."""
        last = () if self.last_action == "none" else (self.last_action,)
        return (*(f"motion {number}" for number in range(1, self.smooth_actions + 1)), *last)

    def demonstrate(self, trajectories: int, transitions: int) -> Demonstrations:
        """`trajectories` runs of the task with `transitions` steps each; the first k are always the same."""
        runs = [self._trajectory(number, transitions) for number in range(trajectories)]
        observations = np.concatenate([run[0] for run in runs])
        actions = np.concatenate([run[1] for run in runs])
        observations = (observations - observations.mean(axis=0)) / observations.std(axis=0)
        return Demonstrations(observations.astype(np.float32), actions.astype(np.float32))

    def _trajectory(self, number: int, transitions: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        task = np.random.default_rng([self.seed, 0])
        hand = np.random.default_rng([self.seed, 1, number])
        time = np.linspace(0.0, 1.0, transitions)
        positions = _motion(task, time, OBSERVATION_DIM - FORCE_DIMS)
        forces = 0.3 * _motion(task, time, FORCE_DIMS)
        actions = 0.8 * _motion(task, time, self.smooth_actions)
        if number:
            positions += 0.2 * _motion(hand, time, OBSERVATION_DIM - FORCE_DIMS)
            actions += 0.05 * _motion(hand, time, self.smooth_actions)
        positions += hand.normal(scale=self.sensor_noise, size=positions.shape)
        forces += hand.normal(scale=0.1, size=forces.shape)
        noise = self.tremor + self.jerk * _window(time, *JERKY_PHASE)
        actions += hand.normal(size=actions.shape) * noise[:, None]
        actions = np.clip(np.hstack([actions, self._last(time)]), -1.0, 1.0)
        if self.action_noise:
            actions += hand.normal(scale=self.action_noise, size=actions.shape)
        return np.hstack([positions, forces]), actions

    def _last(self, time: NDArray[np.float64]) -> NDArray[np.float64]:
        """The last action dimension, (n, 1), or (n, 0) where there is none."""
        if self.last_action == "none":
            return np.empty((len(time), 0))
        if self.last_action == "constant":
            return np.ones((len(time), 1))
        if self.last_action == "presses":
            last = np.zeros((len(time), 1))
            for share, button in PRESSES:
                start = int(share * len(time))
                last[start : start + PRESSED] = button
            return last
        if self.last_action == "gripper":
            return np.where((time > GRASP_PHASE[0]) & (time < GRASP_PHASE[1]), 1.0, -1.0)[:, None]
        raise ValueError(f"last_action {self.last_action!r} is none of gripper, presses, constant, none")


def _motion(rng: np.random.Generator, time: NDArray[np.float64], dims: int) -> NDArray[np.float64]:
    """Smooth curves within [-1, 1], one column per dimension."""
    frequency = np.arange(1, HARMONICS + 1)
    weight = rng.normal(size=(dims, HARMONICS)) / frequency
    phase = rng.uniform(0.0, 2.0 * np.pi, size=(dims, HARMONICS))
    waves = np.sin(np.pi * frequency[:, None] * time + phase[:, :, None])
    curves = np.einsum("dh,dht->td", weight, waves)
    return curves / np.abs(curves).max(axis=0)


def _window(time: NDArray[np.float64], start: float, stop: float, edge: float = 0.01) -> NDArray[np.float64]:
    """About 1 within [start, stop], about 0 outside, with soft edges."""
    return 0.5 * (np.tanh((time - start) / edge) - np.tanh((time - stop) / edge))
