"""The post-mortem as Markdown that renders well on GitHub."""

import textwrap

from markupsafe import Markup

from spikediag.model import Diagnosis
from spikediag.reporter import selection
from spikediag.reporter.templates import environment
from spikediag.reporter.words import language
from spikediag.reporter.words.writer import MARKDOWN, Writer


def to_markdown(diagnosis: Diagnosis, lang: str = "en") -> str:
    """The whole post-mortem; pictures are named `overview.png` and `finding-N.png`.

    Raises:
        UsageError: there is no such language.
    """
    env = environment(Writer(language.load(lang), MARKDOWN))
    env.globals["code_block"] = _code_block
    return env.get_template("report.md.j2").render(selection.page(diagnosis))


def _code_block(code: str) -> Markup:
    """A fence longer than any fence inside, indented for a list item."""
    fence = "```"
    while fence in code:
        fence += "`"
    return Markup(textwrap.indent(f"{fence}python\n{code}\n{fence}", "   "))  # noqa: S704  # fenced
