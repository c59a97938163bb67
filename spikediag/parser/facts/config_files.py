"""Configuration files in the folder of a run and up to three levels above it."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spikediag.model import Origin
from spikediag.parser.facts.claims import Claim
from spikediag.parser.facts.documents import UnusableError, load
from spikediag.parser.facts.fact_keys import claims_in

LEVELS = 3  # above the run
MOST_FILES = 64  # configuration files looked at
SUFFIXES = (".yaml", ".yml", ".json", ".toml")
STEMS = re.compile(
    r"(train(ing)?_|run_|agent_|exp(eriment)?_)?config|configuration|hparams|hyper_?param(eter)?s|(train(ing)?_)?"
    r"arg(ument)?s|trainer_state|param(eter)?s|flags|variant|settings|agent|opt(ions)?|conf"
)
FOLDERS = ("", "params", ".hydra", "files", "config", "configs", "sacred", "meta", "pretrained_model")
DATASETS = ("meta/info.json",)  # LeRobot
ARCHIVES = ("model.zip", "best_model.zip", "final_model.zip")  # Stable-Baselines3
BORDERS = (".git", "pyproject.toml", "setup.py", "setup.cfg", "package.json", "Cargo.toml")
TELLING = frozenset(
    {"batch_size", "learning_rate", "effective_batch_size"}
)  # one of these makes it a training's


@dataclass(frozen=True)
class Found:
    """A configuration file that was used, or left out and why."""

    path: Path
    claims: tuple[Claim, ...] = ()
    left_out: str = ""


def configuration(run: Path, inside: Path | None = None) -> Iterator[Found]:
    """Read the configuration of the run whose event files lie in `run`.

    Files of `run` itself are certain. Above it, a file counts only if it states a batch size or a learning
    rate, and the search stops below the root of a repository, whose files belong to the program and not to
    the run, and below the home and the temporary folder.

    Args:
        run: the folder that holds the event files.
        inside: the folder the user named, when that lies above `run`: everything from there down is the
        run's own.
    """
    count = 0
    for level, folder in enumerate((run, *run.parents[:LEVELS])):
        own = level == 0 or (inside is not None and folder.is_relative_to(inside))
        if not own and _is_border(folder):
            return
        for path in _candidates(folder):
            count += 1
            if count > MOST_FILES:
                return
            found = _read(path, run, level, own=own)
            if own or found.left_out or {claim.name for claim in found.claims} & TELLING:
                yield found


def _is_border(folder: Path) -> bool:
    """Whether a folder is the root of a repository, or one that everybody's files lie in."""
    if folder in (Path.home(), Path(tempfile.gettempdir()), folder.parent):
        return True
    try:
        return any((folder / border).exists() for border in BORDERS)
    except OSError:
        return True


def _candidates(folder: Path) -> Iterator[Path]:
    for place in FOLDERS:
        try:
            entries = sorted((folder / place).iterdir())
        except OSError:
            continue
        for entry in entries:
            known = entry.suffix in SUFFIXES and STEMS.fullmatch(entry.stem.lower())
            named = f"{place}/{entry.name}" in DATASETS or (not place and entry.name in ARCHIVES)
            if (known or named) and entry.is_file():
                yield entry


def _read(path: Path, run: Path, level: int, *, own: bool) -> Found:
    name = (
        path.relative_to(run).as_posix()
        if level == 0
        else "../" * level + path.relative_to(run.parents[level - 1]).as_posix()
    )
    trust = Origin(Origin.BESIDE + level)
    try:
        return Found(path, tuple(claims_in(load(path), name, trust, 1.0 if own else 0.9)))
    except UnusableError as error:
        return Found(path, left_out=f"{name} was left out: {error}")
