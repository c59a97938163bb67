"""Ppo: proximal policy optimisation of a Gaussian policy that holds poles upright."""

from dataclasses import asdict, dataclass, field

import numpy as np

from sample_runs.lab.learners.base import Plan
from sample_runs.lab.learners.network import Adam, Array, Network
from sample_runs.lab.learners.pole import TERMS, Poles
from sample_runs.lab.metric_log import MetricLog

POLES = 64
HORIZON = 8  # steps of every pole in one iteration
CONTACT_STEP = 4  # of an iteration with a contact
HALF_LOG_TWO_PI_E = 1.4189385332
SLOWEST, FASTEST = 1e-5, 1e-2  # of an adaptive rate


@dataclass(frozen=True)
class PpoSettings:
    """Of one iteration.

    Attributes:
        desired_kl: That an adaptive rate keeps; constant rate if None.
        step_factor: How many times as long the policy's updates are as the rate says.
        contact: A force that one pole meets at one step of the iteration.
        normalised: Whether returns are divided by their running standard deviation.
        curriculum: Whether the reward rises with every mastered episode.
    """

    learning_rate: float = 1e-3
    epochs: int = 2
    minibatch: int = 256
    clip_range: float = 0.2
    gamma: float = 0.95
    gae_lambda: float = 0.9
    entropy_coef: float = 0.003
    max_grad_norm: float = 1.0
    desired_kl: float | None = None
    step_factor: float = 1.0
    contact: float = 0.0
    normalised: bool = True
    curriculum: bool = False
    episode: int = 40
    hidden: int = 24


@dataclass
class Normaliser:
    """Running mean and standard deviation."""

    count: float = 1e-4
    mean: Array = field(default_factory=lambda: np.zeros(1))
    square: Array = field(default_factory=lambda: np.ones(1))

    def see(self, values: Array) -> None:
        """Count values (n, k) in."""
        total = self.count + len(values)
        share = len(values) / total
        self.mean = self.mean + share * (values.mean(0) - self.mean)
        self.square = self.square + share * ((values**2).mean(0) - self.square)
        self.count = total

    @property
    def sd(self) -> Array:
        """(k,)."""
        return np.sqrt(np.maximum(self.square - self.mean**2, 1e-4))


@dataclass
class Rollout:
    """The data of one iteration, all poles and steps in one axis."""

    observed: Array
    actions: Array
    logp: Array
    advantages: Array
    returns: Array
    values: Array


@dataclass(frozen=True)
class Ppo:
    """A training from first to last iteration."""

    plan: Plan
    usual: PpoSettings = field(default_factory=PpoSettings)

    def facts(self) -> dict[str, object]:
        """The configuration as it is written beside the event files; disturbances are not in it."""
        hidden = {"contact", "step_factor", "curriculum", "hidden"}
        settings = {k: v for k, v in asdict(self.usual).items() if k not in hidden and v is not None}
        return {
            "algorithm": "PPO",
            "optimizer": "adam",
            "num_envs": POLES,
            "num_steps": HORIZON,
            "seed": self.plan.seed,
            **settings,
        }

    def run(self) -> MetricLog:
        """Train, and return what was logged."""
        log = MetricLog()
        training = Training(self.plan.seed, self.usual)
        for iteration in self.plan.run(log):
            if iteration == self.plan.restart:
                training.forget()
            row = training.iterate(self.plan.settings(self.usual, iteration))
            if iteration % self.plan.log_period == 0:
                log.add(self.plan.step(iteration), row)
        return log


