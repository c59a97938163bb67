"""From a path, or from arrays in memory, to a run: the parser's whole way, one stage after another."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spikediag.errors import NoEventsError, UsageError, nearest
from spikediag.model import (
    REINFORCED,
    FactName,
    FloatArray,
    Framework,
    LossKind,
    Measure,
    Origin,
    Rewind,
    Role,
    Run,
    Series,
    Session,
    SourceFile,
    StepUnit,
    Text,
    UnreadFile,
    say,
)
from spikediag.parser.dataset_statistics import action_dimensions
from spikediag.parser.facts import claims_of_user, collect_facts, settle
from spikediag.parser.finding import RunSource, source_at
from spikediag.parser.flight_records import flight_records
from spikediag.parser.library_presets import Preset, RoleAssignment, log_lines, recognise, remedy_lines
from spikediag.parser.log_files import Log, LogFile, Summaries
from spikediag.parser.remote import address
from spikediag.parser.roles import assign_roles, build_series, with_objective, without_twins
from spikediag.parser.run_files import RunFiles, files_of
from spikediag.parser.run_folders import STAMP, checkpoints, distinctive, says_nothing
from spikediag.parser.same_training import Together, bring_together
from spikediag.parser.sessions import JoinedTraining, join_sessions
from spikediag.parser.sources import PACKED, is_table, packed, source_of
from spikediag.parser.sources.event_files import MARK
from spikediag.parser.track import FARTHEST, Track, append, straighten
from spikediag.parser.user_settings import UserSettings, read_user_settings

MOST_BESIDE = 10_000  # entries of a folder among which unread logs are sought
STEP_COLUMNS = ("step", "steps", "global_step")
CLOCKS = frozenset(Role) - {Role.OTHER, Role.EPOCH, Role.SAMPLES}


def read_run(
    run: str | Path | RunSource,
    given: Mapping[str, object] | None = None,
    *,
    settings: bool = True,
    only: str | None = None,
) -> Run:
    """Read a run folder, a single log file, or a run that `find_runs` found.

    Args:
        run: a folder with logs, a folder above exactly one run, a log file, or a found run.
        given: facts from the command line, such as `{"batch_size": 256}`; they win over all others.
        settings: whether the run's own `spikediag.toml` counts.
        only: the id of a source, or the name of a log file; no other file is seen.

    Raises:
        RunNotFoundError: there is nothing at the path.
        NoEventsError: there is no log file, or none holds a scalar.
        UnreadableRunError: nothing of what is there can be read.
        UsageError: a fact or `spikediag.toml` cannot be used, or several runs are below the path.
    """
    source = run if isinstance(run, RunSource) else source_at(run, only)
    own = _own_settings(source) if settings else UserSettings()
    stated = (*claims_of_user(given or {}, Origin.COMMAND_LINE, _option), *own.claims)
    files = files_of(source)
    if not any(file.points for stream in files.streams.values() for file in stream):
        raise NoEventsError(
            say(
                "{path}: its logs hold no scalars; log some, for example with add_scalar.",
                path=address(source.path),
            )
        )
    read = _understand(files, own)
    folder = source.folder.path.absolute()
    named = source.path.absolute() if source.path.is_dir() else None
    logs = tuple(dict.fromkeys((*read.together.taken, *read.together.speak, *files.all)))
    facts = collect_facts(stated, logs, read.series, read.unit, folder=folder, inside=named)
    series = with_objective(read.series, facts.facts.get(FactName.OBJECTIVE))
    recorded, unusable, archives = flight_records((folder, named or folder))
    sources = {file.label.removesuffix(f"/{file.log.part}"): file for file in (*files.all, *logs)}
    made = Run(
        path=address(source.path if isinstance(run, RunSource) else run),
        name=_name(files, source.path, folder),
        series=MappingProxyType(series),
        facts=facts.facts,
        sessions=read.sessions,
        rewinds=read.rewinds,
        damage=(*files.damage, *unusable),
        files=(
            *(SourceFile(label, f.size, f.sha256) for label, f in sources.items()),
            *(file for file in (*facts.files, *own.files, *archives) if file.path not in sources),
        ),
        unread=tuple(_unread(files, read.together, None if source.path.is_file() else folder)),
        checkpoints=tuple(checkpoints(folder)),
        actions=action_dimensions(folder),
        action_names=facts.action_names,
        notes=(*files.notes, *read.notes, *facts.notes),
        flight_records=recorded,
        own_settings=own.names,
    )
    return _spoken(made, read.preset, read.unit)


def refuse_unusable(given: Mapping[str, object]) -> None:
    """Refuse facts before any run is read.

    Raises:
        UsageError: one has an unknown name or an unusable value.
    """
    tuple(claims_of_user(given, Origin.COMMAND_LINE, _option))


def _unit(preset: Preset | None, series: Mapping[str, Series], told: StepUnit | None = None) -> StepUnit:
    """What the steps count: a column says it, else the library.

    A column called step says no more than the library does, and no environment is stepped where nothing
    learns from one.
    """
    known = preset.step_unit if preset else StepUnit.STEP
    if known is not StepUnit.ENV_STEP:
        return told or known
    collects = any(s.kind in REINFORCED or s.measure is Measure.VALUE for s in series.values())
    return known if collects and told in {None, StepUnit.STEP} else told or StepUnit.STEP


def _spoken(run: Run, preset: Preset | None, unit: StepUnit) -> Run:
    """The run with the code that its library and the kinds of its losses speak.

    Where no kind is known, a note says how to name one.
    """
    if run.loss_kinds == {LossKind.UNKNOWN}:
        loss = next(run.having(Role.LOSS)).tag
        hint = f'spikediag.toml: [losses] "{loss}" = "likelihood", "value", "cross_entropy", ...'
        note = say(
            "What kind of loss {loss} is cannot be told from its tags; to have it treated as one: {hint}",
            loss=loss,
            hint=hint,
        )
        run = replace(run, notes=(*run.notes, note))
    return replace(
        run,
        library=preset.name if preset else None,
        framework=preset.framework if preset else Framework.TORCH,
        step_unit=unit,
        log_lines=log_lines(preset, run.loss_kinds),
        remedy_lines=remedy_lines(preset),
    )


def _own_settings(source: RunSource) -> UserSettings:
    return read_user_settings(source.folder.path, source.path if source.path.is_dir() else None)


def _option(name: FactName) -> str:
    return f"--{name.replace('_', '-')}"


@dataclass(frozen=True)
class _Understood:
    """The series of a run, in tag order, and what happened while they were logged."""

    series: Mapping[str, Series]
    preset: Preset | None
    unit: StepUnit
    sessions: tuple[Session, ...]
    rewinds: tuple[Rewind, ...]
    notes: tuple[Text, ...]
    together: Together


def _understand(files: RunFiles, settings: UserSettings) -> _Understood:
    """Assign roles, join sessions and convert numbers; there must be at least one tag."""
    histograms = dict(_histograms(files))
    together = bring_together(files.streams, files.beside, files.nearby)
    tags = dict.fromkeys((*_tags(files), *histograms, *together.tracks))
    settings.refuse_unknown(tags)
    preset = recognise(tags)
    assigned = assign_roles(tags, preset, settings.roles, settings.kinds)
    joined = {prefix: _joined(prefix, files, assigned) for prefix in files.streams}
    tracks = {prefix + tag: track for prefix, one in joined.items() for tag, track in one.tracks.items()}
    every = {**histograms, **tracks, **together.tracks}
    origins = _origins(files, together)
    found = {
        tag: build_series(tag, track, assigned[tag], origins.get(tag, "")) for tag, track in every.items()
    }
    main = max(joined.values(), key=lambda one: sum(len(track.steps) for track in one.tracks.values()))
    series = dict(sorted(without_twins(found).items()))
    notes = (*_notes(joined), *together.notes)
    told = (file.log.unit for stream in files.streams.values() for file in stream if file.log.unit)
    unit = _unit(preset, series, next(told, None))
    return _Understood(series, preset, unit, main.sessions, main.rewinds, notes, together)


def _origins(files: RunFiles, together: Together) -> dict[str, str]:
    """The files that each series came from."""
    found: dict[str, list[str]] = {}
    for prefix, stream in files.streams.items():
        for file in stream:
            means, minima = file.summaries.means, file.summaries.minima
            for tag in (*file.points, *means, *(f"{tag}/min" for tag in minima)):
                found.setdefault(prefix + tag, []).append(file.label)
    for tag, brought in together.files.items():
        own = found.get(tag, []) if tag in together.partly else []
        found[tag] = [*own, *(file.label for file in brought)]
    return {tag: ", ".join(labels) for tag, labels in found.items()}


def _unread(files: RunFiles, together: Together, folder: Path | None) -> Iterator[UnreadFile]:
    """The logs beside a run that add nothing to it, and why; without a folder it is one file alone."""
    unread: dict[str, Text] = {**files.unread, **together.unused}
    used = {file.label for file in together.taken}
    yield from (UnreadFile(label, why) for label, why in unread.items())
    is_a_table = any(is_table(file.path) for file in files.all)
    with suppress(OSError):
        for path in islice(sorted(folder.iterdir()), MOST_BESIDE) if folder else ():
            if packed(path):
                yield UnreadFile(path.name, PACKED)
            elif path.name in unread or path.name in used:
                continue
            elif not is_a_table and is_table(path) and (source := source_of(path)) and path.is_file():
                yield UnreadFile(path.name, source.beside)


def _tags(files: RunFiles) -> Iterator[str]:
    for prefix, stream in files.streams.items():
        for file in stream:
            yield from (prefix + tag for tag in file.points)


def _histograms(files: RunFiles) -> Iterator[tuple[str, Track]]:
    """Yield the mean and the minimum of every histogram that was worth reading, over all sessions."""
    for prefix, stream in files.streams.items():
        found: dict[str, Track] = {}
        for file in stream:
            minima = {f"{tag}/min": track for tag, track in file.summaries.minima.items()}
            for tag, track in {**file.summaries.means, **minima}.items():
                found[tag] = append(found[tag], track)[0] if tag in found else track
        yield from ((prefix + tag, track) for tag, track in found.items())


def _joined(prefix: str, files: RunFiles, assigned: Mapping[str, RoleAssignment]) -> JoinedTraining:
    clock = frozenset(tag.removeprefix(prefix) for tag, one in assigned.items() if one.role in CLOCKS)
    return join_sessions(files.streams[prefix], clock)


def _notes(joined: Mapping[str, JoinedTraining]) -> Iterator[Text]:
    for prefix, one in joined.items():
        if one.overtaken and prefix:
            yield say(
                "{count} points of {folder} gave way to newer ones of the same step, or were left behind by "
                "a resume.",
                count=one.overtaken,
                folder=prefix.rstrip("/"),
            )
        elif one.overtaken:
            yield say(
                "{count} points gave way to newer ones of the same step, or were left behind by a resume.",
                count=one.overtaken,
            )


def _name(files: RunFiles, path: Path, folder: Path) -> str:
    """Name a run as its logger does, its newest file first, else after its folder.

    One of several attempts in a folder is named after its clock too.
    """
    named = (file.log.name for stream in files.streams.values() for file in reversed(stream))
    given = Path(next((name for name in named if name), "")).name
    if given and not says_nothing(given):
        return given
    shown = distinctive(path.absolute() if path.is_dir() else folder) or "run"
    stamp = STAMP.fullmatch(path.name)
    beside = [entry.name for entry in folder.iterdir() if MARK in entry.name] if folder.is_dir() else []
    if given:
        return f"{shown}/{given}"
    if stamp and len(beside) > 1:
        alone = sum(f".{stamp[1]}." in name for name in beside) == 1
        return f"{shown}-{stamp[1] if alone else path.name.partition(MARK + '.')[2]}"
    return shown


def run_from_log(
    points: Mapping[str, Track],
    *,
    facts: Mapping[str, object] | None = None,
    roles: Mapping[str, str] | None = None,
    name: str = "live",
    beside: Path | None = None,
    hparams: Mapping[str, object] | None = None,
) -> Run:
    """Build a run from what a training logged in memory, as if it had been read from its log file.

    Args:
        points: By tag, in logged order; steps that go back are a resume.
        facts: Such as `{"batch_size": 256}`.
        roles: Of tags that no rule knows, or that it takes for something else; a tag may come later.
        name: What the run is called in reports.
        beside: The folder that the training writes to: its configuration, its checkpoints and its
            `spikediag.toml` are read.
        hparams: Its settings, as its framework names them.

    Raises:
        UsageError: a fact or a role is unknown, or `spikediag.toml` cannot be used.
    """
    own = read_user_settings(beside) if beside else UserSettings()
    stated = _stated({tag: role for tag, role in (roles or {}).items() if tag in points}, points)
    summaries = Summaries(hparams=hparams or {})
    file = LogFile(Path(name), name, "live", 0, "", Log(points, summaries=lambda: summaries))
    read = _understand(
        RunFiles({"": (file,)}),
        UserSettings(
            {tag: role for tag, role in own.roles.items() if tag in points} | stated,
            {tag: kind for tag, kind in own.kinds.items() if tag in points},
        ),
    )
    claims = (*claims_of_user(facts or {}, Origin.COMMAND_LINE, lambda fact: f"given: {fact}"), *own.claims)
    found = collect_facts(claims, (file,), read.series, read.unit, folder=beside, inside=beside)
    recorded, unusable, archives = flight_records((beside,) if beside else ())
    made = Run(
        path=address(beside) if beside else "",
        name=name,
        series=MappingProxyType(with_objective(read.series, found.facts.get(FactName.OBJECTIVE))),
        facts=found.facts,
        sessions=read.sessions,
        rewinds=read.rewinds,
        damage=unusable,
        files=(*found.files, *own.files, *archives),
        checkpoints=tuple(checkpoints(beside)) if beside else (),
        actions=action_dimensions(beside) if beside else (),
        action_names=found.action_names,
        flight_records=recorded,
        notes=(*read.notes, *found.notes),
        own_settings=own.names,
    )
    return _spoken(made, read.preset, read.unit)


def run_from_arrays(
    arrays: object,
    facts: Mapping[str, object] | None = None,
    roles: Mapping[str, str] | None = None,
    name: str = "arrays",
) -> Run:
    """Build a run from arrays, as if they had been read from a file.

    Args:
        arrays: `{tag: (steps, values)}`, each (n,), in any order; of two points with the same step the later
            counts, NaN and Inf are kept. `{tag: values}` counts the points; a table with a column for each
            tag takes the steps from a column `step`, else from its index.
        facts: Such as `{"batch_size": 256}`.
        roles: Of tags that no rule knows, or that it takes for something else: `{"my_curve": "loss"}`.
        name: What the run is called in reports.

    Raises:
        UsageError: an array cannot be used as steps or values, or a fact, tag or role is unknown.
    """
    tracks, notes = {}, []
    for tag, pair in _pairs(arrays).items():
        straight = straighten(_track(tag, pair), rewinds=False)
        tracks[tag] = straight.track
        if straight.dropped:
            notes.append(
                say(
                    "{tag}: {dropped} points gave way to later ones of the same step.",
                    tag=tag,
                    dropped=straight.dropped,
                )
            )
    preset = recognise(tracks)
    assigned = assign_roles(tracks, preset, _stated(roles or {}, tracks))
    found = without_twins({tag: build_series(tag, track, assigned[tag]) for tag, track in tracks.items()})
    plain = {fact: v.item() if isinstance(v, np.generic) else v for fact, v in (facts or {}).items()}
    given = settle(claims_of_user(plain, Origin.COMMAND_LINE, lambda fact: f"given: {fact}"))
    series = with_objective(dict(sorted(found.items())), given.get(FactName.OBJECTIVE))
    run = Run("", name, MappingProxyType(series), given, notes=tuple(notes))
    return _spoken(run, preset, _unit(preset, run.series))


def _pairs(arrays: object) -> Mapping[str, object]:
    """The pairs of steps and values, by tag, of whatever holds them."""
    columns = getattr(arrays, "columns", None)
    if columns is not None and hasattr(arrays, "index"):
        table: Any = arrays
        at = next((column for column in STEP_COLUMNS if column in columns), None)
        steps = table.index if at is None else table[at]
        return {column: (steps, table[column]) for column in columns if column != at}
    if not isinstance(arrays, Mapping):
        raise UsageError(
            say(
                "Give a table with a column for each tag, or a dictionary of tags, {{tag: (steps, "
                "values)}} or {{tag: values}}, not {type}.",
                type=type(arrays).__name__,
            )
        )
    return {tag: _counted(given) for tag, given in arrays.items()}


def _counted(given: Any) -> object:  # noqa: ANN401  # whatever holds numbers
    """Values alone with the steps that they imply: those of their index, else 0, 1, 2 and so on."""
    if hasattr(given, "index") and hasattr(given, "values"):
        return given.index, given
    inside = () if given is None or isinstance(given, str) or not hasattr(given, "__len__") else given
    if len(inside) and not any(one is None or isinstance(one, str) or np.ndim(one) for one in inside):
        return np.arange(len(inside)), given
    return given


def _stated(roles: Mapping[str, str], tags: Iterable[str]) -> dict[str, Role]:
    """The roles that the user states, each of a tag that is there."""
    known, there = {role.value for role in Role}, set(tags)
    for tag, role in roles.items():
        if tag not in there:
            raise UsageError(say("roles: there is no tag {tag!r}; {hint}", tag=tag, hint=nearest(tag, there)))
        if role not in known:
            raise UsageError(
                say(
                    "roles: {role!r} is no role; choose one of {names}.",
                    role=role,
                    names=", ".join(sorted(known)),
                )
            )
    return {tag: Role(role) for tag, role in roles.items()}


def _track(tag: object, pair: Any) -> Track:  # noqa: ANN401
    if not isinstance(tag, str):
        raise UsageError(say("{tag} is no tag; a tag is a text, such as 'train/loss'.", tag=repr(tag)))
    try:
        steps, values = pair
    except (TypeError, ValueError) as error:
        raise UsageError(
            say("{tag}: give a pair (steps, values), not {type}.", tag=tag, type=type(pair).__name__)
        ) from error
    x, y = _numbers(tag, "steps", steps), _numbers(tag, "values", values)
    if x.ndim != 1 or x.shape != y.shape:
        raise UsageError(
            say(
                "{tag}: steps {shape} and values {other_shape} must be one-dimensional and equally long.",
                tag=tag,
                shape=str(x.shape),
                other_shape=str(y.shape),
            )
        )
    if not np.isfinite(x).all() or (np.abs(x) > FARTHEST).any() or (x != np.round(x)).any():
        raise UsageError(say("{tag}: steps must be whole numbers, at most 2^53 from 0.", tag=tag))
    return Track(x.astype(np.int64), y, np.full(len(x), np.nan))


def _numbers(tag: str, what: str, given: ArrayLike) -> FloatArray:
    """Numbers as 64-bit floats; what is too large for one, complex or no number is refused."""
    try:
        with np.errstate(over="ignore"):  # a long double beyond 64 bits is infinite
            array = np.asarray(given)
            real = None if np.iscomplexobj(array) else array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            say(
                "{tag}: {what} must be numbers that 64 bits hold ({error}).",
                tag=tag,
                what=what,
                error=f"{error!s:.100}",
            )
        ) from error
    if real is None:
        raise UsageError(
            say("{tag}: {what} must be numbers that 64 bits hold, not complex ones.", tag=tag, what=what)
        )
    return real
