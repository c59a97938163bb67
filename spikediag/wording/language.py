"""A language is one TOML file: its name, its fonts, names of ids, and a translation of every sentence."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from spikediag.errors import UsageError
from spikediag.text import Text, say

FOLDER = files("spikediag.wording") / "languages"
ENGLISH = "en"
LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first one that is set counts

RELATED = {  # a check bears the id of what it looks for, a row of a scan the verdict on its run
    "check": ("kind", "cause"),
    "scan": ("run",),
}


@dataclass(frozen=True)
class Language:
    """What a report needs to speak one language; English sentences are their own translation."""

    code: str
    name: str
    fonts: tuple[str, ...] = ()  # families for figures, the first one installed is used; empty: any
    font_package: str = ""  # what to install when none is there
    ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by group: cause, kind, ...
    sentences: Mapping[str, str] = field(default_factory=dict)  # by English template

    def sentence(self, template: str) -> str:
        """The template in this language; one not translated yet stays English."""
        return self.sentences.get(template, template)

    def label(self, group: str, identifier: str) -> str:
        """The human name of an id; an id that a plugin just brought stands for itself."""
        for name in (group, *RELATED.get(group, ())):
            if identifier in self.ids.get(name, {}):
                return self.ids[name][identifier]
        return identifier


def available() -> tuple[str, ...]:
    """The codes of all languages, in alphabetical order."""
    return tuple(sorted(f.name.removesuffix(".toml") for f in FOLDER.iterdir() if f.name.endswith(".toml")))


def known(typed: str) -> str | None:
    """The code of the language that is meant: `zh-CN`, `zh_CN.UTF-8` and `zh-Hans` all speak `zh`."""
    whole = re.split(r"[.@]", typed.strip())[0].replace("_", "-").lower()
    return next((code for code in (whole, whole.partition("-")[0]) if code in available()), None)


def of_locale(environment: Mapping[str, str]) -> str:
    """The language that the locale asks for, as gettext reads it; English where it names none of ours."""
    locale = next((set_ for name in LOCALE if (set_ := environment.get(name))), "")
    if locale in {"C", "POSIX"}:
        return ENGLISH
    wanted = (*environment.get("LANGUAGE", "").split(":"), locale)
    return next((code for name in wanted if (code := known(name))), ENGLISH)


def load(typed: str) -> Language:
    """Read a language by its code, or by a name of it such as `zh-CN`.

    Raises:
        UsageError: there is no such language.
    """
    code = known(typed)
    if code is None:
        raise UsageError(unknown(typed))
    return _read(code)


def fonts_of(code: str) -> tuple[str, ...]:
    """The families for figures in a language, by its code, without a look at its sentences."""
    head = _text(code).partition("\n[")[0]
    return tuple(tomllib.loads(head).get("fonts", ()))


def unknown(typed: str) -> Text:
    """Say that there is no such language, and which there are."""
    return say(
        "there is no language {typed!r}; choose one of {names}.", typed=typed, names=", ".join(available())
    )


def _text(code: str) -> str:
    return (FOLDER / f"{code}.toml").read_text(encoding="utf-8")


@cache
def _read(code: str) -> Language:
    table: dict[str, Any] = tomllib.loads(_text(code))
    return Language(
        code=code,
        name=table["name"],
        fonts=tuple(table.get("fonts", ())),
        font_package=table.get("font_package", ""),
        ids=table.get("ids", {}),
        sentences=table.get("sentences", {}),
    )
