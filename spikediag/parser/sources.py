"""The event files of one run: its own, and those of the sub-folders that belong to it."""

from dataclasses import dataclass, field
from pathlib import Path

from spikediag.errors import NoEventsError, UnreadableRunError, UsageError
from spikediag.model import Damage
from spikediag.parser.attempts import attempts, distinct
from spikediag.parser.event_files.event_file import EventFile
from spikediag.parser.load import load_files
from spikediag.parser.run_folders import RANK, Folder, Kin, survey

SHOWN = 5  # runs or files named in a message


@dataclass
class Sources:
    """Where a run is read from. `streams` maps a tag prefix to files of one writer, in order of time."""

    folder: Path
    streams: dict[str, tuple[EventFile, ...]] = field(default_factory=dict)
    extra: list[EventFile] = field(
        default_factory=list
    )  # without points of their own: text and hyper-parameters
    damage: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sources_of_file(path: Path) -> Sources:
    """Take one event file as a run.

    Raises:
        UnreadableRunError: it cannot be opened, or is no event file.
    """
    loaded = load_files([path], path.parent)
    if not loaded.files:
        why = loaded.damage[0].what.removeprefix("left out: ")
        raise UnreadableRunError(f"{path}: {why}; give a run folder or a file named events.out.tfevents.*.")
    sources = Sources(path.parent, damage=list(loaded.damage))
    _add(sources, "", loaded.files)
    return sources


def sources_of_folder(path: Path) -> Sources:
    """Find the run at a folder, or the only one below it.

    Raises:
        NoEventsError: no event file is there.
        UsageError: several runs are below.
        UnreadableRunError: none of the event files can be read.
    """
    folder = _the_run(path)
    sources = Sources(folder.path)
    _load(sources, "", folder)
    ranks = sorted(
        (child for child in folder.below if folder.kin(child) is Kin.RANK),
        key=lambda child: _rank(child.path.name),
    )
    for child in folder.below:
        kin = folder.kin(child)
        if kin is Kin.SPLIT:
            _load(sources, child.path.name + "/", child)
        elif kin is Kin.HPARAMS:
            loaded = load_files(child.files, folder.path)
            sources.extra.extend(loaded.files)
            sources.damage.extend(loaded.damage)
        elif kin is Kin.SCALARS:
            _load(sources, child.path.name + "/", child)
    if ranks and not folder.files:
        _load(sources, "", ranks.pop(0))
    if ranks:
        sources.notes.append(f"The files of {len(ranks)} other ranks were left out: {_names(ranks)}.")
    if not sources.streams and not sources.extra:
        raise UnreadableRunError(_why_nothing(path, sources))
    return sources


def _the_run(path: Path) -> Folder:
    top = survey(path)
    if top.is_run:
        return top
    runs = list(top.runs())
    if not runs:
        raise NoEventsError(
            f"{path}: no event file here or below; give the folder that holds events.out.tfevents.* files."
        )
    if len(runs) > 1:
        raise UsageError(f"{path} holds {len(runs)} runs; give one of them: {_names(runs)}.")
    return runs[0]


def _names(folders: list[Folder]) -> str:
    shown = ", ".join(str(folder.path) for folder in folders[:SHOWN])
    return shown + (", ..." if len(folders) > SHOWN else "")


def _rank(name: str) -> int:
    match = RANK.fullmatch(name.lower())
    return int(match[2]) if match else 0


def _load(sources: Sources, prefix: str, folder: Folder) -> None:
    loaded = load_files(folder.files, sources.folder)
    sources.damage.extend(loaded.damage)
    _add(sources, prefix, loaded.files)


def _add(sources: Sources, prefix: str, files: tuple[EventFile, ...]) -> None:
    """Add the newest attempt among files of one folder; say which others stand beside it."""
    kept, copies = distinct(files)
    sources.notes.extend(copies)
    apart = attempts(kept)
    silent = [file for file in kept if not file.columns.tags]
    if apart:
        sources.streams[prefix] = apart[-1]
    if len(apart) > 1:
        others = [file.label for attempt in apart[:-1] for file in attempt]
        sources.notes.append(
            f"The folder holds {len(apart)} attempts; this is the newest, {apart[-1][0].label}. To read "
            f"another give its file: {', '.join(others[:SHOWN])}{', ...' if len(others) > SHOWN else ''}."
        )
    # Text written by an earlier attempt describes that attempt; it speaks for this one only if nothing else
    # does.
    if not apart or not any(file.columns.others for file in apart[-1]):
        sources.extra.extend(silent)


def _why_nothing(path: Path, sources: Sources) -> str:
    if not sources.damage:
        return f"{path}: its event files are empty; has the training written its first record yet?"
    first = sources.damage[0]
    why = first.what.removeprefix("left out: ")
    count = len(sources.damage)
    return f"{path}: none of its {count} event files can be read ({first.file}: {why}); check them."
