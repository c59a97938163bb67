"""Configuration places: where a library leaves the configuration of a run."""

import json
from collections.abc import Callable
from pathlib import Path

import yaml
from tensorboard.compat.proto.summary_pb2 import Summary

from sample_runs.lab import events

Facts = dict[str, object]
ConfigurationPlace = Callable[[Path, Facts], tuple[Summary, ...]]
"""Writes the facts of a run into its folder, or returns them as records for the event file."""


def nowhere(_folder: Path, _facts: Facts) -> tuple[Summary, ...]:
    """The configuration is lost."""
    return ()


def config_yaml(folder: Path, facts: Facts) -> tuple[Summary, ...]:
    """`config.yaml` beside the events."""
    return _yaml(folder / "config.yaml", facts)


def hparams_yaml(folder: Path, facts: Facts) -> tuple[Summary, ...]:
    """Lightning's `hparams.yaml` beside the events."""
    return _yaml(folder / "hparams.yaml", facts)


def hydra(folder: Path, facts: Facts) -> tuple[Summary, ...]:
    """Hydra's `.hydra/config.yaml`, nested as such configurations are."""
    dataset = {key: facts[key] for key in ("dataset_size", "trajectories", "transitions") if key in facts}
    rest = {key: value for key, value in facts.items() if key not in dataset}
    return _yaml(folder / ".hydra" / "config.yaml", {"dataset": dataset, "train": rest})


def config_json(folder: Path, facts: Facts) -> tuple[Summary, ...]:
    """As robomimic does: `config.json` in the run's folder while the events are in `tb/`."""
    (folder / "config.json").write_text(json.dumps({"train": facts}, indent=2) + "\n", encoding="utf-8")
    return ()


def text_table(_folder: Path, facts: Facts) -> tuple[Summary, ...]:
    """CleanRL's text `hyperparameters`: a Markdown table."""
    rows = "\n".join(f"|{key}|{value}|" for key, value in facts.items())
    return (events.text("hyperparameters", f"|param|value|\n|-|-|\n{rows}"),)


def text_args(_folder: Path, facts: Facts) -> tuple[Summary, ...]:
    """The Hugging Face Trainer's text `args`: JSON."""
    return (events.text("args", json.dumps(facts, indent=2)),)


def hparams_plugin(_folder: Path, facts: Facts) -> tuple[Summary, ...]:
    """TensorBoard's hparams plugin."""
    return (events.hparams(facts),)


def _yaml(path: Path, facts: Facts) -> tuple[Summary, ...]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(facts, sort_keys=False), encoding="utf-8")
    return ()
