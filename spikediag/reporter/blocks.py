"""What a report is made of, whatever its format: a handful of blocks, laid out by each format in its way."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from spikediag.model import Text
from spikediag.wording import numbers
from spikediag.wording.writer import COLON, Writer, spaced, verbatim

Cell: TypeAlias = Text | None


@dataclass(frozen=True)
class QuestionRow:
    """A question, its short answer, and what that rests on."""

    label: Text
    answer: Text | None = None  # in bold
    text: Text | None = None  # what a terminal has room for
    more: Text | None = None  # what only the page has room for

    @property
    def told(self) -> tuple[Text, ...]:
        """All that stands behind the answer."""
        return tuple(text for text in (self.text, self.more) if text is not None)


@dataclass(frozen=True)
class Rows:
    """Questions and answers below each other."""

    rows: tuple[QuestionRow, ...]


@dataclass(frozen=True)
class Table:
    """A table; the columns named by `numbers` stand flush right."""

    head: tuple[Text, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Bullets:
    """Short lines; with `bold` each begins with a word or two that a reader looks for."""

    rows: tuple[QuestionRow, ...]


@dataclass(frozen=True)
class Paragraph:
    """Prose."""

    text: Text


@dataclass(frozen=True)
class Pointer:
    """A line that leads to the appendix."""

    text: Text


@dataclass(frozen=True)
class Code:
    """Lines to copy."""

    lines: str


@dataclass(frozen=True)
class Picture:
    """A picture by its name, and what it shows."""

    name: str
    label: Text


@dataclass(frozen=True)
class Section:
    """A titled part; folded, it opens when the reader wants it."""

    title: Text
    blocks: tuple["Block", ...]
    folded: bool = False


Block: TypeAlias = Rows | Table | Bullets | Paragraph | Pointer | Code | Picture | Section


class PageLayout:
    """How blocks are laid out; a format says how each of them, and bold print, looks."""

    writer: Writer

    def bold(self, text: str) -> str:
        """Escaped text in bold print."""
        raise NotImplementedError

    def block(self, block: Block, level: int) -> Iterator[str]:
        """One string for each part of a block that shows."""
        raise NotImplementedError

    def lay_out(self, blocks: Iterable[Block], level: int) -> Iterator[str]:
        """One string for each part that shows; titles begin at this level."""
        for block in blocks:
            yield from self.block(block, level)

    def line(self, row: QuestionRow) -> str:
        """A row of bullets."""
        label = self.writer.text(row.label)
        told = [self.writer.text(t) for t in (row.answer, *row.told) if t is not None]
        return f"{self.bold(label)}{self.writer.text(COLON)}{spaced(told)}" if told else label

    def cell(self, cell: Cell) -> str:
        """A cell of a table."""
        match cell:
            case None:
                return ""
            case Text():
                return self.writer.text(cell)
            case _:
                assert_never(cell)


def table(writer: Writer, head: Text, rows: tuple[tuple[Cell, ...], ...], *numeric: int) -> Table:
    """A table without the columns in which nothing stands, but for the first.

    Args:
        writer: knows the heads in its language.
        head: of all columns, with ` | ` between them.
        rows: a cell for each column.
        numeric: the columns that hold numbers.
    """
    heads = [Text(part, head.values) for part in writer.language.sentence(head.template).split(" | ")]
    kept = [n for n in range(len(heads)) if n == 0 or any(row[n] is not None for row in rows)]
    return Table(
        tuple(heads[n] for n in kept),
        tuple(tuple(row[n] for n in kept) for row in rows),
        frozenset(place for place, n in enumerate(kept) if n in numeric),
    )


def num(value: float | None, *, signed: bool = False) -> Text:
    """A number as people read it."""
    return verbatim(numbers.number(value, signed=signed))
