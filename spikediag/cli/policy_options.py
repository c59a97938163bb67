"""The options of a policy: one for each of its keys."""

from typing import Annotated, Any

import typer

_PANEL = "Policy, also as keys in spikediag.toml or pyproject.toml"


def _option(name: str, help_text: str, metavar: str | None = None) -> Any:  # noqa: ANN401  # Typer's own type is private
    return typer.Option(name, help=help_text, metavar=metavar, rich_help_panel=_PANEL, show_default=False)


Kinds = Annotated[
    str | None,
    _option("--forbid-kinds", "Kinds of spike that fail. Default: divergence,non_finite", "KIND,..."),
]
Couplings = Annotated[
    str | None, _option("--forbid-couplings", "Couplings that fail. Default: decoupled", "COUPLING,...")
]
Causes = Annotated[
    str | None, _option("--forbid-causes", "Primary causes that fail. Default: none", "CAUSE,...")
]
MinHeight = Annotated[
    float | None, _option("--min-height", "Let smaller jumps through, in units of the loss.")
]
MinSigmas = Annotated[float | None, _option("--min-sigmas", "Let smaller jumps through, in robust sigmas.")]
MaxChance = Annotated[
    float | None,
    _option("--max-chance", "Let jumps through that are expected more often than this by chance."),
]
AfterStep = Annotated[int | None, _option("--after-step", "Let jumps through that begin before this step.")]
MaxRatio = Annotated[
    float | None, _option("--max-batch-ratio", "Fail when batch size over dataset size is above this.")
]
Companion = Annotated[
    bool | None,
    _option("--require-companion", "Fail when no error metric is logged."),
]
Strict = Annotated[bool | None, _option("--strict", "Fail on what could not be judged.")]
Alpha = Annotated[
    float | None, _option("--alpha", "Chance of failing a run as good as those of --against. Default: 0.05")
]


def chosen(**options: object) -> dict[str, object]:
    """The options that were given, lists split at commas."""
    given = {name: value for name, value in options.items() if value is not None}
    return {
        name: _list(value) if name.startswith("forbid_") and isinstance(value, str) else value
        for name, value in given.items()
    }


def _list(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
