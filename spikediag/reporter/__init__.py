"""The report: a diagnosis as files, tables, a figure, and lines for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spikediag.errors import UsageError
from spikediag.model import Artifact, Diagnosis, say
from spikediag.reporter.formats.html import to_html, to_notebook
from spikediag.reporter.formats.json import SCHEMA, finding_to_dict, to_dict
from spikediag.reporter.formats.md import brief, to_markdown
from spikediag.reporter.frames import to_frame
from spikediag.reporter.index import index, is_ours
from spikediag.reporter.protocol import Format, registry
from spikediag.reporter.terminal import SummaryRow, TerminalSummary, heights, summary, three_lines
from spikediag.wording import language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "SCHEMA",
    "Format",
    "SummaryRow",
    "TerminalSummary",
    "brief",
    "figure",
    "finding_to_dict",
    "heights",
    "index",
    "is_ours",
    "refuse_unknown_format",
    "registry",
    "render",
    "summary",
    "three_lines",
    "to_dict",
    "to_frame",
    "to_html",
    "to_markdown",
    "to_notebook",
]


def refuse_unknown_format(formats: Sequence[str]) -> None:
    """Refuse a format that nobody writes.

    Raises:
        UsageError: one of them does not exist.
    """
    known = registry.load()
    for name in formats:
        if name not in known:
            raise UsageError(
                say("there is no format {name!r}; choose from {names}.", name=name, names=", ".join(known))
            )


def render(
    diagnosis: Diagnosis, formats: Sequence[str] = ("md", "png"), lang: str = "en"
) -> tuple[Artifact, ...]:
    """Every file of the formats asked for, in that order, each format once.

    Raises:
        UsageError: a format or the language does not exist.
    """
    refuse_unknown_format(formats)
    known, spoken = registry.load(), language.load(lang)
    return tuple(
        artifact for name in dict.fromkeys(formats) for artifact in known[name].render(diagnosis, spoken)
    )


def figure(diagnosis: Diagnosis, axes: "Axes | None" = None, lang: str = "en") -> "Figure":
    """The overview; with `axes`, only the leading loss and its findings, drawn there.

    Raises:
        UsageError: there is no such language.
    """
    from spikediag.reporter.figures import overview  # noqa: PLC0415  # Matplotlib is heavy
    from spikediag.reporter.figures.style import LIGHT, drawing  # noqa: PLC0415

    with drawing(LIGHT, language.load(lang)) as writer:
        if axes is None:
            return overview.overview(diagnosis, LIGHT, writer)
        overview.on_axes(diagnosis, axes, LIGHT, writer)
    place = axes.figure
    assert place is not None, "axes that someone passes belong to a figure"
    return place.figure  # of a part of a figure, the whole
