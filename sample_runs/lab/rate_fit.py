"""Rate fit: the mixed model of counts behind `spikediag.rates`, fitted to the randomised study.

    spikes ~ negative binomial(mean = exposure x rate, size)
    log rate = intercept + weights . features + recipe + [shift of the remedy + remedy in this recipe]

The part of a recipe and of a remedy in a recipe are normal, with a standard deviation each (one a remedy).
Priors are weak and normal; the posterior is drawn by NUTS (Hoffman and Gelman 2014, JMLR 15, 1593). Only
recipes that are not kept for testing are used.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from sample_runs.lab.randomised_study import FIRST, REMEDIES, UNCHANGED, Trained
from spikediag.rates import Settings
from spikediag.rates.model import QUANTILES

WARM_UP, DRAWS = 300, 500
USUAL = -7.6  # logarithm of 3 spikes in 6,000 updates, the prior mean of the intercept
PRIOR = {"intercept": 2.0, "weight": 1.0, "shift": 2.0, "between": 1.0, "spread": 1.0}  # standard deviations
DIGITS = 5
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Table:
    """The trainings a model is fitted on, as arrays.

    Attributes:
        features: (n, k) of the recipe before a remedy.
        exposure: (n,) updates.
        spikes: (n,) counts.
        recipe: (n,) positions of the recipes.
        remedy: (n,) positions in `REMEDIES`, -1 for none.
        pair: (n,) positions of the pairs of recipe and remedy, -1 for none.
        remedy_of: (pairs,) position of the remedy of each pair.
    """

    names: tuple[str, ...]
    features: Floats
    exposure: Floats
    spikes: NDArray[np.int64]
    recipe: NDArray[np.int64]
    remedy: NDArray[np.int64]
    pair: NDArray[np.int64]
    remedy_of: NDArray[np.int64]


def settings(trained: Trained) -> Settings:
    """What the model may know of a training."""
    return Settings(
        batch_size=trained.batch_size,
        dataset_size=trained.dataset_size,
        updates=trained.updates,
        learning_rate=trained.learning_rate,
        decays=trained.schedule == "cosine",
        beta2=trained.beta2,
        sigma_floor=trained.std_min,
        clip=trained.max_grad_norm or float("inf"),
        weight_decay=trained.weight_decay,
        dropout=trained.dropout,
        width=trained.hidden,
        action_dims=trained.smooth_actions + (trained.last_action != "none"),
        degenerate=trained.last_action != "none",
        action_noise=trained.action_noise,
        shuffled=trained.sampling == "epochs",
    )


def usable(trainings: Sequence[Trained]) -> list[Trained]:
    """Those that stayed numbers, each with its first training."""
    finite = [t for t in trainings if np.isfinite(t.loss)]
    firsts = {t.recipe for t in finite if t.remedy == FIRST}
    return [t for t in finite if t.recipe in firsts]


def table(trainings: Sequence[Trained]) -> Table:
    """Arrays of the trainings; a remedied one has the features of its recipe and the shift of its remedy."""
    before = {t.recipe: settings(t).features() for t in trainings if t.remedy == FIRST}
    names = tuple(next(iter(before.values())))
    ids, recipes = list(REMEDIES), list(before)
    remedied = [(t.recipe, t.remedy) for t in trainings if t.remedy in REMEDIES]
    pairs = list(dict.fromkeys(remedied))
    place = {pair: i for i, pair in enumerate(pairs)}
    return Table(
        names=names,
        features=np.array([[before[t.recipe][name] for name in names] for t in trainings], dtype=np.float64),
        exposure=np.array([t.exposure for t in trainings], dtype=np.float64),
        spikes=np.array([t.spikes for t in trainings]),
        recipe=np.array([recipes.index(t.recipe) for t in trainings]),
        remedy=np.array([ids.index(t.remedy) if t.remedy in REMEDIES else -1 for t in trainings]),
        pair=np.array([place.get((t.recipe, t.remedy), -1) for t in trainings]),
        remedy_of=np.array([ids.index(remedy) for _, remedy in pairs], dtype=np.int64),
    )


def posterior(data: Table, seed: int = 0) -> Mapping[str, Floats]:
    """Draws of every parameter, (draws, ...)."""
    import jax  # noqa: PLC0415  (slow to import, needed here only)
    from numpyro.infer import MCMC, NUTS  # noqa: PLC0415

    sampler = MCMC(NUTS(_model), num_warmup=WARM_UP, num_samples=DRAWS, progress_bar=False)
    sampler.run(jax.random.PRNGKey(seed), data)
    return {name: np.asarray(draws, dtype=np.float64) for name, draws in sampler.get_samples().items()}


def _model(data: Table) -> None:
    import jax.numpy as jnp  # noqa: PLC0415
    import numpyro  # noqa: PLC0415
    from numpyro import distributions as dist  # noqa: PLC0415

    def draw(name: str, n: int, sd: float = 1.0) -> object:
        return numpyro.sample(name, dist.Normal(0.0, sd).expand([n]))

    intercept = numpyro.sample("intercept", dist.Normal(USUAL, PRIOR["intercept"]))
    weights = draw("weights", len(data.names), PRIOR["weight"])
    between = numpyro.sample("between", dist.HalfNormal(PRIOR["between"]))
    size = numpyro.sample("size", dist.LogNormal(1.5, 1.0))
    shifts = draw("shifts", len(REMEDIES), PRIOR["shift"])
    spread = numpyro.sample("spread", dist.HalfNormal(PRIOR["spread"]).expand([len(REMEDIES)]))
    recipe = between * draw("recipe", int(data.recipe.max()) + 1)
    log_rate = intercept + data.features @ weights + recipe[data.recipe]
    if len(data.remedy_of):
        own = spread[data.remedy_of] * draw("pair", len(data.remedy_of))
        log_rate = log_rate + jnp.where(data.remedy >= 0, shifts[data.remedy] + own[data.pair], 0.0)
    mean = jnp.exp(log_rate) * data.exposure
    numpyro.sample("spikes", dist.NegativeBinomial2(mean, size), obs=data.spikes)


def summary(trainings: Sequence[Trained], draws: Mapping[str, Floats], data: Table) -> dict[str, object]:
    """What `spikediag.rates` reads: the posterior's means and covariance, and what was studied."""
    together = np.column_stack([draws["intercept"], draws["weights"]])
    of_recipes = data.features[[i for i, t in enumerate(trainings) if t.remedy == FIRST]]
    shifts = {
        remedy: {
            "mean": _round(draws["shifts"][:, i].mean()),
            "sd": _round(draws["shifts"][:, i].std()),
            "spread": _round(np.sqrt(np.mean(draws["spread"][:, i] ** 2))),
            **_ends(trainings, remedy),
        }
        for i, remedy in enumerate(REMEDIES)
        if any(t.remedy == remedy for t in trainings)
    }
    return {
        "names": list(data.names),
        "intercept": _round(draws["intercept"].mean()),
        "weights": _round(draws["weights"].mean(axis=0)),
        "covariance": _round(np.cov(together, rowvar=False)),
        "means": _round(of_recipes.mean(axis=0)),
        "sds": _round(of_recipes.std(axis=0)),
        "ranges": _round(np.column_stack([of_recipes.min(axis=0), of_recipes.max(axis=0)])),
        "between": _round(np.sqrt(np.mean(draws["between"] ** 2))),
        "size": _round(np.exp(np.mean(np.log(draws["size"])))),
        "shifts": shifts,
        "recipes": len({t.recipe for t in trainings}),
        "trainings": len(trainings),
    }


def _ends(trainings: Sequence[Trained], remedy: str) -> dict[str, float]:
    """What the remedy did to the final error and loss, against the same recipe and seed unchanged."""
    unchanged = {(t.recipe, t.seed): t for t in trainings if t.remedy == UNCHANGED}
    both = [
        (unchanged[t.recipe, t.seed], t)
        for t in trainings
        if t.remedy == remedy and (t.recipe, t.seed) in unchanged
    ]
    errors = np.quantile([after.mse / before.mse for before, after in both], QUANTILES)
    return {
        **dict(zip(("error_low", "error", "error_high"), map(_round, errors), strict=True)),
        "loss": _round(median(after.loss - before.loss for before, after in both)),
        "recipes": len({after.recipe for _, after in both}),
    }


def fit(trainings: Sequence[Trained], path: Path) -> dict[str, object]:
    """Fit the model to the recipes that are not kept for testing and write it."""
    chosen = [t for t in usable(trainings) if not t.test]
    data = table(chosen)
    model = summary(chosen, posterior(data), data)
    path.write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")
    return model


def _round(value: object) -> object:
    return np.round(np.asarray(value, dtype=np.float64), DIGITS).tolist()
