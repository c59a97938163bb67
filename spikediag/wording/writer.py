"""Sentences on paper: a `Text` in a language, escaped for one kind of report."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from string import Formatter

from spikediag.text import Text, Value, counted, say
from spikediag.wording import escape
from spikediag.wording.language import ENGLISH, Language, load

# Fields of a sentence that hold an id, by the group of names it belongs to.
NAMED = frozenset({"cause", "kind", "status", "coupling"})
FULL_WIDTH = "\u3002\uff01\uff1f\uff1b\uff1a"  # full stop, exclamation and question mark, semicolon, colon
COLON = say(": ")
UNKNOWN = say("unknown")
YES = say("yes")
NO = say("no")


def verbatim(prose: str) -> Text:
    """Prose of ours that is finished already (a number, a name of an id) as a sentence without fields."""
    return Text(prose.replace("{", "{{").replace("}", "}}"), {})


def spaced(parts: Iterable[str]) -> str:
    """Finished sentences after each other: with a blank between them, but none after a full-width stop."""
    joined = ""
    for part in parts:
        blank = (
            " "
            if joined and not joined.rstrip("*").removesuffix("</strong>").endswith(tuple(FULL_WIDTH))
            else ""
        )
        joined += blank + part
    return joined


@dataclass(frozen=True)
class Paper:
    """How one kind of report writes prose and code."""

    text: Callable[[str], str]
    code: Callable[[str], str]
    shown: Callable[[str], str] = escape.visible  # how a string that came with the run is made harmless
    tick: str = ""  # what stands around code that a sentence marks


MARKDOWN = Paper(escape.markdown_text, escape.markdown_code)
HTML = Paper(escape.html_text, escape.html_code)
PLAIN = Paper(escape.plain, escape.plain)
TERMINAL = Paper(escape.plain, escape.plain, escape.printable, "`")  # lines beside a report: paths stay whole


@dataclass(frozen=True)
class Span:
    """A stretch of one sentence; code is what stood between backticks or came from the run."""

    text: str
    code: bool


@dataclass(frozen=True)
class Writer:
    """Renders values of the diagnosis in one language for one kind of report."""

    language: Language
    paper: Paper

    def text(self, text: Text) -> str:
        """A sentence, translated and escaped."""
        spans = groupby(self._spans(text, code=False), key=lambda span: span.code)
        joined = ((code, "".join(span.text for span in group)) for code, group in spans)
        return "".join(self.paper.code(s) if code else self.paper.text(counted(s)) for code, s in joined)

    def name(self, hostile: str, limit: int = escape.LIMIT) -> str:
        """A string that came with the run: a tag, a path, a setting."""
        return self.paper.code(escape.visible(hostile, limit)) if hostile else ""

    def word(self, group: str, identifier: str) -> Text:
        """The human name of an id in this language, to stand in a sentence."""
        return verbatim(escape.visible(self.language.label(group, identifier)))

    def _spans(self, text: Text, *, code: bool) -> Iterator[Span]:
        inside = code
        for literal, name, spec, conversion in Formatter().parse(self.language.sentence(text.template)):
            for n, piece in enumerate(literal.split("`")):
                inside = inside ^ (n > 0)
                if n and self.paper.tick:
                    yield Span(self.paper.tick, code=False)
                if piece:
                    yield Span(piece, inside)
            if name is not None:
                value = text.values[name]
                if name in NAMED and isinstance(value, str):
                    value = self.word(name, value)
                yield from self._value(repr(value) if conversion == "r" else value, spec or "", code=inside)

    def _value(self, value: Value, spec: str, *, code: bool) -> Iterator[Span]:
        match value:
            case Text():
                yield from self._spans(value, code=code)
            case str():
                yield Span(self.paper.shown(value), code=True)
            case bool():
                yield from self._spans(YES if value else NO, code=code)
            case None:
                yield from self._spans(UNKNOWN, code=code)
            case _:
                yield Span(format(value, spec), code)


def in_english(text: Text) -> str:
    """A sentence without markup, on one line, for what programs read."""
    return Writer(load(ENGLISH), PLAIN).text(text)
