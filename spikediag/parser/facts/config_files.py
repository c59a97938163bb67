"""Configuration files in the folder of a run and up to three levels above it."""

import re
import tempfile
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

from spikediag.errors import refused
from spikediag.model import FactName, Origin, say
from spikediag.parser.facts.claims import FileClaims, action_names_in, claims_in
from spikediag.parser.facts.safe_documents import UnusableError, read_document
from spikediag.parser.fingerprint import fingerprint
from spikediag.parser.remote import listed, present

LEVELS = 3  # above the run
MOST_FILES = 64  # configuration files looked at
MOST_FOLDERS = 1024  # whose names are remembered
SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".py", ".txt")
SHELLS = (".sh", ".bash", ".sbatch", ".slurm")
UNREAD = (*SHELLS, ".gin", ".pkl", ".pickle", ".bin", ".pt", ".pth", ".xml")
STEMS = re.compile(
    r"(?!(tokenizer|generation|(pre)?processor|special_tokens|adapter|feature_extractor|quantization)_)"
    r"([a-z0-9]+[_-]){0,2}config|configuration|hparams|hyper_?param(eter)?s|(train(ing)?_)?"
    r"arg(ument)?s|trainer_state|param(eter)?s|flags|variant|settings|agent|opt(ions)?|conf"
)
SCRIPTS = re.compile(
    r"(run|train|launch|submit)([_-].*)?"
)  # their command line states facts that nobody reads
FOLDERS = (
    "",
    "params",
    ".hydra",
    "files",
    "config",
    "configs",
    "settings",
    "sacred",
    "meta",
    "pretrained_model",
)
DATASETS = ("meta/info.json",)  # LeRobot
ARCHIVES = ("model.zip", "best_model.zip", "final_model.zip")  # Stable-Baselines3
BORDERS = (".git", "pyproject.toml", "setup.py", "setup.cfg", "package.json", "Cargo.toml")
TELLING = frozenset(  # one of these makes it a training's
    {FactName.BATCH_SIZE, FactName.LEARNING_RATE, FactName.EFFECTIVE_BATCH_SIZE}
)


def config_files(run: Path, inside: Path | None = None, logs: Collection[Path] = ()) -> Iterator[FileClaims]:
    """Read the configuration of the run whose event files lie in `run`.

    Python files are read where they assign plain data; nothing is run. Files of `run` itself are certain, and
    those of them that were seen and not read are named. Above it, a file counts only if it states a batch
    size or a learning rate, and the search stops below the root of a repository, whose files belong to the
    program and not to the run, and below the home and the temporary folder.

    Args:
        run: the folder that holds the event files.
        inside: the folder the user named, when that lies above `run`: everything from there down is the
        run's own.
        logs: files that were read as logs, which have said what they state.
    """
    known = {path.name: path.resolve() for path in logs}
    count = 0
    for level, folder in enumerate((run, *run.parents[:LEVELS])):
        own = level == 0 or (inside is not None and folder.is_relative_to(inside))
        if not own and _is_border(listed(folder)):
            return
        for path in telling_files(folder):
            if path.name in known and path.resolve() == known[path.name]:
                continue
            count += 1
            if count > MOST_FILES:
                return
            if path.suffix in UNREAD and not own:
                continue
            found = _read(path, run, level, own=own)
            if own or found.left_out or {claim.name for claim in found.claims} & TELLING:
                yield found
            elif found.action_names:
                yield FileClaims(action_names=found.action_names)


def _is_border(folder: Path) -> bool:
    """Whether a folder is the root of a repository, or one that everybody's files lie in."""
    if folder in (Path.home(), Path(tempfile.gettempdir()), folder.parent):
        return True
    try:
        return _has_border(folder, folder.stat().st_mtime_ns)
    except OSError:
        return True


@lru_cache(MOST_FOLDERS)
def _has_border(folder: Path, _: int) -> bool:
    """The same as it was at a time: thousands of runs share the folders above them."""
    return any((folder / border).exists() for border in BORDERS)


def telling_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that may say how a training was configured, by their names alone."""
    for place in FOLDERS:
        where = listed(folder / place)
        try:
            names = _telling_names(where, place, where.stat().st_mtime_ns)
        except OSError:
            continue
        yield from (path for name in names if (path := where / name).is_file())


@lru_cache(MOST_FOLDERS)
def _telling_names(where: Path, place: str, _: int) -> tuple[str, ...]:
    """The names in a folder as it was at a time: thousands of runs share the folders above them."""
    return tuple(sorted(path.name for path in where.iterdir() if _may_tell(Path(path.name), place)))


def _may_tell(name: Path, place: str) -> bool:
    stem = name.stem.lower()
    known = STEMS.fullmatch(stem) is not None and name.suffix in (*SUFFIXES, *UNREAD)
    known |= SCRIPTS.fullmatch(stem) is not None and name.suffix in (*SHELLS, ".ini", ".cfg")
    return known or f"{place}/{name}" in DATASETS or (not place and name.name in ARCHIVES)


def _read(path: Path, run: Path, level: int, *, own: bool) -> FileClaims:
    above = run.parents[level - 1] if level else run
    name = "../" * level + path.relative_to(above).as_posix()
    origin = Origin(Origin.BESIDE + level)
    if path.suffix in UNREAD:
        return FileClaims(
            left_out=say("{name} was seen and not read: what it says is not plain data.", name=name)
        )
    try:
        with present(path).open("rb") as file:
            document = read_document(file, path.suffix)
            claims = tuple(claims_in(document, name, origin, 1.0 if own else 0.9))
            names = action_names_in(document)
            found = FileClaims(claims, fingerprint(file, run) if claims else None, action_names=names)
    except UnusableError as error:
        return FileClaims(left_out=say("{name} was left out: {why}.", name=name, why=error.said))
    except OSError as error:
        return FileClaims(left_out=say("{name} was left out: {why}.", name=name, why=refused(error)))
    if path.suffix == ".py" and own and not claims:
        return FileClaims(
            left_out=say("{name} was seen: it states no fact as plain data, and code is not run.", name=name)
        )
    return found
