"""Randomised study: recipes drawn at random, how often each spikes, and what each remedy does to it.

Every recipe is trained once. The first that spike are trained again with two other seeds, unchanged and
under every remedy that applies, so that the seed which chose a recipe does not judge it. Every other recipe
is drawn from narrower ranges that tend to spike (`prone`). Every third recipe is kept for testing and never
fitted on.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path

import numpy as np

from sample_runs.lab.demonstrations import Task
from sample_runs.lab.recipe import Recipe
from sample_runs.lab.spikes import WINDOW, count

STUDY = 15  # the seed of all drawing
SPIKING = 4  # spikes in its first training from which a recipe is trained again
AT_MOST = 48  # recipes trained again: the first that spike, by their numbers
LOG_PERIOD = 5  # updates; the rule of `spikes.py` judges nothing in the first 257 logged points
AGAIN = (1, 2)  # the seeds it is then trained with; the first training has seed 0
FIRST, UNCHANGED = "first", "unchanged"
TABLE = "trainings.csv"
LAST_ACTIONS = ("none", "gripper", "constant", "presses")
DEGENERATE = LAST_ACTIONS[1:]

Draw = np.random.Generator


@dataclass(frozen=True)
class Trained:
    """One training of the study: which, with what settings, and what came of it.

    Attributes:
        recipe: Number of the recipe; `prone` if its ranges tend to spike, `test` if it is not fitted on.
        remedy: `first` (chose the recipe), `unchanged`, or the remedy's id.
        full_batch: Every update sees the whole dataset.
        max_grad_norm: 0 where gradients are not clipped.
        exposure: Updates in which a spike could be counted: all but those of the first 257 logged points.
        spikes: Distinct excursions by the rule of `spikes.py`; `largest` in nats; `noise` its robust sigma.
        loss: Median of the last tenth, nats, as are `mse`, `log_std_min` and `log_std_gap` of it: how far the
            smallest log-std lies below the mean one.
    """

    recipe: int
    prone: int
    test: int
    remedy: str
    seed: int
    dataset_size: int
    trajectories: int
    batch_size: int
    sampling: str
    full_batch: int
    updates: int
    passes: float
    learning_rate: float
    schedule: str
    beta2: float
    std_min: float
    max_grad_norm: float
    weight_decay: float
    dropout: float
    hidden: int
    smooth_actions: int
    last_action: str
    tremor: float
    jerk: float
    action_noise: float
    target_noise: float
    exposure: int
    spikes: int
    largest: float
    noise: float
    loss: float
    mse: float
    log_std_min: float
    log_std_gap: float

    @property
    def key(self) -> "Key":
        """What names this training."""
        return (self.recipe, self.remedy, self.seed)


Key = tuple[int, str, int]  # number of the recipe, remedy, seed


def is_prone(number: int) -> bool:
    """Whether the recipe is drawn from the narrower ranges: every other one."""
    return number % 2 == 1


def is_test(number: int) -> bool:
    """Whether the recipe is kept for testing: every third one, decided before any was trained."""
    return number % 3 == 2


def draw_recipe(number: int) -> Recipe:
    """The recipe of this number; the same at every call."""
    draw = np.random.default_rng([STUDY, number])
    transitions = round(_log_uniform(draw, 100, 800))
    recipe = Recipe(
        seed=10 * number,
        trajectories=int(draw.choice([1, 2, 3, 5], p=[0.55, 0.15, 0.15, 0.15])),
        transitions=transitions,
        train_steps=round(_log_uniform(draw, 450, 800)) * 10,
        learning_rate=_significant(_log_uniform(draw, 1e-4, 1.2e-3)),
        weight_decay=float(draw.choice([0.0, 1e-4, 1e-3, 3e-3])),
        hidden=int(draw.choice([24, 32, 48])),
        log_period=LOG_PERIOD,
    )
    task = Task(
        seed=1_000 + number,
        smooth_actions=int(draw.integers(2, 8)),
        tremor=_significant(_log_uniform(draw, 0.01, 0.1)),
        jerk=_significant(float(draw.uniform(0.0, 0.2))),
        last_action=str(draw.choice(DEGENERATE if is_prone(number) else LAST_ACTIONS)),
    )
    batch = round(_log_uniform(draw, 128 if is_prone(number) else 32, 384))
    recipe = replace(recipe, task=task, batch_size=min(batch, recipe.dataset_size))
    recipe = _sampled(recipe, draw)
    return recipe if is_prone(number) else _guarded(recipe, draw)


def _sampled(recipe: Recipe, draw: Draw) -> Recipe:
    """With replacement, in shuffled epochs, or the full batch where the dataset is small."""
    way = draw.choice(["replacement", "epochs", "full"], p=[0.6, 0.25, 0.15])
    if way == "full" and recipe.dataset_size <= 600:
        return replace(recipe, sampling="epochs", batch_size=recipe.dataset_size)
    return replace(recipe, sampling="epochs" if way == "epochs" else "replacement")


def _guarded(recipe: Recipe, draw: Draw) -> Recipe:
    """Each of the settings that may prevent spikes, drawn on its own; most often it is off."""
    off = draw.random(6)
    noise = _significant(_log_uniform(draw, 0.003, 0.06))
    return replace(
        recipe,
        task=replace(recipe.task, action_noise=0.0 if off[0] < 0.6 else noise),
        schedule="constant" if off[1] < 0.75 else "cosine",
        beta2=float(draw.choice([0.95, 0.98, 0.99])) if off[2] > 0.6 else 0.999,
        std_min=_significant(_log_uniform(draw, 1e-3, 0.1)) if off[3] > 0.65 else 1e-5,
        max_grad_norm=_significant(_log_uniform(draw, 0.3, 30)) if off[4] > 0.7 else None,
        dropout=float(draw.choice([0.1, 0.25])) if off[5] > 0.75 else 0.0,
    )


def _log_uniform(draw: Draw, low: float, high: float) -> float:
    return float(np.exp(draw.uniform(np.log(low), np.log(high))))


def _significant(value: float) -> float:
    return float(f"{value:.3g}")


def _smaller_batch(recipe: Recipe) -> Recipe | None:
    return replace(recipe, batch_size=recipe.batch_size // 4) if recipe.batch_size >= 64 else None


def _more_data(recipe: Recipe) -> Recipe | None:
    full = recipe.batch_size == recipe.dataset_size
    return None if full else replace(recipe, trajectories=5 * recipe.trajectories)


def _weighted_sampling(recipe: Recipe) -> Recipe | None:
    return replace(recipe, sampling="weighted")


def _lr_decay(recipe: Recipe) -> Recipe | None:
    return replace(recipe, schedule="cosine") if recipe.schedule == "constant" else None


def _sigma_floor(recipe: Recipe) -> Recipe | None:
    return replace(recipe, std_min=0.05) if recipe.std_min < 0.02 else None


def _grad_clip(recipe: Recipe) -> Recipe | None:
    free = recipe.max_grad_norm is None or recipe.max_grad_norm > 2
    return replace(recipe, max_grad_norm=1.0) if free else None


def _beta2(recipe: Recipe) -> Recipe | None:
    return replace(recipe, beta2=0.95) if recipe.beta2 > 0.97 else None


def _action_noise(recipe: Recipe) -> Recipe | None:
    return replace(recipe, target_noise=0.03)


def _drop_dimension(recipe: Recipe) -> Recipe | None:
    if recipe.task.last_action == "none":
        return None
    return replace(recipe, task=replace(recipe.task, last_action="none"))


REMEDIES: dict[str, Callable[[Recipe], Recipe | None]] = {
    "smaller-batch": _smaller_batch,  # a quarter
    "more-data": _more_data,  # five times the trajectories
    "weighted-sampling": _weighted_sampling,  # by the action error
    "lr-decay": _lr_decay,  # cosine to zero
    "sigma-floor": _sigma_floor,  # at 0.05
    "grad-clip": _grad_clip,  # of the norm at 1
    "beta2": _beta2,  # 0.95
    "action-noise": _action_noise,  # fresh in every batch, 0.03
    "drop-dimension": _drop_dimension,  # the last action is left out
}


def recipe_of(key: Key) -> Recipe | None:
    """The recipe of one training; None where the remedy does not apply to it."""
    number, remedy, seed = key
    recipe = draw_recipe(number)
    recipe = replace(recipe, seed=recipe.seed + seed)
    return REMEDIES[remedy](recipe) if remedy in REMEDIES else recipe


def retrainings(firsts: Iterable[Trained]) -> Iterator[Key]:
    """The trainings that follow from the first ones: those of the recipes that spiked, recipe by recipe."""
    spiking = sorted(first.recipe for first in firsts if first.spikes >= SPIKING)
    for number in spiking[:AT_MOST]:
        for key in product([number], (UNCHANGED, *REMEDIES), AGAIN):
            if recipe_of(key) is not None:
                yield key


def train(key: Key, curves: Path) -> Trained:
    """Train and measure; the logged loss (n,) is kept in `curves`, for other ways to count."""
    from sample_runs.lab.fast_training import FastTraining  # noqa: PLC0415  (torch is needed here only)
    from sample_runs.lab.interventions.base import Intervention  # noqa: PLC0415
    from sample_runs.lab.training import Training  # noqa: PLC0415

    recipe = recipe_of(key)
    assert recipe is not None
    log = FastTraining(Training(recipe, Intervention())).run()
    loss = log.column("actor_loss")
    np.save(curves / "{:04}_{}_{}.npy".format(*key), loss.astype(np.float32))
    counted = count(loss)
    last = len(loss) // 10
    ends = {
        name: float(np.median(log.column(name)[-last:])) for name in ("mse", "log_std_min", "log_std_mean")
    }
    measured = {
        "exposure": recipe.train_steps - WINDOW * recipe.log_period,
        "spikes": counted.spikes,
        "largest": _rounded(counted.largest),
        "noise": _rounded(counted.noise),
        "loss": _rounded(float(np.median(loss[-last:]))),
        "mse": _rounded(ends["mse"]),
        "log_std_min": _rounded(ends["log_std_min"]),
        "log_std_gap": _rounded(ends["log_std_mean"] - ends["log_std_min"]),
    }
    return Trained(**_settings(key, recipe), **measured)  # type: ignore[arg-type]


def _rounded(value: float) -> float:
    return round(value, 4)


def _settings(key: Key, recipe: Recipe) -> dict[str, object]:
    number, remedy, seed = key
    same = ("trajectories", "batch_size", "sampling", "learning_rate", "schedule", "beta2", "std_min")
    same += ("weight_decay", "dropout", "hidden", "dataset_size", "target_noise")
    moves = ("smooth_actions", "last_action", "tremor", "jerk", "action_noise")
    return {
        "recipe": number,
        "prone": int(is_prone(number)),
        "test": int(is_test(number)),
        "remedy": remedy,
        "seed": seed,
        "full_batch": int(recipe.sampling == "epochs" and recipe.batch_size == recipe.dataset_size),
        "updates": recipe.train_steps,
        "passes": round(recipe.train_steps * recipe.batch_size / recipe.dataset_size, 1),
        "max_grad_norm": recipe.max_grad_norm or 0.0,
        **{name: getattr(recipe, name) for name in same},
        **{name: getattr(recipe.task, name) for name in moves},
    }


def read(table: Path) -> list[Trained]:
    """The trainings of a table; none where there is no file."""
    if not table.exists():
        return []
    kinds: dict[str, Callable[[str], object]] = {field.name: _KINDS[field.type] for field in fields(Trained)}
    with table.open(newline="", encoding="utf-8") as file:
        return [Trained(**{n: kinds[n](v) for n, v in row.items()}) for row in csv.DictReader(file)]  # type: ignore[arg-type]


_KINDS: dict[object, Callable[[str], object]] = {int: int, float: float, str: str}


def run(out: Path, recipes: int, jobs: int) -> Iterator[Trained]:
    """Train what `out` does not have yet; each result is on disk before it is returned."""
    curves = out / "curves"
    curves.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(jobs) as pool:
        yield from _train(pool, out, [(number, FIRST, 0) for number in range(recipes)])
        yield from _train(pool, out, retrainings(t for t in read(out / TABLE) if t.remedy == FIRST))


def _train(pool: ProcessPoolExecutor, out: Path, keys: Iterable[Key]) -> Iterator[Trained]:
    known = {trained.key for trained in read(out / TABLE)}
    under_way = [pool.submit(train, key, out / "curves") for key in keys if key not in known]
    for future in as_completed(under_way):
        trained = future.result()
        _append(out / TABLE, trained)
        yield trained


def _append(table: Path, trained: Trained) -> None:
    new = not table.exists()
    with table.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Trained)], lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(asdict(trained))
