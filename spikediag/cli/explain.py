"""`spikediag explain`: what a kind of spike looks like and what a cause means, from their own pages."""

import inspect
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.exits import Exit
from spikediag.cli.terminal import note, show

if TYPE_CHECKING:
    from spikediag.registry import Plugin

HEADING = re.compile(r"^([A-Z][^\n:]*):\n((?:[ ]{4}.*\n|\n)*)", re.MULTILINE)


def explain(
    wanted: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="A kind of spike, a cause or a format; without it, all are listed."
        ),
    ] = None,
) -> int:
    """Explain a kind of spike, a cause or a format; without an ID, list them all."""
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
        "Kinds of spike": detectors.registry.load(),
        "Causes": attribution.registry.load(),
        "Formats of a report": reporter.registry.load(),
    }


def _unknown(wanted: str, ids: list[str]) -> int:
    near = get_close_matches(_key(wanted), ids, n=1)
    hint = f"did you mean {near[0]}?" if near else "`spikediag explain` lists all."
    note(f"nothing is called {wanted!r}; {hint}")
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
            table.add_row(Text(name, style="cyan"), Text(_page(plugin).partition("\n")[0]))
        show(table)
        show("")


def _page(plugin: "Plugin") -> str:
    return inspect.cleandoc(type(plugin).__doc__ or "")


def _show(plugin: "Plugin") -> None:
    from rich.markdown import Markdown

    sections = HEADING.sub(lambda m: f"\n### {m[1]}\n\n{inspect.cleandoc(m[2])}\n", _page(plugin) + "\n")
    show(Markdown(f"## {plugin.id}\n\n{sections}"))
