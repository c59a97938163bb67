"""Fast training: the update by hand, in a fifth of the time of autograd, for the studies and the faults.

It starts from the weights of a `Training` and changes them in place, so the policy, the sampling and the
schedule stay the laboratory's own. Matrix products are NumPy's, what happens to single numbers is compiled
by Numba, every array is allocated once. A transition drawn twice is computed once and counted twice. A test
holds it to the training it stands for: the curves agree to rounding until chaos takes over.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray

from sample_runs.lab.metric_log import MetricLog
from sample_runs.lab.policy import HALF_LOG_TWO_PI, Likelihood
from sample_runs.lab.state import Batch
from sample_runs.lab.training import Training

EPSILON = np.float32(1e-8)  # Adam's, as in PyTorch
ONE, HALF, ZERO = np.float32(1.0), np.float32(0.5), np.float32(0.0)
POOL = 1 << 22  # random numbers that dropout masks are cut from, each time at another place
FLAT = np.float32(7.9)  # beyond it, tanh is 1 in float32
TANH_OVER = (-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08)
TANH_OVER += (1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03)
TANH_UNDER = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
TANH = tuple(np.float32(x) for x in TANH_OVER + TANH_UNDER)  # a rational tanh, as in Eigen
Floats = NDArray[np.float32]


class FastTraining:
    """A training that measures the loss, its error and its log-std and is never disturbed."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self.recipe = training.recipe
        self.flat, self.weights = _flattened(list(training.policy.parameters()))
        self.gradient = np.zeros_like(self.flat)
        self.gradients = _views(self.gradient, [weight.shape for weight in self.weights])
        self.first, self.second = np.zeros_like(self.flat), np.zeros_like(self.flat)
        observations = training.demonstrations.observations
        rows = min(len(observations), self.recipe.batch_size)
        hidden, width = self.recipe.hidden, 2 * self.recipe.task.action_dim
        self.seen = np.empty((rows, observations.shape[1]), np.float32)
        self.layers = [np.empty((rows, hidden), np.float32) for _ in range(2)]
        self.below = [np.empty((rows, hidden), np.float32) for _ in range(2)]
        self.head, self.of_head = (np.empty((rows, width), np.float32) for _ in range(2))
        self.ones = np.ones(rows, np.float32)
        self.noise = np.random.default_rng([self.recipe.seed, 2])
        self.pool = self._masks() if self.recipe.dropout else None
        self.log = MetricLog()

    def run(self) -> MetricLog:
        """Train to the recipe's last update and return what was logged."""
        self.log.begin_session()
        for step in range(self.recipe.train_steps):
            self.update(step)
        return self.log

    def update(self, step: int) -> None:
        """One batch, one optimizer step; logged every `log_period` steps."""
        drawn = next(self.training.batches).numpy()
        counts = np.bincount(drawn)
        rows = counts.nonzero()[0]
        self._backward(step, rows, (counts[rows] / len(drawn)).astype(np.float32))
        recipe = self.recipe
        scale = ONE
        if recipe.weight_decay:
            self.gradient += np.float32(recipe.weight_decay) * self.flat
        if recipe.max_grad_norm is not None:
            norm = math.sqrt(float(np.dot(self.gradient, self.gradient)))
            scale = np.float32(min(1.0, recipe.max_grad_norm / (norm + 1e-6)))
        rate = np.float32(self.training.scheduled_rate(step) / (1.0 - recipe.beta1 ** (step + 1)))
        correction = np.float32(1.0 / math.sqrt(1.0 - recipe.beta2 ** (step + 1)))
        betas = np.float32(recipe.beta1), np.float32(recipe.beta2)
        _adam(self.flat, self.gradient, self.first, self.second, scale, rate, correction, *betas)

    def _forward(self, rows: NDArray[np.int64]) -> tuple[Floats, list[Floats]]:
        """What the network saw of some transitions, and their dropout masks; layers and head are filled."""
        n = len(rows)
        seen = self.training.demonstrations.observations.take(rows, axis=0, out=self.seen[:n], mode="clip")
        masks: list[Floats] = []
        below = seen
        for number, layer in enumerate(self.layers):
            weight, bias = self.weights[2 * number : 2 * number + 2]
            above = np.matmul(below, weight.T, out=layer[:n])
            _tanh(above, bias)
            below = above
            if self.pool is not None:
                start = int(self.noise.integers(len(self.pool) - above.size))
                masks.append(self.pool[start : start + above.size].reshape(above.shape))
                below = np.multiply(above, masks[-1], out=self.below[number][:n])
        np.matmul(below, self.weights[4].T, out=self.head[:n])
        self.head[:n] += self.weights[5]
        return seen, masks

    def _backward(self, step: int, rows: NDArray[np.int64], share: Floats) -> None:
        """The gradient of the likelihood by hand, layer by layer from the head down."""
        n = len(rows)
        seen, masks = self._forward(rows)
        of, targets = self.of_head[:n], self._targets(rows)
        bounds = np.float32(self.recipe.std_min), np.float32(self.recipe.std_max)
        measured = _head(self.head[:n], targets, share, *bounds, of)
        if step % self.recipe.log_period == 0:
            self._log(step, measured)
        for number in (1, 0):
            hidden = self.layers[number][:n]
            self._layer(2 * number + 2, of, self.below[number][:n] if masks else hidden)
            of = np.matmul(of, self.weights[2 * number + 2], out=self.below[number][:n])
            if masks:
                of *= masks[number]
            _through_tanh(of, hidden)
        self._layer(0, of, seen)

    def _layer(self, number: int, of_output: Floats, inputs: Floats) -> None:
        np.matmul(of_output.T, inputs, out=self.gradients[number])
        np.dot(self.ones[: len(of_output)], of_output, out=self.gradients[number + 1])

    def _targets(self, rows: NDArray[np.int64]) -> Floats:
        """The actions to learn, with fresh noise where the recipe adds some."""
        actions = self.training.demonstrations.actions[rows]
        if self.recipe.target_noise:
            jitter = self.noise.standard_normal(actions.shape, dtype=np.float32)
            actions += np.float32(self.recipe.target_noise) * jitter
        return actions

    def _masks(self) -> Floats:
        """(`POOL`,), a long dropout mask: 0 for a unit left out, 1 / (1 - p) for the others."""
        kept = self.noise.random(POOL, dtype=np.float32) >= self.recipe.dropout
        return kept * np.float32(1.0 / (1.0 - self.recipe.dropout))

    def _log(self, step: int, measured: tuple[float, float, float, float]) -> None:
        nll, mse, log_std, lowest = measured
        dims = self.recipe.task.action_dim
        row = {
            "actor_loss": nll + dims * HALF_LOG_TWO_PI,
            "mse": mse,
            "log_std_mean": log_std / dims,
            "log_std_min": lowest,
        }
        self.log.add(step, row)


