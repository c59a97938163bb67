"""`spikediag.toml` beside a run: what the user says of its tags and facts, above all that was read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from spikediag.bounded_toml import parse_toml
from spikediag.errors import UsageError, nearest, refused
from spikediag.model import LossKind, Origin, Role, SourceFile, say
from spikediag.parser.facts import Claim, claims_of_user, shown_value
from spikediag.parser.fingerprint import fingerprint
from spikediag.parser.remote import address, present

NAME = "spikediag.toml"
LARGEST = 1 << 20  # bytes
TABLES = ("[roles]", "[losses]", "[facts]", "[check]")  # the last is read by the check
LANG = "lang"  # a key that the command line reads

Named = TypeVar("Named", Role, LossKind)


@dataclass(frozen=True)
class UserSettings:
    """The tables that the parser reads; others belong to other commands."""

    roles: Mapping[str, Role] = field(default_factory=dict)  # by tag
    kinds: Mapping[str, LossKind] = field(default_factory=dict)  # of losses, by tag
    claims: tuple[Claim, ...] = ()
    files: tuple[SourceFile, ...] = ()
    path: Path = Path(NAME)

    @property
    def names(self) -> tuple[str, ...]:
        """The tags and facts it speaks of."""
        return (*dict.fromkeys((*self.roles, *self.kinds)), *(claim.name for claim in self.claims))

    def refuse_unknown(self, tags: Iterable[str]) -> None:
        """Check that every tag that was given a role or a kind of loss is one of the run's.

        Raises:
            UsageError: one is not; it names the nearest tag.
        """
        known = set(tags)
        for table, tag in (*(("roles", tag) for tag in self.roles), *(("losses", tag) for tag in self.kinds)):
            if tag not in known:
                raise UsageError(
                    say(
                        "{path}: [{table}] names {tag!r}, which this run does not log; {hint}",
                        path=address(self.path),
                        table=table,
                        tag=tag,
                        hint=nearest(tag, known),
                    )
                )


def read_user_settings(folder: Path, named: Path | None = None) -> UserSettings:
    """Read the settings beside the event files, else those in the folder that the user named.

    Raises:
        UsageError: the file is malformed, or names an unknown table, role or fact.
    """
    for path in (folder / NAME, *([named / NAME] if named else ())):
        try:
            if path.is_file():
                return _read(path, folder)
            if path.exists():
                raise UsageError(say("{path} is no file; move it away.", path=address(path)))
        except OSError as error:
            raise UsageError(
                say(
                    "{path} cannot be read ({why}); make it readable or move it away.",
                    path=address(path),
                    why=refused(error),
                )
            ) from error
    return UserSettings()


def _read(path: Path, folder: Path) -> UserSettings:
    table, source = _document(path, folder)
    for name in table:
        if name != LANG and f"[{name}]" not in TABLES:
            raise UsageError(
                say(
                    "{path}: {name!r} is no table of it; {hint}",
                    path=address(path),
                    name=name,
                    hint=nearest(f"[{name}]", TABLES),
                )
            )
    roles, kinds, facts = (table.get(name, {}) for name in ("roles", "losses", "facts"))
    if not all(isinstance(part, dict) for part in (roles, kinds, facts)):
        raise UsageError(
            say(
                '{path}: [roles], [losses] and [facts] are tables, as in [roles] "my/tag" = "loss".',
                path=address(path),
            )
        )
    claims = claims_of_user(
        facts, Origin.SETTINGS, lambda name: f"{NAME}: {name}", f"{address(path)}: [facts] "
    )
    return UserSettings(
        {tag: _member(Role, role, f"{address(path)}: {tag}", "role") for tag, role in roles.items()},
        {
            tag: _member(LossKind, kind, f"{address(path)}: {tag}", "kind of loss")
            for tag, kind in kinds.items()
        },
        tuple(claims),
        (source,),
        path,
    )


def _document(path: Path, folder: Path) -> tuple[dict[str, Any], SourceFile]:
    """What the file says, and the file."""
    with present(path).open("rb") as file:
        content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise UsageError(
                say("{path} is larger than 1 MB; this is no settings file, move it away.", path=address(path))
            )
        source = fingerprint(file, folder)
    try:
        return parse_toml(content.decode("utf-8")), source
    except (ValueError, RecursionError) as error:
        raise UsageError(
            say("{path} is no valid TOML ({error}); correct it.", path=address(path), error=str(error))
        ) from error


def _member(known: type[Named], written: object, place: str, what: str) -> Named:
    try:
        return known(str(written))
    except ValueError as error:
        names = ", ".join(known)
        raise UsageError(
            say(
                "{place} has the unknown {what} {value}; known are {names}.",
                place=place,
                what=what,
                value=shown_value(written),
                names=names,
            )
        ) from error