class Training:
    """The networks, their optimizers and the poles."""

    def __init__(self, seed: int, settings: PpoSettings) -> None:
        self.draw = np.random.default_rng([seed, 1])
        self.poles = Poles(self.draw, POLES, settings.episode, curriculum=settings.curriculum)
        self.policy = Network(self.draw, 2, settings.hidden, 1)
        self.value = Network(self.draw, 2, settings.hidden, settings.hidden, 1)
        self.log_std = -0.5
        self.rate = settings.learning_rate
        self.returned = np.zeros(POLES)
        self.episode_sums = {name: np.zeros(POLES) for name in TERMS}
        self.finished: dict[str, list[float]] = {name: [] for name in (*TERMS, "length")}
        self.ages = np.zeros(POLES)
        self.scale = Normaliser()
        self.forget()

    def forget(self) -> None:
        """Load the weights only: neither the optimizers nor the normaliser of observations."""
        self.adams = Adam(), Adam()
        self.std_gradient = 0.0
        self.normaliser = Normaliser(mean=np.zeros(2), square=np.ones(2))

    def iterate(self, settings: PpoSettings) -> dict[str, float]:
        """Collect, learn, and measure."""
        if settings.desired_kl is None:
            self.rate = settings.learning_rate
        rollout = self.collect(settings)
        seen = self.learn(rollout, settings)
        if settings.desired_kl is not None:
            self.adapt(seen["approx_kl"], settings.desired_kl)
        lately = {name: float(np.mean(values[-40:])) for name, values in self.finished.items() if values}
        left = np.var(rollout.returns - rollout.values) / max(float(np.var(rollout.returns)), 1e-12)
        row = {
            **seen,
            "learning_rate": self.rate,
            "std": float(np.exp(self.log_std)),
            "entropy": HALF_LOG_TWO_PI_E + self.log_std,
            "entropy_loss": -HALF_LOG_TWO_PI_E - self.log_std,
            "explained_variance": 1.0 - float(left),
        }
        if lately:
            row |= {f"reward_{name}": lately[name] for name in TERMS}
            row |= {"return": sum(lately[name] for name in TERMS), "length": lately["length"]}
        return row

    def adapt(self, kl: float, desired: float) -> None:
        """As rsl_rl does: slower above twice the desired divergence, faster below half."""
        factor = 1 / 1.5 if kl > 2 * desired else 1.5 if 0 < kl < desired / 2 else 1.0
        self.rate = float(np.clip(self.rate * factor, SLOWEST, FASTEST))

    def collect(self, settings: PpoSettings) -> Rollout:
        """One iteration of all poles."""
        seen = {name: np.zeros((HORIZON, POLES)) for name in ("actions", "logp", "rewards", "over")}
        observed, states = np.zeros((HORIZON + 1, POLES, 2)), np.zeros((HORIZON, POLES, 2))
        returned = np.zeros((HORIZON, POLES))
        std = np.exp(self.log_std)
        for t in range(HORIZON):
            states[t] = self.poles.states
            observed[t] = self._observed()
            mean = self.policy.forward(observed[t])[:, 0]
            noise = self.draw.normal(size=POLES)
            step = self.poles.step(mean + std * noise, settings.contact if t == CONTACT_STEP else 0.0)
            seen["actions"][t], seen["logp"][t] = mean + std * noise, -0.5 * noise**2 - self.log_std
            seen["over"][t] = step.over
            self.returned = settings.gamma * self.returned * ~step.over + step.reward
            returned[t], seen["rewards"][t] = self.returned, step.reward
            self._count(step.terms, step.over)
        observed[HORIZON] = self._observed()
        self.normaliser.see(states.reshape(-1, 2))
        self.scale.see(returned.reshape(-1, 1))
        if settings.normalised:
            seen["rewards"] /= self.scale.sd[0]
        values = self.value.forward(observed.reshape(-1, 2)).reshape(HORIZON + 1, POLES)
        advantages = _advantages(seen, values, settings)
        flat = {name: array.reshape(-1) for name, array in seen.items()}
        old = values[:-1].reshape(-1)
        return Rollout(
            observed[:-1].reshape(-1, 2),
            flat["actions"],
            flat["logp"],
            advantages.reshape(-1),
            advantages.reshape(-1) + old,
            old,
        )

    def learn(self, rollout: Rollout, settings: PpoSettings) -> dict[str, float]:
        """Some epochs over the data in minibatches; means over all of them, as libraries log."""
        sums: dict[str, list[float]] = {}
        size = len(rollout.actions)
        for _ in range(settings.epochs):
            order = self.draw.permutation(size)
            for start in range(0, size, settings.minibatch):
                chosen = order[start : start + settings.minibatch]
                seen = self._policy_update(rollout, chosen, settings) | self._value_update(
                    rollout, chosen, settings
                )
                for name, number in seen.items():
                    sums.setdefault(name, []).append(number)
        row = {name: float(np.mean(numbers)) for name, numbers in sums.items()}
        row["loss"] = row["policy_loss"] + 0.5 * row["value_loss"]
        return row

    def _policy_update(self, rollout: Rollout, chosen: Array, settings: PpoSettings) -> dict[str, float]:
        advantages = rollout.advantages[chosen]
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        std = float(np.exp(self.log_std))
        noise = (rollout.actions[chosen] - self.policy.forward(rollout.observed[chosen])[:, 0]) / std
        logs = np.clip(-0.5 * noise**2 - self.log_std - rollout.logp[chosen], -20, 20)
        ratio = np.exp(logs)
        held = np.clip(ratio, 1 - settings.clip_range, 1 + settings.clip_range)
        loss = -np.minimum(ratio * advantages, held * advantages)
        free = ratio * advantages <= held * advantages
        slope = np.where(free, -advantages * ratio, 0.0) / len(chosen)
        self.policy.backward((slope * noise / std)[:, None])
        norm = self.policy.clip(settings.max_grad_norm)
        self.adams[0].step(self.policy, self.rate, settings.step_factor)
        self.std_gradient = (
            0.9 * self.std_gradient
            + 0.1 * float(np.sum(slope * (noise**2 - 1)))
            - 0.1 * settings.entropy_coef
        )
        self.log_std = float(np.clip(self.log_std - 10 * self.rate * self.std_gradient, -2.5, 1.0))
        return {
            "policy_loss": float(loss.mean()),
            "approx_kl": float(np.mean(ratio - 1 - logs)),
            "clip_fraction": float(np.mean(np.abs(ratio - 1) > settings.clip_range)),
            "grad_norm": norm,
        }

    def _value_update(self, rollout: Rollout, chosen: Array, settings: PpoSettings) -> dict[str, float]:
        error = self.value.forward(rollout.observed[chosen])[:, 0] - rollout.returns[chosen]
        self.value.backward(error[:, None] / len(chosen))
        self.value.clip(settings.max_grad_norm)
        self.adams[1].step(self.value, self.rate)
        return {"value_loss": float(np.mean(error**2))}

    def _observed(self) -> Array:
        return np.clip((self.poles.states - self.normaliser.mean) / self.normaliser.sd, -10, 10)

    def _count(self, terms: dict[str, Array], over: Array) -> None:
        self.ages += 1
        for name, values in terms.items():
            self.episode_sums[name] += values
        if not over.any():
            return
        for name in terms:
            self.finished[name] += self.episode_sums[name][over].tolist()
            self.episode_sums[name][over] = 0.0
        self.finished["length"] += self.ages[over].tolist()
        self.ages[over] = 0


def _advantages(seen: dict[str, Array], values: Array, settings: PpoSettings) -> Array:
    """Generalised advantages (t, e); an episode that ran out of time is cut."""
    advantages = np.zeros((HORIZON, POLES))
    ahead = np.zeros(POLES)
    for t in range(HORIZON - 1, -1, -1):
        following = np.where(seen["over"][t] > 0, values[t], values[t + 1])
        surprise = seen["rewards"][t] + settings.gamma * following - values[t]
        ahead = surprise + settings.gamma * settings.gae_lambda * ahead * (seen["over"][t] == 0)
        advantages[t] = ahead
    return advantages
