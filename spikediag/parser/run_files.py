"""Which log files make up a run, and what is to be said of the others."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spikediag.errors import UnreadableRunError
from spikediag.model import Damage, Text, say
from spikediag.parser.finding import RunSource
from spikediag.parser.log_files import POINTED, LeftOut, LogFile, by_completeness, usable
from spikediag.parser.remote import address, addresses
from spikediag.parser.run_folders import RANK, Folder, Kin, kin
from spikediag.parser.sessions import attempts, counted_on, distinct
from spikediag.parser.sources import ANYTHING, source_of
from spikediag.text import first_few

MOST_LOOKED_INTO = 200  # files nearby


@dataclass
class RunFiles:
    """The log files of one run. `streams` maps a tag prefix to files of one writer, in order of time."""

    streams: dict[str, tuple[LogFile, ...]] = field(default_factory=dict)
    extra: list[LogFile] = field(default_factory=list)  # no points of their own: text, hyper-parameters
    beside: list[LogFile] = field(default_factory=list)  # other sources that should log the same training
    nearby: list[LogFile] = field(default_factory=list)  # logs that may be of the same training, or of any
    left_out: list[LeftOut] = field(default_factory=list)
    unread: dict[str, Text] = field(default_factory=dict)  # logs that were seen and not read, and why
    damage: list[Damage] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)

    @property
    def all(self) -> tuple[LogFile, ...]:
        """Every file that says something of the run, but those beside it."""
        return (*self.extra, *(file for stream in self.streams.values() for file in stream))


def files_of(source: RunSource) -> RunFiles:
    """Read the log files of a run, its own and those of the sub-folders that belong to it.

    Raises:
        UnreadableRunError: none of them can be read.
    """
    folder, files = source.folder, RunFiles()
    before = [file for one in folder.earlier for file in _taken(files, source, one)]
    if before:
        names = ", ".join(one.path.name for one in folder.earlier)
        files.notes.append(
            say(
                "{name} goes on with the training of {names}: read as one.",
                name=folder.path.name,
                names=names,
            )
        )
    if folder.is_run:
        _add_event_files(files, source, before)
    else:
        own = by_completeness(_taken(files, source, folder))
        for file in (file for file in files.left_out if file.foreign):
            files.unread[file.label] = file.why
        files.streams[""] = _counted_on(files, (*before, *own[:1]))
        files.beside.extend(own[1:])
    _add_nearby(files, source)
    if not files.all:
        raise UnreadableRunError(_why_nothing(source.path, files.left_out))
    files.notes.extend(_elsewhere(source))
    return files


def _counted_on(files: RunFiles, parts: tuple[LogFile, ...]) -> tuple[LogFile, ...]:
    """The parts of a training; say which of them count from 0 again and were counted on."""
    found = counted_on(parts)
    for old, new in zip(parts, found, strict=True):
        if new is not old:
            files.notes.append(
                say(
                    "{label} resumes and counts its steps from 0 again: they were counted on from {step}.",
                    label=new.label,
                    step=min(int(new.points[tag].steps.min()) for tag in new.log.anew),
                )
            )
    return found


def _elsewhere(source: RunSource) -> Iterator[Text]:
    """Say which folders beside it hold more of a training, or say that they do, and were not read."""
    folder = source.folder
    if folder.later:
        yield say(
            "{names} goes on with this training and was not read; to read all of it give {last}.",
            names=", ".join(path.name for path in folder.later),
            last=folder.later[-1].name,
        )
    real = folder.path.resolve()
    read = {real.name, *(path.name for path in folder.later), *(one.path.name for one in folder.earlier)}
    names = [name for name in kin(real) if name not in read]
    if names and not source.path.is_dir():
        yield say(
            "{names} has the same id in W&B; to read what is one training give the newest folder.",
            names=", ".join(names),
        )
    elif names:
        yield say(
            "{names} has the same id in W&B and is no part of this run: it does not go on where this stood. "
            "To read it give its folder.",
            names=", ".join(names),
        )


def _add_event_files(files: RunFiles, source: RunSource, before: list[LogFile]) -> None:
    """Add the event files of a folder and of those below, and what other sources log beside them."""
    folder = source.folder
    _add_stream(files, "", [*before, *_taken(files, source, folder)])
    ranks = sorted(folder.children(Kin.RANK), key=lambda child: _rank(child.path.name))
    for child in folder.below:
        if child.kin in (Kin.SPLIT, Kin.SCALARS):
            _add_stream(files, child.path.name + "/", _taken(files, source, child))
        elif child.kin is Kin.HPARAMS:
            files.extra.extend(_taken(files, source, child))
    if ranks and not folder.files:
        _add_stream(files, "", _taken(files, source, ranks.pop(0)))
    if ranks:
        names = addresses(child.path for child in ranks)
        files.notes.append(
            say("The files of {count} other ranks were left out: {names}.", count=len(ranks), names=names)
        )
    beside = source.contents.take(folder.library_logs, folder.path)
    files.beside.extend(by_completeness(usable(beside)))
    if not files.streams and files.left_out and files.beside:
        first, instead = files.left_out[0], files.beside.pop(0)
        files.streams[""] = (instead,)
        files.notes.append(
            say(
                "{label}: {why}. {other} was read instead.",
                label=first.label,
                why=first.why,
                other=instead.label,
            )
        )
    files.unread |= {file.label: file.why for file in beside if isinstance(file, LeftOut)}


def _add_nearby(files: RunFiles, source: RunSource) -> None:
    """Add what another logger may have written of the same training: nearby, or in a table of any name.

    What is printed is read for its facts alone: it has few digits.
    """
    earlier = {one.path for one in source.folder.earlier}
    paths = [path for one in source.folder.nearby if one.path not in earlier for path in one.library_logs]
    tabled = source.folder.tables if source.folder.is_run else ()
    own = {file.source for file in files.all}
    known = [(path, kind) for path in (*paths, *tabled) if (kind := source_of(path)) and kind.id not in own]
    wanted = [path for path, kind in known if not kind.alone or kind.beside == ANYTHING][:MOST_LOOKED_INTO]
    files.nearby.extend(by_completeness(usable(source.contents.take(tuple(wanted), source.folder.path))))


def _rank(name: str) -> int:
    match = RANK.fullmatch(name.lower())
    return int(match[2]) if match else 0


def _taken(files: RunFiles, source: RunSource, folder: Folder) -> list[LogFile]:
    """Take the files of one folder from a source, and note what is wrong with them."""
    taken = source.contents.take(folder.files or folder.logs, source.folder.path)
    for file in taken:
        if not (isinstance(file, LeftOut) and file.foreign):
            files.damage.extend(file.damage)
        if isinstance(file, LogFile):
            files.notes.extend(say("{label}: {note}", label=file.label, note=note) for note in file.log.notes)
            if not file.size:
                files.notes.append(say("{label} is empty.", label=file.label))
    files.left_out.extend(file for file in taken if isinstance(file, LeftOut))
    return usable(taken)


def _add_stream(files: RunFiles, prefix: str, read: list[LogFile]) -> None:
    """Add the newest attempt among files of one folder; say which others stand beside it."""
    kept, copies = distinct(read)
    files.notes.extend(copies)
    apart, strays = attempts(kept)
    files.notes.extend(
        say(
            "{file} holds a point or two that would replace many of the training: a stray start, left "
            "out. To read it give its file.",
            file=file.label,
        )
        for file in strays
    )
    if apart:
        files.streams[prefix] = apart[-1]
    if len(apart) > 1:
        others = [file.label for attempt in apart[:-1] for file in attempt]
        files.notes.append(
            say(
                "The folder holds {count} attempts; this is the newest, {label}. To read another give "
                "its file: {names}.",
                count=len(apart),
                label=apart[-1][0].label,
                names=first_few(others),
            )
        )
    # Text written by an earlier attempt describes that attempt; it speaks for this one only if nothing else
    # does.
    if not apart or not any(file.log.speaks for file in apart[-1]):
        files.extra.extend(file for file in kept if not file.points)


def _why_nothing(path: Path, left_out: list[LeftOut]) -> Text:
    if not left_out:
        return say(
            "{path}: its event files are empty; has the training written its first record yet?",
            path=address(path),
        )
    first = left_out[0]
    if first.why == POINTED:
        return say("{path}: {file} is {pointed}.", path=address(path), file=first.label, pointed=POINTED)
    if path.is_file():
        return say("{path}: {why}; give a run folder or a log file.", path=address(path), why=first.why)
    count = len(left_out)
    return say(
        "{path}: no log file can be read (tried: {count}; {file}: {why}); check them.",
        path=address(path),
        count=count,
        file=first.label,
        why=first.why,
    )
