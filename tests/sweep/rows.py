"""Rows of runs, made up: a sweep in a line each."""

import numpy as np

from spikediag.sweep import Row


def row(name="bc", verdict="spiky", **changes):
    """A run of 1,000 points with one decoupled spike."""
    known = {
        "matters": False,
        "kinds": {"transient": 1},
        "couplings": {"decoupled": 1},
        "spikes": 1,
        "decoupled": 1,
        "points": 1000,
        "tag": "bc/actor_loss",
        "jump": 39.1,
        "sigmas": 108.6,
        "step": 15_260,
        "coupling": "decoupled",
        "cause": "batch-ratio",
        "content": name,
        "curve": (0.0, 1.0, None, 0.5),
    }
    return Row(f"runs/{name}", name, verdict, **{**known, **changes})


def sweep(slopes, *, seeds=4, per=1, rate=10.0, spread=0.3, random=0):
    """Rows of a design of settings crossed, each with every seed; the rate grows by exp(slope) per setting.

    Args:
        slopes: by setting: its values, and the log rate ratio from the lowest to the highest.
        seeds: how many.
        per: runs of each seed and each combination.
        rate: spikes in 1,000 points at the lowest values.
        spread: variance of the gamma noise around it, beyond chance.
        random: seed.
    """
    generator = np.random.default_rng(random)
    grids = np.meshgrid(*[np.arange(len(values)) for values, _ in slopes.values()], indexing="ij")
    rows = []
    for seed in range(seeds):
        block = np.exp(generator.normal(0, 0.4))
        for cell in np.stack([grid.ravel() for grid in grids], axis=1):
            facts = {name: values[at] for (name, (values, _)), at in zip(slopes.items(), cell, strict=True)}
            steps = [s * at / max(1, len(v) - 1) for (v, s), at in zip(slopes.values(), cell, strict=True)]
            for k in range(per):
                mean = rate * block * np.exp(sum(steps)) * generator.gamma(1 / spread, spread)
                count = int(generator.poisson(mean))
                batch, size = facts.get("batch_size"), facts.get("dataset_size")
                rows.append(
                    row(
                        f"{len(rows)}-{k}",
                        spikes=count,
                        decoupled=count,
                        ratio=batch / size if batch and size else None,
                        facts={**facts, "seed": seed},
                    )
                )
    return rows
