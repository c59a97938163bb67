"""The language of a command: of its option, else of `spikediag.toml`, else of the locale."""

import os
from collections.abc import Sequence
from contextvars import ContextVar
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from spikediag.errors import UsageError
from spikediag.policy.toml_file import TomlPlace, read, upward
from spikediag.text import Text
from spikediag.wording import language
from spikediag.wording.writer import TERMINAL, Writer

SETTINGS, KEY = "spikediag.toml", "lang"

Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="CODE",
        help="Language: en or zh. Without it `lang` in spikediag.toml counts, then the locale.",
    ),
]

_SPOKEN: ContextVar[str] = ContextVar("spoken", default=language.ENGLISH)


def begin() -> None:
    """Speak the language of the locale until a command says otherwise."""
    _SPOKEN.set(language.of_locale(os.environ))


def speak(option: str | None, *paths: str | Path) -> str:
    """Choose the language of a command and return its code.

    Args:
        option: what was typed.
        paths: what the command is about; settings beside them count after those of the working folder.

    Raises:
        UsageError: there is no such language.
    """
    if option is not None:
        code: str | None = language.load(option).code
    else:
        code = _stated(paths)
    if code is not None:
        _SPOKEN.set(code)
    return _SPOKEN.get()


def _stated(paths: Sequence[str | Path]) -> str | None:
    """The language of the first settings that state one; settings that cannot be read state none."""
    beside = (path if path.is_dir() else path.parent for path in map(Path, paths))
    for file in (folder / SETTINGS for folder in chain(upward(Path.cwd()), beside)):
        try:
            text, document = read(file) if file.is_file() else ("", {})
        except UsageError:  # whoever reads runs or a policy there says so
            continue
        if KEY in document:
            code = language.known(str(document[KEY]))
            if code is None:
                raise TomlPlace(file, text, key=KEY).error(language.unknown(str(document[KEY])))
            return code
    return None


def words(text: Text) -> str:
    """A sentence in the language of the command, for a terminal."""
    return writer().text(text)


def writer() -> Writer:
    """Who writes for the terminal."""
    return Writer(language.load(_SPOKEN.get()), TERMINAL)


def term(group: str, identifier: str) -> str:
    """An id in a table: itself in English, as programs know it, and its name in any other language."""
    if english():
        return identifier.replace("_", " ")
    return language.load(_SPOKEN.get()).label(group, identifier)


def english() -> bool:
    """Whether the command speaks English."""
    return _SPOKEN.get() == language.ENGLISH
