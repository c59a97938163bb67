"""Off-policy: a Q function that learns from a replay buffer, alone or with a soft actor and a temperature."""

from dataclasses import asdict, dataclass, field

import numpy as np

from sample_runs.lab.learners.base import Plan
from sample_runs.lab.learners.network import Adam, Array, Network
from sample_runs.lab.learners.pole import Poles
from sample_runs.lab.metric_log import MetricLog

POLES = 16
TORQUES = np.linspace(-1.0, 1.0, 5)
CAPACITY = 8_000  # transitions
ROW = 6  # observation, action, reward and next observation


@dataclass(frozen=True)
class OffPolicySettings:
    """Of one iteration: one step of every pole and one update.

    Attributes:
        actor: Whether a policy network is learnt; else the policy is the softmax of Q.
        temperature: The first one; it is tuned where there is an actor.
        target_entropy: In nats, that the temperature is tuned to; five actions have 1.61 at most.
        target_update_interval: Iterations between two replacements of the target network, none if None.
        tau: Share by which the target network follows in every iteration, where it is not replaced.
    """

    actor: bool = False
    learning_rate: float = 1e-3
    temperature_rate: float = 1e-3
    temperature: float = 0.05
    target_entropy: float = 1.0
    discount: float = 0.95
    tau: float = 0.01
    target_update_interval: int | None = None
    batch_size: int = 64
    hidden: int = 32


@dataclass(frozen=True)
class OffPolicy:
    """A training from first to last iteration."""

    plan: Plan
    usual: OffPolicySettings = field(default_factory=OffPolicySettings)

    def facts(self) -> dict[str, object]:
        """The configuration as it is written beside the event files."""
        settings = {k: v for k, v in asdict(self.usual).items() if k not in {"actor", "hidden"}}
        if not self.usual.actor:
            del settings["target_entropy"], settings["temperature_rate"]
        interval = settings.pop("target_update_interval")
        if interval is not None:
            del settings["tau"]
            settings["target_update_interval"] = interval * self.plan.step_size
        algorithm = "SAC" if self.usual.actor else "DQN"
        return {"algorithm": algorithm, "buffer_size": CAPACITY, "seed": self.plan.seed, **settings}

    def run(self) -> MetricLog:
        """Train, and return what was logged."""
        log, training = MetricLog(), Training(self.plan.seed, self.usual)
        for iteration in self.plan.run(log):
            settings = self.plan.settings(self.usual, iteration)
            training.collect(settings)
            row = training.update(settings, iteration)
            if iteration % self.plan.log_period == 0:
                log.add(self.plan.step(iteration), row)
        return log


class Training:
    """Networks, replay buffer and poles; the buffer is filled at random before the first iteration."""

    def __init__(self, seed: int, settings: OffPolicySettings) -> None:
        self.draw = np.random.default_rng([seed, 2])
        self.poles = Poles(self.draw, POLES, 40, curriculum=False)
        self.value, self.target, self.actor = (
            Network(self.draw, 2, settings.hidden, settings.hidden, len(TORQUES)) for _ in range(3)
        )
        self.target.weights[:] = self.value.weights
        self.adams = Adam(), Adam()
        self.log_temperature = float(np.log(settings.temperature))
        self.buffer = np.zeros((CAPACITY, ROW))
        self.filled = 0
        self.returns: list[float] = []
        self.sums = np.zeros(POLES)
        for _ in range(40):
            self._act(self.draw.integers(0, len(TORQUES), POLES))

    @property
    def temperature(self) -> float:
        """Of the entropy."""
        return float(np.exp(self.log_temperature))

    def collect(self, settings: OffPolicySettings) -> None:
        """One step of every pole."""
        network = self.actor if settings.actor else self.value
        logits = network.forward(self.poles.states) / (1.0 if settings.actor else self.temperature)
        chosen = np.argmax(logits + self.draw.gumbel(size=logits.shape), axis=1)
        self._act(chosen)

    def update(self, settings: OffPolicySettings, iteration: int) -> dict[str, float]:
        """One update of the Q function, of the actor and of its temperature."""
        rows = self.buffer[self.draw.integers(0, min(self.filled, CAPACITY), settings.batch_size)]
        now, actions, rewards, later = rows[:, :2], rows[:, 2].astype(int), rows[:, 3], rows[:, 4:]
        ahead = self.target.forward(later)
        policy = _softmax(self.actor.forward(later) if settings.actor else ahead / self.temperature)
        bonus = self.temperature if settings.actor else 0.0
        soft = np.sum(policy * (ahead - bonus * np.log(policy)), axis=1)
        values = self.value.forward(now)
        every = np.arange(len(rows))
        error = values[every, actions] - (rewards + settings.discount * soft)
        slope = np.zeros_like(values)
        slope[every, actions] = 2 * error / len(rows)
        self.value.backward(slope)
        norm = self.value.norm
        self.adams[0].step(self.value, settings.learning_rate)
        row = {
            "critic_loss": float(np.mean(error**2)),
            "q_values": float(np.mean(values[every, actions])),
            "learning_rate": settings.learning_rate,
            "grad_norm": norm,
        }
        if settings.actor:
            row |= self._improve(now, values, settings)
        if self.returns:
            row["return"] = float(np.mean(self.returns[-40:]))
        self._follow(settings, iteration)
        return row

    def _improve(self, now: Array, values: Array, settings: OffPolicySettings) -> dict[str, float]:
        policy = _softmax(self.actor.forward(now))
        cost = self.temperature * np.log(policy) - values
        mean = np.sum(policy * cost, axis=1, keepdims=True)
        self.actor.backward(policy * (cost - mean) / len(now))
        self.adams[1].step(self.actor, settings.learning_rate)
        entropy = float(-np.mean(np.sum(policy * np.log(policy), axis=1)))
        row = {
            "actor_loss": float(mean.mean()),
            "temperature": self.temperature,
            "temperature_loss": self.temperature * (entropy - settings.target_entropy),
            "entropy": entropy,
        }
        self.log_temperature -= settings.temperature_rate * float(np.sign(entropy - settings.target_entropy))
        return row

    def _follow(self, settings: OffPolicySettings, iteration: int) -> None:
        interval = settings.target_update_interval
        if interval is None:
            self.target.weights += settings.tau * (self.value.weights - self.target.weights)
        elif (iteration + 1) % interval == 0:
            self.target.weights[:] = self.value.weights

    def _act(self, chosen: Array) -> None:
        before = self.poles.states.copy()
        angle, speed = before[:, 0], before[:, 1]
        step = self.poles.step(TORQUES[chosen])
        after = np.where(step.over[:, None], before, self.poles.states)
        rows = np.stack([angle, speed, chosen, step.reward, after[:, 0], after[:, 1]], axis=1)
        at = np.arange(self.filled, self.filled + POLES) % CAPACITY
        self.buffer[at] = rows
        self.filled += POLES
        self.sums += step.reward
        if step.over.any():
            self.returns += self.sums[step.over].tolist()
            self.sums[step.over] = 0.0


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.maximum(powers / powers.sum(axis=1, keepdims=True), 1e-12)
