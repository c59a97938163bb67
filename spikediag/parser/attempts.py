"""Which event files of one folder belong to one training, and which are attempts of their own."""

from collections.abc import Iterable

import numpy as np

from spikediag.parser.event_files.event_file import EventFile

Attempt = tuple[EventFile, ...]


def distinct(files: Iterable[EventFile]) -> tuple[list[EventFile], list[str]]:
    """Drop bit-identical copies; return the rest and a note for each copy."""
    kept: dict[str, EventFile] = {}
    notes = []
    for file in sorted(files, key=lambda file: file.label):
        first = kept.setdefault(file.sha256, file)
        if first is not file:
            notes.append(f"{file.label} is a copy of {first.label}, byte for byte, and was dropped.")
    return list(kept.values()), notes


def attempts(files: Iterable[EventFile]) -> list[Attempt]:
    """Group the files that have points into trainings, oldest first; the files of each in order of time.

    A file continues a training when it takes up its steps after the beginning (a resume or a later part) or
    adds other tags at the same time. One that begins again with the same tags is an attempt of its own.
    """
    groups: list[list[EventFile]] = []
    for file in sorted((f for f in files if f.columns.tags), key=lambda f: (f.span, f.label)):
        home = next((group for group in reversed(groups) if _continues(group, file)), None)
        if home is None:
            groups.append([file])
        else:
            home.append(file)
    return [tuple(group) for group in groups]


def _continues(group: list[EventFile], file: EventFile) -> bool:
    shared = [tag for tag in file.columns.tags if any(tag in old.columns.tags for old in group)]
    if not shared:
        return file.span[0] < max(old.span[1] for old in group) or not _begins_again(group, file)
    if _interleaved(group, file, shared):
        return False  # two writers of the same tags at the same time: ranks or separate runs
    return 2 * sum(_takes_up(group, file, tag) for tag in shared) > len(shared)


def _begins_again(group: list[EventFile], file: EventFile) -> bool:
    longest = max(len(points.steps) for points in file.columns.tags.values())
    return longest > 1 and _first(file) <= min(_first(old) for old in group)


def _first(file: EventFile) -> int:
    return min(int(points.steps[0]) for points in file.columns.tags.values())


def _interleaved(group: list[EventFile], file: EventFile, shared: list[str]) -> bool:
    """Whether the group still logged a shared tag after the file began to."""
    return any(
        file.columns.tags[tag].walls[0] < old.columns.tags[tag].walls[-1]
        for tag in shared
        for old in group
        if tag in old.columns.tags
    )


def _takes_up(group: list[EventFile], file: EventFile, tag: str) -> bool:
    """Whether a file goes on with a tag after the training's beginning."""
    old = [earlier.columns.tags[tag].steps for earlier in group if tag in earlier.columns.tags]
    begin, reached = min(int(steps.min()) for steps in old), max(int(steps.max()) for steps in old)
    ahead = np.concatenate([np.diff(steps) for steps in old])
    usual = max(float(np.median(ahead)), 0.0) if len(ahead) else reached - begin
    return int(file.columns.tags[tag].steps[0]) > begin + usual
