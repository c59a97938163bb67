"""`spikediag explain`: what a kind of spike looks like and what a cause means, from their own pages."""

import inspect
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.exits import Exit
from spikediag.cli.spoken import Lang, english, speak, words, writer
from spikediag.cli.terminal import note, show
from spikediag.text import say

if TYPE_CHECKING:
    from spikediag.registry import Plugin

PARAGRAPH = re.compile(r"^( *)\S.*\n(?:\1(?! )\S.*\n)*", re.MULTILINE)
HEADING = re.compile(r"^(\S[^\n:\uff1a]*)[:\uff1a]\n((?:[ ]{4}.*\n|\n)*)", re.MULTILINE)


def explain(
    wanted: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="A kind of spike, a cause or a format; without it, all are listed."
        ),
    ] = None,
    *,
    lang: Lang = None,
) -> int:
    """Explain a kind of spike, a cause or a format; without an ID, list them all."""
    speak(lang)
    shelves = _shelves()
    if wanted is None:
        _list(shelves)
        return Exit.DONE
    found = [p for shelf in shelves.values() for p in shelf.values() if _key(p.id) == _key(wanted)]
    # A kind and a cause may differ by a hyphen only: what is spelled out exactly is meant.
    found = [p for p in found if p.id == wanted] or found
    if not found:
        return _unknown(wanted, [p for shelf in shelves.values() for p in shelf])
    for plugin in found:
        _show(plugin)
    return Exit.DONE


def _shelves() -> "dict[str, Mapping[str, Plugin]]":
    from spikediag import attribution, detectors, reporter

    return {
        words(say("Kinds of spike")): detectors.registry.load(),
        words(say("Causes")): attribution.registry.load(),
        words(say("Formats of a report")): reporter.registry.load(),
    }


def pages() -> dict[str, str]:
    """Every page in English, by the id of its plugin."""
    return {
        plugin.id: inspect.cleandoc(type(plugin).__doc__ or "")
        for shelf in _shelves().values()
        for plugin in shelf.values()
    }


def _unknown(wanted: str, ids: list[str]) -> int:
    near = get_close_matches(_key(wanted), ids, n=1)
    hint = say("did you mean {name}?", name=near[0]) if near else say("`spikediag explain` lists all.")
    note(say("nothing is called {wanted!r}; {hint}", wanted=wanted, hint=hint))
    return Exit.UNUSABLE


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def _list(shelves: "dict[str, Mapping[str, Plugin]]") -> None:
    from rich.table import Table
    from rich.text import Text

    width = max(len(name) for shelf in shelves.values() for name in shelf)
    for title, shelf in shelves.items():
        show(Text(title, style="bold"))
        table = Table(box=None, show_header=False, padding=(0, 0, 0, 2))
        table.add_column(min_width=width, no_wrap=True)
        for name, plugin in shelf.items():
            table.add_row(Text(name, style="cyan"), Text(_first(plugin)))
        show(table)
        show("")


def _page(plugin: "Plugin") -> str:
    """The public page of a plugin in the language of the command, a paragraph at a time."""
    page = inspect.cleandoc(type(plugin).__doc__ or "")
    return page if english() else PARAGRAPH.sub(_told, page + "\n").rstrip("\n")


def _told(paragraph: re.Match[str]) -> str:
    indent, english_words = paragraph[1], " ".join(paragraph[0].split())
    told = writer().language.sentence(english_words)
    return f"{indent}{told}\n"


def _first(plugin: "Plugin") -> str:
    return _page(plugin).partition("\n")[0]


def _show(plugin: "Plugin") -> None:
    from rich.markdown import Markdown

    sections = HEADING.sub(lambda m: f"\n### {m[1]}\n\n{inspect.cleandoc(m[2])}\n", _page(plugin) + "\n")
    title = plugin.id if english() else f"{plugin.id} {_name(plugin)}".strip()
    show(Markdown(f"## {title}\n\n{sections}"))


def _name(plugin: "Plugin") -> str:
    labels = (writer().language.label(group, plugin.id) for group in ("kind", "cause"))
    return next((label for label in labels if label != plugin.id), "")
