"""`spikediag skill`: where the instructions for agents lie."""

from importlib.resources import files
from typing import Annotated

import typer

from spikediag.cli.terminal import show_text

FOLDER = "skills/spikediag"


def skill(
    *,
    text: Annotated[
        bool, typer.Option("--text", help="Print the instructions themselves, for an agent without folders.")
    ] = False,
) -> None:
    """Print the folder with SKILL.md, instructions for an agent, to copy where it looks for skills."""
    folder = files("spikediag") / FOLDER
    show_text((folder / "SKILL.md").read_text(encoding="utf-8") if text else f"{folder}\n")
