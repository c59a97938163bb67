"""From event files to series: roles by tag, sessions joined, histograms of log-std beside the scalars."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from spikediag.model import Rewind, Role, Series, Session
from spikediag.parser.library_presets import Preset, recognise
from spikediag.parser.roles import Part, cast, series, without_twins
from spikediag.parser.sessions import Joined, join
from spikediag.parser.sources import Sources
from spikediag.parser.track import Track, append

CLOCKS = frozenset(Role) - {Role.OTHER, Role.EPOCH, Role.SAMPLES}


@dataclass(frozen=True)
class Understood:
    """The series of a run, in tag order, and what happened while they were logged."""

    series: Mapping[str, Series]
    preset: Preset | None
    sessions: tuple[Session, ...]
    rewinds: tuple[Rewind, ...]
    notes: tuple[str, ...]


def understand(sources: Sources, overrides: Mapping[str, Role]) -> Understood:
    """Assign roles, join sessions and convert numbers; `sources` must hold at least one tag."""
    histograms = {prefix + tag: track for prefix, tag, track in _histograms(sources)}
    tags = dict.fromkeys((*_tags(sources), *histograms))
    preset = recognise(tags)
    parts = cast(tags, preset, overrides)
    joined = {prefix: _join(prefix, sources, parts) for prefix in sources.streams}
    found = dict(_series(joined, parts))
    for tag, track in histograms.items():
        if tag not in found:
            found[tag] = series(tag, track, parts[tag])
    main = max(joined.values(), key=lambda one: sum(len(track.steps) for track in one.tracks.values()))
    return Understood(
        dict(sorted(without_twins(found).items())), preset, main.sessions, main.rewinds, tuple(_notes(joined))
    )


def _tags(sources: Sources) -> Iterator[str]:
    for prefix, files in sources.streams.items():
        for file in files:
            yield from (prefix + tag for tag in file.columns.tags)


def _histograms(sources: Sources) -> Iterator[tuple[str, str, Track]]:
    """Yield the mean and the minimum of every histogram that was worth reading, over all sessions."""
    for prefix, files in sources.streams.items():
        found: dict[str, Track] = {}
        for file in files:
            pieces = {**file.rest.means, **{f"{tag}/min": track for tag, track in file.rest.minima.items()}}
            for tag, track in pieces.items():
                found[tag] = append(found[tag], track)[0] if tag in found else track
        for tag, track in found.items():
            yield prefix, tag, track


def _join(prefix: str, sources: Sources, parts: Mapping[str, Part]) -> Joined:
    clock = frozenset(tag.removeprefix(prefix) for tag, part in parts.items() if part.role in CLOCKS)
    return join(sources.streams[prefix], clock)


def _series(joined: Mapping[str, Joined], parts: Mapping[str, Part]) -> Iterator[tuple[str, Series]]:
    for prefix, one in joined.items():
        for tag, track in one.tracks.items():
            yield prefix + tag, series(prefix + tag, track, parts[prefix + tag])


def _notes(joined: Mapping[str, Joined]) -> Iterator[str]:
    for prefix, one in joined.items():
        if one.overtaken:
            where = f" of {prefix.rstrip('/')}" if prefix else ""
            yield (
                f"{one.overtaken} points{where} gave way to newer ones of the same step, or were left behind "
                "by a resume."
            )
