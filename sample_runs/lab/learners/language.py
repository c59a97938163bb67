"""Language: a model of letters, trained on a text, or on the reward of what it writes."""

from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from sample_runs.lab.learners.base import Plan
from sample_runs.lab.learners.network import Adam, Array, Network
from sample_runs.lab.metric_log import MetricLog

LETTERS = 20
CONTEXT = 2  # letters that the model sees
FLUENT = 300  # updates of pretraining, where the training goes on from a trained model
COMPLETIONS, LENGTH = 48, 12
GROUP = 8  # completions of one prompt
Letters = NDArray[np.int64]


@dataclass(frozen=True)
class LanguageSettings:
    """Of one update.

    Attributes:
        accumulation: Micro-batches of one update; `summed` where their losses are added up.
        stage: Which text is read.
        garbled: Share of a batch that is random letters.
        broken: Whether an input is not a number.
        pretrained: Whether the model has learnt the first text before.
        beta: Weight of the divergence from the reference, where a reward is learnt from.
    """

    learning_rate: float = 3e-3
    warmup_steps: int = 100
    decay: bool = True
    batch_size: int = 32
    accumulation: int = 1
    summed: bool = False
    stage: int = 0
    garbled: float = 0.0
    broken: bool = False
    max_grad_norm: float = 1.0
    pretrained: bool = False
    beta: float = 0.0
    hidden: int = 32


@dataclass(frozen=True)
class Language:
    """A training from first to last update."""

    plan: Plan
    usual: LanguageSettings = field(default_factory=LanguageSettings)

    def facts(self) -> dict[str, object]:
        """The configuration as it is written beside the event files."""
        hidden = {"summed", "stage", "garbled", "broken", "hidden", "pretrained", "decay"}
        hidden |= {"accumulation", "batch_size"}  # under the names of the Trainer, below
        settings = {k: v for k, v in asdict(self.usual).items() if k not in hidden}
        if not self.usual.beta:
            del settings["beta"]
        return {
            "optim": "adamw_torch",
            "per_device_train_batch_size": self.usual.batch_size,
            "gradient_accumulation_steps": self.usual.accumulation,
            "lr_scheduler_type": "linear" if self.usual.decay else "constant_with_warmup",
            "max_steps": self.plan.iterations,
            "seed": self.plan.seed,
            **settings,
        }

    def run(self) -> MetricLog:
        """Train, and return what was logged: means since the last logged point."""
        log, training = MetricLog(), Training(self.plan.seed, self.usual)
        rows: list[dict[str, float]] = []
        saved = training.model.weights.copy()
        for iteration in self.plan.run(log):
            if iteration == self.plan.saved:
                saved[:] = training.model.weights
            if iteration == self.plan.restart:
                training.model.weights[:] = saved
                training.optimizer = Adam()
            settings = self.plan.settings(self.usual, iteration)
            rate = settings.learning_rate * self._schedule(iteration)
            rows.append(training.rewarded(settings, rate) if settings.beta else training.read(settings, rate))
            if (iteration + 1) % self.plan.log_period == 0:
                row = {name: float(np.mean([r[name] for r in rows])) for name in rows[-1]}
                row |= {"learning_rate": rate, "grad_norm": rows[-1]["grad_norm"]}
                row["stage"] = float(settings.stage)
                if (iteration + 1) % (10 * self.plan.log_period) == 0:
                    row["eval_loss"] = training.held_out()
                log.add(self.plan.step(iteration + 1), row)
                rows = []
        return log

    def _schedule(self, iteration: int) -> float:
        warm = min(1.0, (iteration + 1) / max(self.usual.warmup_steps, 1))
        return warm * (1 - 0.9 * iteration / self.plan.iterations if self.usual.decay else 1.0)