@dataclass(frozen=True)
class TotalLoss:
    """The loss of one batch as an intervention meets it: something to scale and to take the gradient of."""

    fill: Callable[[float], None]  # the gradients, of the loss times a factor
    factor: float = 1.0

    def __mul__(self, factor: float) -> "TotalLoss":
        return TotalLoss(self.fill, self.factor * factor)

    def backward(self) -> None:
        """Fill the gradients of the policy."""
        self.fill(self.factor)


class DisturbedTraining:
    """A training with an intervention, its gradient by hand; NaN spreads through it as in PyTorch."""

    def __init__(self, training: Training) -> None:
        self.training = training
        self.recipe = training.recipe
        parameters = list(training.policy.parameters())
        self.flat, self.weights = _flattened(parameters)
        self.gradient = np.zeros_like(self.flat)
        self.gradients = _views(self.gradient, [weight.shape for weight in self.weights])
        for parameter, gradient in zip(parameters, self.gradients, strict=True):
            parameter.grad = torch.from_numpy(gradient)
        self._forget()

    def _forget(self) -> None:
        """An optimizer without memory."""
        self.optimizer = self.training.optimizer
        self.first, self.second, self.updates = np.zeros_like(self.flat), np.zeros_like(self.flat), 0

    def run(self) -> MetricLog:
        """Train all sessions and return what was logged."""
        training, intervention = self.training, self.training.intervention
        with np.errstate(all="ignore"), torch.no_grad():
            for number, steps in enumerate(intervention.sessions(self.recipe.train_steps)):
                training.log.begin_session()
                intervention.before_session(training, number)
                for step in steps:
                    self.update(step)
        return training.log

    def update(self, step: int) -> None:
        """One batch, one step of Adam; logged every `log_period` steps."""
        training, intervention = self.training, self.training.intervention
        intervention.before_step(training, step)
        if training.optimizer is not self.optimizer:
            self._forget()
        rate = intervention.learning_rate(training.scheduled_rate(step), step)
        training.optimizer.param_groups[0]["lr"] = rate
        drawn = next(training.batches)
        batch = intervention.batch(Batch(training.observations[drawn], training.actions[drawn]), step)
        layers, likelihood = self._forward(batch)
        penalty = self.recipe.weight_decay * 0.5 * float(np.dot(self.flat, self.flat))
        loss = TotalLoss(lambda factor: self._backward(layers, likelihood, step, factor))
        intervention.backward(training, loss, step)  # type: ignore[arg-type]
        if step % self.recipe.log_period == 0:
            norm = math.sqrt(float(np.dot(self.gradient, self.gradient)))
            row = training.measure(step, likelihood, penalty, norm)
            training.log.add(step, intervention.logged(row, step))
        self._step(np.float32(rate))

    def _forward(self, batch: Batch) -> tuple[list[Floats], Likelihood]:
        """Inputs of the three layers, and how likely the policy finds the actions."""
        layers = [batch.observations.numpy()]
        for number in (0, 2):
            layers.append(np.tanh(layers[-1] @ self.weights[number].T + self.weights[number + 1]))
        mean, free = np.split(layers[-1] @ self.weights[4].T + self.weights[5], 2, axis=1)
        log_std = np.log(np.clip(np.exp(free), self.recipe.std_min, self.recipe.std_max))
        error = batch.actions.numpy() - mean
        nll = float((0.5 * (error / np.exp(log_std)) ** 2 + log_std).sum(1).mean())
        nll += error.shape[1] * HALF_LOG_TWO_PI
        return layers, Likelihood(torch.from_numpy(error), torch.from_numpy(log_std), torch.tensor(nll))

    def _backward(self, layers: list[Floats], likelihood: Likelihood, step: int, factor: float) -> None:
        """The gradient of the total loss times a factor, layer by layer from the head down."""
        error, log_std = likelihood.error.numpy(), likelihood.log_std.numpy()
        precision = np.exp(-2 * log_std)
        of_log_std = (1 - error**2 * precision) / len(error) + self._added(likelihood, step)
        low, high = np.log(np.float32([self.recipe.std_min, self.recipe.std_max]))
        of_log_std[(log_std <= low) | (log_std >= high)] = 0.0
        of = np.concatenate([-error * precision / len(error), of_log_std], axis=1).astype(np.float32)
        for number in (2, 1, 0):
            self.gradients[2 * number][...] = of.T @ layers[number]
            self.gradients[2 * number + 1][...] = of.sum(0)
            of = (of @ self.weights[2 * number]) * (1 - layers[number] ** 2) if number else of
        self.gradient += np.float32(self.recipe.weight_decay) * self.flat
        self.gradient *= np.float32(factor)

    def _added(self, likelihood: Likelihood, step: int) -> Floats | float:
        """The gradient (b, d) of what an intervention adds to the loss, by log-std."""
        with torch.enable_grad():
            log_std = likelihood.log_std.clone().requires_grad_()
            asked = Likelihood(likelihood.error, log_std, likelihood.nll)
            added = self.training.intervention.added_loss(asked, step)
            return 0.0 if added is None else torch.autograd.grad(added, log_std)[0].numpy()

    def _step(self, rate: np.float32) -> None:
        """One step of Adam in place."""
        self.updates += 1
        beta1, beta2 = np.float32(self.recipe.beta1), np.float32(self.recipe.beta2)
        self.first += (ONE - beta1) * (self.gradient - self.first)
        self.second += (ONE - beta2) * (self.gradient**2 - self.second)
        scale = np.float32(rate / (1.0 - self.recipe.beta1**self.updates))
        root = np.sqrt(self.second / np.float32(1.0 - self.recipe.beta2**self.updates))
        self.flat -= scale * self.first / (root + EPSILON)


