"""The options that state what a run does not say of itself."""

from typing import Annotated

import typer

from spikediag.errors import UsageError
from spikediag.text import say

Given = dict[str, str | int | float | bool]

_PANEL = "Facts the run does not carry"

BatchSize = Annotated[
    int | None,
    typer.Option("--batch-size", min=1, rich_help_panel=_PANEL, help="Samples per optimiser step."),
]
DatasetSize = Annotated[
    int | None,
    typer.Option("--dataset-size", min=1, rich_help_panel=_PANEL, help="Samples in the training set."),
]
ActionDim = Annotated[
    int | None,
    typer.Option("--action-dim", min=1, rich_help_panel=_PANEL, help="Dimensions of an action."),
]
OtherFacts = Annotated[
    list[str] | None,
    typer.Option("--fact", metavar="NAME=VALUE", rich_help_panel=_PANEL, help="Any other fact; repeatable."),
]


def given(
    batch_size: int | None, dataset_size: int | None, action_dim: int | None, others: list[str] | None
) -> Given:
    """The facts that were stated, by name.

    Raises:
        UsageError: a `--fact` is not of the form NAME=VALUE.
    """
    named = {"batch_size": batch_size, "dataset_size": dataset_size, "action_dim": action_dim}
    facts: Given = {name: value for name, value in named.items() if value is not None}
    for other in others or ():
        name, equals, text = other.partition("=")
        if not equals or not name.strip():
            raise UsageError(
                say("--fact {other!r}: write it as NAME=VALUE, for example --fact beta2=0.99.", other=other)
            )
        facts[name.strip().replace("-", "_")] = _typed(text.strip())
    return facts


def _typed(text: str) -> str | int | float | bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
