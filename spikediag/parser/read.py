"""From a path to a run: the parser's whole way, one stage after another."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from spikediag.errors import NoEventsError, RunNotFoundError, UnreadableRunError
from spikediag.model import Run, SourceFile, StepUnit
from spikediag.parser.checkpoints import checkpoints
from spikediag.parser.event_files.event_file import MARK, EventFile
from spikediag.parser.facts import Origin, claims_of_user, gather
from spikediag.parser.library_presets import log_lines
from spikediag.parser.run_folders import CONTAINERS
from spikediag.parser.sources import Sources, sources_of_file, sources_of_folder
from spikediag.parser.understand import understand
from spikediag.parser.user_settings import Settings, read_settings

STAMP = re.compile(r".*tfevents\.(\d+)\..*")


def read_run(path: str | Path, given: Mapping[str, object] | None = None) -> Run:
    """Read a run folder or a single event file.

    Args:
        path: a folder with event files, a folder above exactly one run, or an event file.
        given: facts from the command line, such as `{"batch_size": 256}`; they win over all others.

    Raises:
        RunNotFoundError: there is nothing at `path`.
        NoEventsError: there is no event file, or none holds a scalar.
        UnreadableRunError: nothing of what is there can be read.
        UsageError: a fact or `spikediag.toml` cannot be used, or several runs are below `path`.
    """
    place = Path(path)
    sources = _sources(place)
    settings = _settings(place, sources)
    stated = [
        *claims_of_user(given or {}, "--{}", Origin.COMMAND_LINE),
        *claims_of_user(settings.facts, "spikediag.toml: {}", Origin.SETTINGS),
    ]
    if not sources.streams:
        raise NoEventsError(
            f"{place}: its event files hold no scalars; log some, for example with add_scalar."
        )
    read = understand(sources, settings.roles)
    files = (*sources.extra, *(file for stream in sources.streams.values() for file in stream))
    unit = read.preset.step_unit if read.preset else StepUnit.STEP
    folder = sources.folder.absolute()
    named = place.absolute() if place.is_dir() else None
    gathered = gather(stated, files, read.series, unit, folder=folder, inside=named)
    return Run(
        path=str(path),
        name=_name(place, folder),
        series=MappingProxyType(dict(read.series)),
        facts=gathered.facts,
        sessions=read.sessions,
        rewinds=read.rewinds,
        damage=tuple(sources.damage),
        files=tuple(_files(files, (*gathered.files, *settings.files), folder)),
        checkpoints=tuple(checkpoints(folder)),
        library=read.preset.name if read.preset else None,
        step_unit=unit,
        notes=(*sources.notes, *read.notes, *gathered.notes),
        log_lines=log_lines(read.preset),
    )


def _sources(path: Path) -> Sources:
    try:
        if path.is_dir():
            next(path.iterdir(), None)  # permission to look inside
            return sources_of_folder(path)
        if path.is_file():
            return sources_of_file(path)
        if path.exists():
            raise UnreadableRunError(
                f"{path} is neither a folder nor a file; give a run folder or an event file."
            )
    except PermissionError as error:
        raise UnreadableRunError(f"{path} cannot be opened (permission denied); make it readable.") from error
    except OSError as error:
        raise UnreadableRunError(f"{path} cannot be opened ({error.strerror}); check the path.") from error
    raise RunNotFoundError(f"{path} does not exist; give a run folder or an event file.")


def _settings(place: Path, sources: Sources) -> Settings:
    """Read the settings beside the event files, else those in the folder that the user named."""
    near = read_settings(sources.folder)
    return near if near.files or not place.is_dir() else read_settings(place)


def _files(events: tuple[EventFile, ...], others: tuple[Path, ...], folder: Path) -> Iterator[SourceFile]:
    for file in events:
        yield SourceFile(file.label, file.size, file.sha256)
    for path in others:
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            size = content.tell()
        yield SourceFile(Path(os.path.relpath(path, folder)).as_posix(), size, digest)


def _name(path: Path, folder: Path) -> str:
    """Name a run after its folder; one of several attempts in a folder also after its clock."""
    shown = path.absolute() if path.is_dir() else folder
    while CONTAINERS.fullmatch(shown.name.lower()) and shown.parent != shown:
        shown = shown.parent
    stamp = STAMP.fullmatch(path.name)
    beside = [entry.name for entry in folder.iterdir() if MARK in entry.name]
    if stamp and len(beside) > 1:
        alone = sum(f".{stamp[1]}." in name for name in beside) == 1
        return f"{shown.name}-{stamp[1] if alone else path.name.partition(MARK + '.')[2]}"
    return shown.name or "run"
