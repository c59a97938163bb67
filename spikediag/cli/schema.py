"""`spikediag schema`: the JSON Schema of each document that a command prints."""

from importlib.resources import files
from typing import Annotated

import typer

from spikediag.cli.terminal import show_json, show_text
from spikediag.errors import UsageError
from spikediag.text import say

FOLDER = "schemas"


def schema(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Such as diagnosis; without it, all are listed.")
    ] = None,
) -> None:
    """Print the JSON Schema of a document that a command prints; without a NAME, list them."""
    known = {file.name.removesuffix(".json"): file for file in (files("spikediag") / FOLDER).iterdir()}
    if name is None:
        show_text("".join(f"spikediag.{version.replace('-', '/')}\n" for version in sorted(known)))
        return
    asked = name.removeprefix("spikediag.").replace("/", "-")
    fits = [version for version in sorted(known) if asked in (version, version.rpartition("-")[0])]
    if not fits:
        raise UsageError(say("there is no document {name!r}; `spikediag schema` lists them.", name=name))
    show_json(known[fits[-1]].read_text(encoding="utf-8"))
