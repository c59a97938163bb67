"""From a path to a run: the parser's whole way, one stage after another."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from spikediag.errors import NoEventsError, RunNotFoundError, UnreadableRunError
from spikediag.model import Role, Run, Series, SourceFile
from spikediag.parser import facts as fact
from spikediag.parser.checkpoints import checkpoints
from spikediag.parser.facts.beside import configuration
from spikediag.parser.facts.claims import Claim, Trust
from spikediag.parser.folders import CONTAINERS
from spikediag.parser.join import Joined, join
from spikediag.parser.roles import Part, cast, series, without_twins
from spikediag.parser.settings import Settings, read_settings
from spikediag.parser.streams import Sources, sources_of_file, sources_of_folder
from spikediag.parser.vocabulary import log_lines, recognise

STAMP = re.compile(r".*tfevents\.(\d+)\..*")
CLOCKS = frozenset(Role) - {Role.OTHER}


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
    settings = read_settings(
        sources.folder if not place.is_dir() else _settings_folder(place, sources.folder)
    )
    tags = [
        prefix + tag
        for prefix, files in sources.streams.items()
        for file in files
        for tag in file.columns.tags
    ]
    if not tags:
        raise NoEventsError(
            f"{place}: its event files hold no scalars; log some, for example with add_scalar."
        )
    preset = recognise(tags)
    parts = cast(dict.fromkeys(tags), preset, settings.roles)
    joined = {prefix: _join(prefix, sources, parts) for prefix in sources.streams}
    found = without_twins(dict(_series(joined, parts)))
    claims = [
        *fact.claims_of_user(given or {}, "--{}", Trust.COMMAND_LINE),
        *fact.claims_of_user(settings.facts, "spikediag.toml: {}", Trust.SETTINGS),
    ]
    used = list(_configuration(place, sources, claims))
    main = max(joined.values(), key=lambda one: sum(len(track.steps) for track in one.tracks.values()))
    return Run(
        path=str(path),
        name=_name(place, sources),
        series=MappingProxyType(dict(sorted(found.items()))),
        facts=fact.settle(claims),
        sessions=main.sessions,
        rewinds=main.rewinds,
        damage=tuple(sources.damage),
        files=tuple(_files(sources, settings, used)),
        checkpoints=tuple(checkpoints(sources.folder)),
        library=preset.name if preset else None,
        step_unit=preset.step_unit if preset else "step",
        notes=tuple(sources.notes),
        log_lines=log_lines(preset),
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


def _settings_folder(named: Path, folder: Path) -> Path:
    return folder if (folder / "spikediag.toml").exists() else named


def _join(prefix: str, sources: Sources, parts: Mapping[str, Part]) -> Joined:
    clock = frozenset(tag.removeprefix(prefix) for tag, part in parts.items() if part.role in CLOCKS)
    joined = join(sources.streams[prefix], clock)
    if joined.overtaken:
        sources.notes.append(
            f"{joined.overtaken} points gave way to newer ones of the same step, or a resume left them."
        )
    return joined


def _series(joined: Mapping[str, Joined], parts: Mapping[str, Part]) -> Iterator[tuple[str, Series]]:
    for prefix, one in joined.items():
        for tag, track in one.tracks.items():
            yield prefix + tag, series(prefix + tag, track, parts[prefix + tag])


def _configuration(place: Path, sources: Sources, claims: list[Claim]) -> Iterator[Path]:
    """Claim what configuration files say; yield the files that said something."""
    inside = place if place.is_dir() else None
    for found in configuration(sources.folder.absolute(), inside.absolute() if inside else None):
        claims.extend(found.claims)
        if found.left_out:
            sources.notes.append(f"{found.left_out}.")
        elif found.claims:
            yield found.path


def _files(sources: Sources, settings: Settings, used: list[Path]) -> Iterator[SourceFile]:
    events = [file for files in sources.streams.values() for file in files]
    for file in (*events, *sources.extra):
        yield SourceFile(file.label, file.size, file.sha256)
    for path in (*used, *([settings.path] if settings.path else [])):
        content = path.read_bytes()
        label = Path(os.path.relpath(path, sources.folder)).as_posix()
        yield SourceFile(label, len(content), hashlib.sha256(content).hexdigest())


def _name(path: Path, sources: Sources) -> str:
    folder = path.absolute() if path.is_dir() else sources.folder.absolute()
    while CONTAINERS.fullmatch(folder.name.lower()) and folder.parent != folder:
        folder = folder.parent
    stamp = STAMP.fullmatch(path.name)
    beside = stamp and sum("tfevents" in entry.name for entry in sources.folder.iterdir()) > 1
    return f"{folder.name}-{stamp[1]}" if beside and stamp else folder.name or "run"
