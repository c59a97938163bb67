"""A language is one TOML file: its name, its fonts, names of ids, and a translation of every sentence."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from spikediag.errors import UsageError

FOLDER = files("spikediag.wording") / "languages"

RELATED = {"check": ("kind", "cause")}  # a check bears the id of what it looks for


@dataclass(frozen=True)
class Language:
    """What a report needs to speak one language; English sentences are their own translation."""

    code: str
    name: str
    fonts: tuple[str, ...] = ()  # families for figures, the first one installed is used; empty: any
    font_package: str = ""  # what to install when none is there
    ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by group: cause, kind, ...
    sentences: Mapping[str, str] = field(default_factory=dict)  # by English template
    prose: Mapping[str, str] = field(default_factory=dict)  # of finished sentences, by a pattern with fields

    def sentence(self, template: str) -> str:
        """The template in this language; one not translated yet stays English."""
        return self.sentences.get(template, template)

    def retell(self, prose: str) -> str:
        """A finished sentence of the parser in this language; one that matches no pattern stays English."""
        for pattern, told in self.prose.items():
            fields = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*?)", re.escape(pattern))
            if match := re.fullmatch(fields, prose):
                return told.format(**match.groupdict())
        return prose

    def label(self, group: str, identifier: str) -> str:
        """The human name of an id; an id that a plugin just brought stands for itself."""
        for name in (group, *RELATED.get(group, ())):
            if identifier in self.ids.get(name, {}):
                return self.ids[name][identifier]
        return identifier


def available() -> tuple[str, ...]:
    """The codes of all languages, in alphabetical order."""
    return tuple(sorted(f.name.removesuffix(".toml") for f in FOLDER.iterdir() if f.name.endswith(".toml")))


@cache
def load(code: str) -> Language:
    """Read a language.

    Raises:
        UsageError: there is no such language.
    """
    if code not in available():
        raise UsageError(f"There is no language {code!r}; choose one of {', '.join(available())}.")
    table: dict[str, Any] = tomllib.loads((FOLDER / f"{code}.toml").read_text(encoding="utf-8"))
    return Language(
        code=code,
        name=table["name"],
        fonts=tuple(table.get("fonts", ())),
        font_package=table.get("font_package", ""),
        ids=table.get("ids", {}),
        sentences=table.get("sentences", {}),
        prose=table.get("prose", {}),
    )
