"""What runs are called when several are told together: their names, or as much of their paths as it takes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path


def told_apart(names: Sequence[str], paths: Sequence[Path]) -> tuple[str, ...]:
    """The names; in place of one that several share the shortest end of each path that no other of them has.

    `bc` at `runs/a/bc` and at `runs/b/bc` are `a/bc` and `b/bc`. One path given twice keeps its name.
    """
    whole = [path.resolve() for path in paths]
    places: dict[str, set[Path]] = {}
    for name, path in zip(names, whole, strict=True):
        places.setdefault(name, set()).add(path)
    shared = {name: Counter(end for path in of for end in _ends(path)) for name, of in places.items()}
    return tuple(
        name if len(places[name]) == 1 else _first(name, path, shared[name], places)
        for name, path in zip(names, whole, strict=True)
    )


def own_ends(paths: Sequence[Path]) -> tuple[tuple[str, ...], ...]:
    """Of each path the ends, of two parts or more, that no other path has: all that names it and no other."""
    whole = [path.resolve() for path in paths]
    shared = Counter(end for path in set(whole) for end in _ends(path))
    return tuple(tuple(end for end in _ends(path) if "/" in end and shared[end] == 1) for path in whole)


def _first(name: str, path: Path, shared: Counter[str], places: dict[str, set[Path]]) -> str:
    own = (end for end in _ends(path) if shared[end] == 1 and end not in places)
    return next(own, name)


def _ends(path: Path) -> Iterator[str]:
    """The last part, the last two, and so on."""
    parts = [part for part in path.parts if part != path.anchor]
    return ("/".join(parts[-n:]) for n in range(1, len(parts) + 1))
