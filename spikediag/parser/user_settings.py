"""`spikediag.toml` beside a run: what the user says of its tags and facts, above all that was read."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spikediag.errors import UsageError
from spikediag.model import Role

NAME = "spikediag.toml"
LARGEST = 1 << 20  # bytes


@dataclass(frozen=True)
class Settings:
    """The tables that the parser reads; others belong to other commands."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


TABLES = ("roles", "facts", "check")  # the last is read by the check


def read_settings(folder: Path) -> Settings:
    """Read the settings beside a run; none are empty settings.

    Raises:
        UsageError: the file is malformed, or names an unknown role.
    """
    path = folder / NAME
    try:
        if not path.is_file():
            return Settings()
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is larger than 1 MB; this is no settings file, move it away.")
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); make it readable or move it away."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no valid TOML ({error}); correct it.") from error
    for name in table:
        if name not in TABLES:
            near = difflib.get_close_matches(name, TABLES, 1, 0.0)[0]
            raise UsageError(f"{path}: unknown name {name!r}; did you mean the table [{near}]?")
    roles, facts = table.get("roles", {}), table.get("facts", {})
    if not isinstance(roles, dict) or not isinstance(facts, dict):
        raise UsageError(f'{path}: [roles] and [facts] are tables, as in [roles] "my/tag" = "loss".')
    return Settings({tag: _role(path, tag, role) for tag, role in roles.items()}, facts, (path,))


def _role(path: Path, tag: str, role: object) -> Role:
    try:
        return Role(str(role))
    except ValueError as error:
        known = ", ".join(Role)
        raise UsageError(f"{path}: {tag} has the unknown role {role!r}; the roles are {known}.") from error
