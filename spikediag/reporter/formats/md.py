"""md: the post-mortem as Markdown that renders well on GitHub."""

import re
import textwrap
from dataclasses import dataclass

from markupsafe import Markup

from spikediag.model import Artifact, Diagnosis
from spikediag.reporter.protocol import registry
from spikediag.reporter.templates import environment
from spikediag.reporter.view import page
from spikediag.wording import language
from spikediag.wording.escape import visible_lines
from spikediag.wording.language import Language
from spikediag.wording.writer import MARKDOWN, Writer


@registry.register
@dataclass(frozen=True)
class Md:
    """`report.md`: reads well on GitHub and in an editor; its pictures are those of `png`."""

    id: str = "md"

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:
        """One file, UTF-8."""
        return (Artifact("report.md", to_markdown(diagnosis, language.code, pictures=True).encode()),)


def to_markdown(diagnosis: Diagnosis, lang: str = "en", *, pictures: bool = False) -> str:
    """The whole post-mortem; with `pictures` it shows the files of the format `png`, which stand beside it.

    Raises:
        UsageError: there is no such language.
    """
    return _rendered("report.md.j2", diagnosis, lang, pictures=pictures)


def verdict(diagnosis: Diagnosis, lang: str = "en") -> str:
    """The verdict, the findings and what to do, without pictures.

    Raises:
        UsageError: there is no such language.
    """
    return _rendered("verdict.md.j2", diagnosis, lang, pictures=False)


def _rendered(template: str, diagnosis: Diagnosis, lang: str, *, pictures: bool) -> str:
    writer = Writer(language.load(lang), MARKDOWN)
    env = environment(lang, MARKDOWN)
    text = env.get_template(template).render(
        page(diagnosis, writer), pictures=pictures, code_block=_code_block
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def _code_block(code: str, indent: str = "   ") -> Markup:
    """A fence longer than any fence inside, indented for a list item."""
    code = visible_lines(code)
    syntax = "sh" if code.startswith("spikediag ") else "python"
    fence = "```"
    while fence in code:
        fence += "`"
    block = f"{fence}{syntax}\n{code}\n{fence}"
    return Markup(textwrap.indent(block, indent))  # noqa: S704  # inside a fence nothing is markup