class Training:
    """The model, its optimizer and the texts."""

    def __init__(self, seed: int, settings: LanguageSettings) -> None:
        self.draw = np.random.default_rng([seed, 3])
        self.texts = [_text(self.draw, 6_000), _text(self.draw, 6_000)]
        self.model = Network(self.draw, CONTEXT * LETTERS, settings.hidden, LETTERS)
        self.optimizer = Adam()
        self.best = int(self.draw.integers(LETTERS))
        self.reference = Network(self.draw, CONTEXT * LETTERS, settings.hidden, LETTERS)
        if settings.pretrained:
            for _ in range(FLUENT):
                self.read(LanguageSettings(batch_size=128), 5e-3)
            self.optimizer = Adam()
            self.reference.weights[:] = self.model.weights

    def read(self, settings: LanguageSettings, rate: float) -> dict[str, float]:
        """One update on a text."""
        size = settings.batch_size * settings.accumulation
        windows = self._windows(settings.stage, size)
        garbled = round(settings.garbled * size)
        windows[:garbled] = self.draw.integers(0, LETTERS, (garbled, CONTEXT + 1))
        contexts, following = _one_hot(windows[:, :-1]), windows[:, -1]
        if settings.broken:
            contexts[0, 0] = np.nan
        logp = _log_softmax(self.model.forward(contexts))
        every = np.arange(size)
        slope = np.exp(logp)
        slope[every, following] -= 1
        factor = settings.accumulation if settings.summed else 1
        self.model.backward(slope * factor / size)
        norm = self.model.clip(settings.max_grad_norm)
        self.optimizer.step(self.model, rate)
        right = float(np.mean(np.argmax(logp, axis=1) == following))
        return {"loss": -factor * float(logp[every, following].mean()), "grad_norm": norm, "accuracy": right}

    def rewarded(self, settings: LanguageSettings, rate: float) -> dict[str, float]:
        """One update of GRPO: completions in groups, their rewards centred, held near the reference."""
        windows, following = self._write()
        reward = np.mean((following == self.best).reshape(LENGTH, COMPLETIONS), axis=0)
        groups = reward.reshape(-1, GROUP)
        advantage = (groups - groups.mean(1, keepdims=True)) / (groups.std(1, keepdims=True) + 1e-4)
        weight = np.tile(advantage.ravel(), LENGTH)
        logits = self.model.forward(_one_hot(windows))
        every = np.arange(len(windows))
        logp = _log_softmax(logits)
        gap = (
            _log_softmax(self.reference.forward(_one_hot(windows)))[every, following] - logp[every, following]
        )
        divergence = np.exp(gap) - gap - 1
        slope = np.exp(logp)
        slope[every, following] -= 1
        pull = weight - settings.beta * (1 - np.exp(gap))
        self.model.backward(slope * pull[:, None] / len(windows))
        norm = self.model.clip(settings.max_grad_norm)
        self.optimizer.step(self.model, rate)
        kl = float(divergence.mean())
        return {
            "loss": settings.beta * kl - float(weight.mean()),
            "kl": kl,
            "reward": float(reward.mean()),
            "reward_std": float(groups.std(1).mean()),
            "grad_norm": norm,
        }

    def held_out(self) -> float:
        """Loss on letters of the first text that are not trained on."""
        text = self.texts[0][-600:]
        windows = np.lib.stride_tricks.sliding_window_view(text, CONTEXT + 1)
        logp = _log_softmax(self.model.forward(_one_hot(windows[:, :-1])))
        return -float(logp[np.arange(len(windows)), windows[:, -1]].mean())

    def _windows(self, stage: int, size: int) -> Letters:
        text = self.texts[stage]
        starts = self.draw.integers(0, len(text) - 700, size)
        return text[starts[:, None] + np.arange(CONTEXT + 1)]

    def _write(self) -> tuple[Letters, Letters]:
        """Contexts and the letter that followed, of every completion and position."""
        prompts = np.repeat(self._windows(0, COMPLETIONS // GROUP)[:, :-1], GROUP, axis=0)
        seen, chosen, context = [], [], prompts
        for _ in range(LENGTH):
            logits = self.model.forward(_one_hot(context))
            letters = np.argmax(logits + self.draw.gumbel(size=logits.shape), axis=1)
            seen.append(context)
            chosen.append(letters)
            context = np.concatenate([context[:, 1:], letters[:, None]], axis=1)
        return np.concatenate(seen), np.concatenate(chosen)


def _text(draw: np.random.Generator, length: int) -> Letters:
    """Letters of which each depends on the two before, as words do."""
    chances = draw.dirichlet(np.full(LETTERS, 0.04), (LETTERS, LETTERS)).cumsum(axis=2)
    coins = draw.random(length)
    text = np.zeros(length, dtype=np.int64)
    for at in range(2, length):
        text[at] = np.searchsorted(chances[text[at - 2], text[at - 1]], coins[at])
    return np.minimum(text, LETTERS - 1)


def _one_hot(windows: Letters) -> Array:
    hot = np.zeros((len(windows), CONTEXT * LETTERS))
    places = windows + LETTERS * np.arange(CONTEXT)
    np.put_along_axis(hot, places, 1.0, axis=1)
    return hot


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
