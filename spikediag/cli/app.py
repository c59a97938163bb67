"""The commands, in the order in which a person needs them."""

from typing import Annotated

import typer

from spikediag.cli.analyze import analyze
from spikediag.cli.check import check
from spikediag.cli.compare import compare
from spikediag.cli.explain import explain
from spikediag.cli.scan import scan
from spikediag.cli.tags import tags
from spikediag.version import VERSION

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)
for command in (analyze, check, compare, tags, scan, explain):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"spikediag {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    _debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; also with SPIKEDIAG_DEBUG=1.")
    ] = False,
) -> None:
    """Why did my loss jump? Post-mortems of loss spikes from TensorBoard event files."""
