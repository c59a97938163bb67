"""A sentence with its numbers kept apart, so that every report can format, escape and translate it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

_ONE = re.compile(r"(?<![\w.,-])1 (step|point|update|dimension|rank|burst|window)s\b")
Value: TypeAlias = "str | int | float | bool | Text | None"
FEW = 5  # names in a message


@dataclass(frozen=True)
class Text:
    """An English template in `str.format` syntax and the values it names.

    The template is also the key under which a language file keeps its translation.
    Values that are strings come from the run (tags, paths, settings) and are hostile: a report escapes them.
    """

    template: str
    values: Mapping[str, Value]

    def __reduce__(self) -> tuple[object, ...]:
        return _made_again, (self.template, dict(self.values))  # a read-only mapping cannot be pickled

    def __str__(self) -> str:
        return counted(self.template.format(**self.values))


def _made_again(template: str, values: dict[str, Value]) -> Text:
    return Text(template, MappingProxyType(values))


def counted(prose: str) -> str:
    """English prose with the singular where a count is one: "1 step before", not "1 steps before"."""
    return _ONE.sub(r"1 \1", prose)


def first_few(names: Sequence[str]) -> str:
    """The first of several names, for a message that shows no more."""
    return ", ".join(names[:FEW]) + (", ..." if len(names) > FEW else "")


def say(template: str, /, **values: Value) -> Text:
    """Build a sentence: `say("{tag} rose by {jump:+.1f} nats.", tag=tag, jump=39.2)`."""
    return Text(template, MappingProxyType(values))
