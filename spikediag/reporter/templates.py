"""Jinja templates that are safe by construction: whatever a template prints is escaped for its target.

A `Text` is translated and rendered, a plain string is hostile and becomes code, a number is formatted.
Only what `Writer` made, and the template's own text, reaches the page as it stands.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from spikediag.model import Text
from spikediag.wording import language, numbers
from spikediag.wording.writer import Paper, Writer, verbatim


@cache
def environment(code: str, paper: Paper) -> Environment:
    """An environment whose every output passes through a writer of this language for this kind of report."""
    writer = Writer(language.load(code), paper)
    env = Environment(
        loader=PackageLoader("spikediag.reporter", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalizer(writer),
    )
    env.globals.update(
        t=lambda template, **values: Text(template, values),
        label=writer.word,
        prose=lambda hostile: Markup(writer.prose(hostile)),  # noqa: S704  # escaped by the writer
        name=lambda hostile, limit: Markup(writer.name(hostile, limit)),  # noqa: S704  # escaped by the writer
        num=lambda value, **how: verbatim(numbers.number(value, **how)),
        p_value=lambda value: verbatim(numbers.p_value(value)),
        share=lambda value: verbatim(numbers.share(value)),
        size=lambda value: verbatim(numbers.size(value)),
    )
    return env


def _finalizer(writer: Writer) -> Callable[[Any], Any]:
    def safe(value: object) -> Any:  # noqa: ANN401  # Jinja prints any value
        match value:
            case Markup():
                return value
            case Text():
                return Markup(writer.text(value))  # noqa: S704  # escaped by the writer
            case str():
                return Markup(writer.name(value))  # noqa: S704  # escaped by the writer
            case None:
                return Markup("")
            case _:
                return value

    return safe
