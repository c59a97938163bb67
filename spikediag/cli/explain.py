"""`spikediag explain`: what a detector looks for and what a cause means, from their own pages."""

import inspect
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.exits import Exit
from spikediag.cli.terminal import console, note

if TYPE_CHECKING:
    from spikediag.registry import Plugin


def explain(
    wanted: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="A kind of spike, a cause or a format; all are listed without it."
        ),
    ] = None,
) -> int:
    """Explain a kind of spike, a cause or a format; without an ID, list them all."""
    shelves = _shelves()
    if wanted is None:
        _list(shelves)
        return Exit.DONE
    pages = {_key(name): plugin for shelf in shelves.values() for name, plugin in shelf.items()}
    if _key(wanted) not in pages:
        from difflib import get_close_matches

        near = get_close_matches(_key(wanted), pages, n=1)
        hint = f"did you mean {pages[near[0]].id}?" if near else "`spikediag explain` lists all."
        note(f"nothing is called {wanted!r}; {hint}")
        return Exit.UNUSABLE
    _show(pages[_key(wanted)])
    return Exit.DONE


def _shelves() -> "dict[str, dict[str, Plugin]]":
    from spikediag import attribution, detectors

    return {
        "Kinds of spike": dict(detectors.registry.load()),
        "Causes": dict(attribution.registry.load()),
    }


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def _page(plugin: "Plugin") -> str:
    return inspect.cleandoc(type(plugin).__doc__ or "")


def _list(shelves: "dict[str, dict[str, Plugin]]") -> None:
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    for title, shelf in shelves.items():
        table = Table(title, "", box=SIMPLE, pad_edge=False)
        for name, plugin in shelf.items():
            table.add_row(Text(name, style="bold"), Text(_page(plugin).partition("\n")[0]))
        console().print(table)


def _show(plugin: "Plugin") -> None:
    from rich.markdown import Markdown

    console().print(Markdown(f"# {plugin.id}\n\n{_page(plugin)}"))