@njit(cache=True, fastmath=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _tanh(values: Floats, bias: Floats) -> None:
    """Add the bias (m,) to each row of (n, m) and take tanh, in place."""
    a6, a5, a4, a3, a2, a1, a0, b3, b2, b1, b0 = TANH
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            x = min(max(values[i, j] + bias[j], -FLAT), FLAT)
            s = x * x
            over = ((((((a6 * s + a5) * s + a4) * s + a3) * s + a2) * s + a1) * s + a0) * x
            values[i, j] = over / (((b3 * s + b2) * s + b1) * s + b0)


@njit(cache=True, fastmath=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _through_tanh(of: Floats, hidden: Floats) -> None:
    """From the gradient of the outputs of a tanh to that of its inputs, in place."""
    for i in range(of.shape[0]):
        for j in range(of.shape[1]):
            of[i, j] *= ONE - hidden[i, j] * hidden[i, j]


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _head(  # noqa: PLR0917  (Numba takes positional arguments only)
    head: Floats, targets: Floats, share: Floats, std_min: np.float32, std_max: np.float32, of: Floats
) -> tuple[float, float, float, float]:
    """Fill the gradient of the head (n, 2 d); loss but its constant, error, sum of log-std, the smallest."""
    n, d = targets.shape
    nll, mse, total, lowest = 0.0, 0.0, 0.0, np.inf
    for i in range(n):
        for j in range(d):
            free = np.exp(head[i, d + j])
            std = min(max(free, std_min), std_max)
            error = targets[i, j] - head[i, j]
            scaled = error / std
            surprise = scaled * scaled
            log_std = np.log(std)
            of[i, j] = -scaled / std * share[i]
            of[i, d + j] = (ONE - surprise) * share[i] if free == std else ZERO
            nll += (HALF * surprise + log_std) * share[i]
            mse += error * error * share[i]
            total += log_std * share[i]
            lowest = min(lowest, log_std)
    return nll, mse, total, lowest


@njit(cache=True, fastmath=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _adam(  # noqa: PLR0917  (Numba takes positional arguments only)
    weights: Floats,
    gradient: Floats,
    first: Floats,
    second: Floats,
    scale: np.float32,
    rate: np.float32,
    correction: np.float32,
    beta1: np.float32,
    beta2: np.float32,
) -> None:
    """One step of Adam in place, the gradient taken times `scale`."""
    for k in range(weights.size):
        g = gradient[k] * scale
        first[k] = beta1 * first[k] + (ONE - beta1) * g
        second[k] = beta2 * second[k] + (ONE - beta2) * g * g
        weights[k] -= rate * first[k] / (np.sqrt(second[k]) * correction + EPSILON)


def _flattened(parameters: list[torch.nn.Parameter]) -> tuple[Floats, list[Floats]]:
    """All weights in one vector, and each of them as a view of it, which the policy then shares."""
    flat = np.concatenate([p.detach().numpy().ravel() for p in parameters])
    views = _views(flat, [tuple(p.shape) for p in parameters])
    for parameter, view in zip(parameters, views, strict=True):
        parameter.data = torch.from_numpy(view)
    return flat, views


def _views(flat: Floats, shapes: list[tuple[int, ...]]) -> list[Floats]:
    stops = np.cumsum([math.prod(shape) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(flat, stops[:-1]), shapes, strict=True)]
