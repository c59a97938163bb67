"""md: the post-mortem as Markdown that renders well on GitHub."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from spikediag.model import Artifact, Diagnosis, say
from spikediag.reporter.blocks import (
    Block,
    Bullets,
    Code,
    PageLayout,
    Paragraph,
    Picture,
    Pointer,
    QuestionRow,
    Rows,
    Section,
    Table,
)
from spikediag.reporter.document import APPENDIX, on_page, whole_report
from spikediag.reporter.page import page
from spikediag.reporter.protocol import registry
from spikediag.wording import language
from spikediag.wording.escape import visible_lines
from spikediag.wording.language import Language
from spikediag.wording.writer import COLON, MARKDOWN, Writer, spaced

WIDTH = 900  # pixels of a picture


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
    writer = Writer(language.load(lang), MARKDOWN)
    first, blocks = whole_report(diagnosis, writer)
    paper = _Paper(writer, pictures)
    title = writer.text(say("Post-mortem of {run}", run=first.run))
    return (
        "\n\n".join([f"# {title}", f"> **{writer.text(first.headline)}**", *paper.lay_out(blocks, 2)]) + "\n"
    )


def brief(diagnosis: Diagnosis, lang: str = "en", name: str | None = None) -> str:
    """The page alone, without pictures: for a terminal, a chat, or TensorBoard.

    Args:
        diagnosis: what to tell.
        lang: its language.
        name: of the run, where several are told together.

    Raises:
        UsageError: there is no such language.
    """
    writer = Writer(language.load(lang), MARKDOWN)
    first = page(diagnosis, writer)
    parts = [
        f"## {'' if name is None else writer.name(name) + writer.text(COLON)}{writer.text(first.headline)}",
        *_Paper(writer, pictures=False).lay_out(on_page(first, writer), 3),
    ]
    return "\n\n".join(parts) + "\n"


@dataclass(frozen=True)
class _Paper(PageLayout):
    """Lays blocks out."""

    writer: Writer
    pictures: bool

    def bold(self, text: str) -> str:
        """Escaped text in bold print."""
        return f"**{text}**"

    def block(self, block: Block, level: int) -> Iterator[str]:
        """One string for each part of a block that shows."""
        match block:
            case Rows():
                yield "\n".join(["| | |", "|---|---|", *(self._question(row) for row in block.rows)])
            case Table():
                yield self._table(block)
            case Bullets():
                yield "\n".join(f"- {self.line(row)}" for row in block.rows)
            case Paragraph():
                yield self.writer.text(block.text)
            case Pointer():
                title = self.writer.text(APPENDIX)
                yield f"{self.writer.text(block.text)} → [{title}](#{title.lower()})"
            case Code():
                yield _fenced(block.lines)
            case Picture():
                if self.pictures:
                    yield f'<img src="{block.name}.png" width="{WIDTH}" alt="{self.cell(block.label)}">'
            case Section():
                yield from self._section(block, level)
            case _:
                assert_never(block)

    def _section(self, section: Section, level: int) -> Iterator[str]:
        title = self.writer.text(section.title)
        yield f"{'#' * level} {title}"
        if section.folded:
            shown = self.writer.text(say("Everything behind this page"))
            yield f"<details><summary>{shown}</summary>"
        yield from self.lay_out(section.blocks, level + 1)
        if section.folded:
            yield "</details>"

    def _question(self, row: QuestionRow) -> str:
        answer = [self.bold(self.cell(row.answer))] if row.answer is not None else []
        told = [self.cell(text) for text in row.told]
        return f"| {self.bold(self.cell(row.label))} | {spaced(answer + told)} |"

    def _table(self, table: Table) -> str:
        flush = ("--:" if n in table.numbers else "---" for n in range(len(table.head)))
        head = " | ".join(self.cell(cell) for cell in table.head)
        rows = (f"| {' | '.join(self.cell(cell) for cell in row)} |" for row in table.rows)
        return "\n".join([f"| {head} |", f"|{'|'.join(flush)}|", *rows])


def _fenced(code: str) -> str:
    """A fence longer than any fence inside."""
    code = visible_lines(code)
    syntax = "sh" if code.startswith("spikediag ") else "python"
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{syntax}\n{code}\n{fence}"
