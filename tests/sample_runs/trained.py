"""Trainings of the randomised study as its table has them, without training."""

from sample_runs.lab.randomised_study import FIRST, Key, Trained, _settings, recipe_of


def trained(recipe: int, remedy: str = FIRST, seed: int = 0, spikes: int = 0) -> Trained:
    key: Key = (recipe, remedy, seed)
    ends = {"largest": 0.0, "noise": 0.3, "loss": -9.0, "mse": 0.1, "log_std_min": -6.0, "log_std_gap": 3.0}
    return Trained(**_settings(key, recipe_of(key)), exposure=4_000, spikes=spikes, **ends)
