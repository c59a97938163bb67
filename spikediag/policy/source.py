"""Where a policy comes from: `spikediag.toml`, `pyproject.toml`, and options over both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikediag.errors import UsageError
from spikediag.policy.settings import Policy, WrongKeyError
from spikediag.policy.toml import Place, read

TABLES = {"spikediag.toml": "check", "pyproject.toml": "tool.spikediag"}


def load(folder: Path, options: Mapping[str, Any], file: Path | None = None) -> Policy:
    """The policy for a check started in a folder.

    The nearest `spikediag.toml` with `[check]` or `pyproject.toml` with `[tool.spikediag]` at or above
    the folder, up to the root of its repository, unless a file is named. Files beside a run are not asked:
    a run must not relax the gate that judges it.

    Raises:
        UsageError: the file cannot be read, or a key in it or an option cannot be used.
    """
    found = _named(file) if file is not None else _nearest(folder)
    settings: dict[str, Any] = {}
    if found is not None:
        place, table = found
        _validate(place, table)
        settings = {key.replace("-", "_"): value for key, value in table.items()}
    try:
        return Policy.of({**settings, **options})
    except WrongKeyError as error:
        raise UsageError(f"--{error.key.replace('_', '-')}: {error.why}") from error


def _validate(place: Place, table: Mapping[str, Any]) -> None:
    try:
        Policy.of(table)
    except WrongKeyError as error:
        raise Place(place.path, place.text, place.table, key=error.key).error(error.why) from error


def _named(file: Path) -> tuple[Place, dict[str, Any]]:
    text, document = read(file)
    names = [TABLES["pyproject.toml" if file.name == "pyproject.toml" else "spikediag.toml"]]
    for name in names:
        if (table := _table(document, name)) is not None:
            return Place(file, text, name), table
    raise UsageError(f"{file}: holds no [{names[0]}] table; is this the policy?")


def _nearest(folder: Path) -> tuple[Place, dict[str, Any]] | None:
    for place in (folder.resolve(), *folder.resolve().parents):
        for name, header in TABLES.items():
            if (place / name).is_file():
                text, document = read(place / name)
                if (table := _table(document, header)) is not None:
                    return Place(place / name, text, header), table
        if (place / ".git").exists():
            return None
    return None


def _table(document: Mapping[str, Any], header: str) -> dict[str, Any] | None:
    inner: Any = document
    for name in header.split("."):
        inner = inner.get(name) if isinstance(inner, dict) else None
    return inner if isinstance(inner, dict) else None
