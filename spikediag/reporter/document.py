"""The whole report as blocks: the page, and behind a fold the appendix."""

from collections.abc import Iterator

from spikediag import phrases
from spikediag.model import Diagnosis, Text, say
from spikediag.reporter.appendix import appendix
from spikediag.reporter.blocks import (
    Block,
    Bullets,
    Code,
    Paragraph,
    Picture,
    Pointer,
    QuestionRow,
    Rows,
    Section,
    Table,
    table,
)
from spikediag.reporter.page import Page, page
from spikediag.wording.language import Language
from spikediag.wording.writer import Writer, verbatim

OVERVIEW = say("Every series on one step axis, findings numbered")
APPENDIX = say("Appendix")


def whole_report(diagnosis: Diagnosis, writer: Writer) -> tuple[Page, tuple[Block, ...]]:
    """The page, and all blocks of a report."""
    first = page(diagnosis, writer)
    behind = Section(APPENDIX, appendix(diagnosis, first, writer), folded=True)
    return first, (*on_page(first, writer, font_note(writer.language)), behind)


def on_page(first: Page, writer: Writer, note: Text | None = None) -> tuple[Block, ...]:
    """The blocks of the page below its headline."""
    return tuple(_blocks(first, writer, note))


def _blocks(first: Page, writer: Writer, note: Text | None) -> Iterator[Block]:
    yield Picture("overview", OVERVIEW)
    if note is not None:
        yield Paragraph(note)
    yield Rows(first.rows)
    if first.smaller is not None:
        yield Pointer(first.smaller)
    if first.refuted:
        yield Section(say("What it is not"), (Bullets(first.refuted),))
    if to_do := tuple(_what_to_do(first, writer)):
        yield Section(say("What to do"), to_do)
    if first.state:
        yield Section(say("State of the training"), (Bullets(first.state),))
    if to_log := tuple(_to_log(first)):
        yield Section(say("To be sure, log"), to_log)


def _to_log(first: Page) -> Iterator[Block]:
    if first.code_to_log:
        yield Code(first.code_to_log)
    if first.to_log:
        yield Bullets(tuple(QuestionRow(text) for text in first.to_log))


def _what_to_do(first: Page, writer: Writer) -> Iterator[Block]:
    if any(remedy.line for remedy in first.remedies):
        yield _table(first, writer)
    elif first.remedies:
        yield Bullets(tuple(QuestionRow(remedy.what) for remedy in first.remedies))
    if any(remedy.price is not None for remedy in first.remedies):
        judged = say("Price and what it is good for are judgements, not measured.")
        yield Paragraph(
            judged if first.source is None else say("{said} {more}", said=first.source, more=judged)
        )
    elif first.source is not None:
        yield Paragraph(first.source)
    lines = list(first.scenarios)
    if first.verify is not None:
        verified = say("{text} {command}", text=first.verify.text, command=first.verify.code)
        lines.append(QuestionRow(say("Then"), None, verified))
    if lines:
        yield Bullets(tuple(lines))


def _table(first: Page, writer: Writer) -> Table:
    head = say(
        "remedy | line to change | jumps prevented (80 %) | error at the end, times | price | good for"
    )
    rows = tuple(
        (
            remedy.what,
            say("{line}", line=remedy.line) if remedy.line and "\n" not in remedy.line else None,
            None if remedy.effect is None else phrases.prevented(remedy.effect),
            None if remedy.effect is None else phrases.error_after(remedy.effect),
            remedy.price,
            remedy.use,
        )
        for remedy in first.remedies
    )
    return table(writer, head, rows, 2, 3)


def font_note(spoken: Language) -> Text | None:
    """Why figures are in English although the report is not; None when they are not."""
    if not spoken.fonts:
        return None
    from spikediag.reporter.figures.style import can_draw  # noqa: PLC0415  # Matplotlib is heavy

    if can_draw(spoken):
        return None
    return say(
        "The figures are in English: no installed font has the letters of {language}. Install the package "
        "{package}, or any of these: {fonts}.",
        language=verbatim(spoken.name),
        package=spoken.font_package,
        fonts=verbatim(", ".join(spoken.fonts[:4])),
    )
