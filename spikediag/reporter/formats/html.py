"""html: the post-mortem as one web page that loads nothing: style, script, data and figures stand in it."""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import assert_never

from spikediag.model import Artifact, Diagnosis, say
from spikediag.reporter.appendix import close_up_name
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
from spikediag.reporter.document import OVERVIEW, whole_report
from spikediag.reporter.page import main_findings
from spikediag.reporter.protocol import registry
from spikediag.wording import escape, language
from spikediag.wording.escape import html_text, visible_lines
from spikediag.wording.language import Language
from spikediag.wording.writer import HTML, PLAIN, Writer, spaced

OURS = files("spikediag.reporter.formats")
GENERATOR = "spikediag"
SHELL = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src {allowed}; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="spikediag">
<meta name="description" content="{about}">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>{scripts}
</body>
</html>
"""


@registry.register
@dataclass(frozen=True)
class Html:
    """`report.html`: a chart with values under the cursor and a true zoom; it loads nothing from anywhere."""

    id: str = "html"

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:
        """One file, UTF-8."""
        return (Artifact("report.html", to_html(diagnosis, language.code).encode()),)


def to_html(diagnosis: Diagnosis, lang: str = "en") -> str:
    """The whole post-mortem.

    Raises:
        UsageError: there is no such language.
    """
    from spikediag.reporter.chart import chart  # noqa: PLC0415  # Matplotlib is heavy

    spoken = language.load(lang)
    writer, plain = Writer(spoken, HTML), Writer(spoken, PLAIN)
    first, blocks = whole_report(diagnosis, writer)
    paper = _Paper(writer, dict(_pictures(diagnosis, plain)))
    title = say("Post-mortem of {run}", run=first.run)
    body = [
        f"<h1>{writer.text(title)}</h1>",
        f'<p class="headline">{writer.text(first.headline)}</p>',
        *paper.lay_out(blocks, 2),
    ]
    return shell(body, plain.text(title), plain.text(first.headline), spoken.code, chart(diagnosis, plain))


def shell(
    body: Sequence[str], title: str, about: str, lang: str, data: object = None, *, script: str = "chart.js"
) -> str:
    """A page around finished markup; with data, the script that works on them is in it.

    Args:
        body: Markup, escaped already.
        title: Of the window, plain.
        about: What the page says in a line, plain.
        lang: Code of its language.
        data: What the script draws; None for a page without one.
        script: Its file.
    """
    code = (OURS / script).read_text(encoding="utf-8") if data is not None else ""
    kept = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    scripts = f'\n<script id="data" type="application/json">{kept}</script>\n<script>{code}</script>'
    return SHELL.format(
        lang=lang,
        allowed=f"'{_hash(code)}'" if code else "'none'",
        about=html_text(about),
        title=html_text(title),
        style="\n".join((*_themes(), (OURS / "page.css").read_text(encoding="utf-8"))),
        body="\n".join(body),
        scripts=scripts if code else "",
    )


def to_notebook(diagnosis: Diagnosis) -> str:
    """The page in a frame of its own, so that its style stays out of the notebook.

    Sandboxed: the frame may run the page's script, and reach nothing outside.
    """
    page_of_it = escape.html_text(to_html(diagnosis))
    return (
        f'<iframe srcdoc="{page_of_it}" sandbox="allow-scripts" title="spikediag" '
        'style="width: 100%; height: 60rem; border: 0"></iframe>'
    )


@dataclass(frozen=True)
class _Paper(PageLayout):
    """Lays blocks out."""

    writer: Writer
    pictures: dict[str, str]  # SVG by name

    def bold(self, text: str) -> str:
        """Escaped text in bold print."""
        return f"<strong>{text}</strong>"

    def block(self, block: Block, level: int) -> Iterator[str]:
        """One string for each part of a block that shows."""
        match block:
            case Rows():
                rows = "\n".join(self._question(row) for row in block.rows)
                yield f'<div class="scroll"><table class="questions"><tbody>\n{rows}\n</tbody></table></div>'
            case Table():
                yield self._table(block)
            case Bullets():
                yield "<ul>\n" + "\n".join(f"<li>{self.line(row)}</li>" for row in block.rows) + "\n</ul>"
            case Paragraph():
                yield f"<p>{self.writer.text(block.text)}</p>"
            case Pointer():
                yield f'<p><a href="#appendix">{self.writer.text(block.text)}</a></p>'
            case Code():
                yield f"<pre><code>{html_text(visible_lines(block.lines))}</code></pre>"
            case Picture():
                yield self._picture(block)
            case Section():
                yield from self._section(block, level)
            case _:
                assert_never(block)

    def _picture(self, picture: Picture) -> str:
        """The overview is drawn by the script; where none runs, and for close-ups, a figure stands there."""
        drawn = self.pictures[picture.name]
        if picture.name != "overview":
            return f'<div class="figure">{drawn}</div>'
        label = self.writer.text(picture.label)
        return (
            f'<div class="chart" id="chart" tabindex="0" role="group" aria-label="{label}">'
            f'<noscript><div class="figure">{drawn}</div></noscript></div>'
        )

    def _section(self, section: Section, level: int) -> Iterator[str]:
        title = self.writer.text(section.title)
        if section.folded:
            yield f'<details id="appendix"><summary>{title}</summary>'
        else:
            yield f"<h{level}>{title}</h{level}>"
        yield from self.lay_out(section.blocks, level if section.folded else level + 1)
        if section.folded:
            yield "</details>"

    def _question(self, row: QuestionRow) -> str:
        answer = [self.bold(self.writer.text(row.answer))] if row.answer is not None else []
        told = spaced((*answer, *(self.writer.text(text) for text in row.told)))
        return f'<tr><th scope="row">{self.writer.text(row.label)}</th><td>{told}</td></tr>'

    def _table(self, table: Table) -> str:
        flush = [' class="n"' if n in table.numbers else "" for n in range(len(table.head))]
        names = zip(flush, table.head, strict=True)
        head = "".join(f'<th scope="col"{n}>{self.writer.text(cell)}</th>' for n, cell in names)
        rows = "\n".join(
            "<tr>" + "".join(f"<td{n}>{self.cell(c)}</td>" for n, c in zip(flush, row, strict=True)) + "</tr>"
            for row in table.rows
        )
        body = f"<thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody>"
        return f'<div class="scroll"><table>{body}</table></div>'


def _hash(script: str) -> str:
    """What a content security policy calls this script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _pictures(diagnosis: Diagnosis, writer: Writer) -> Iterator[tuple[str, str]]:
    from spikediag.reporter.figures.closeup import closeup  # noqa: PLC0415  # Matplotlib is heavy
    from spikediag.reporter.figures.overview import overview  # noqa: PLC0415
    from spikediag.reporter.figures.style import LIGHT, drawing  # noqa: PLC0415
    from spikediag.reporter.figures.svg import svg  # noqa: PLC0415

    with drawing(LIGHT, writer.language) as drawer:
        yield "overview", svg(overview(diagnosis, LIGHT, drawer), "overview", writer.text(OVERVIEW), LIGHT)
        for finding in main_findings(diagnosis):
            name, picture = close_up_name(finding), closeup(diagnosis, finding, LIGHT, drawer)
            yield name, svg(picture, name, finding.id, LIGHT)


def _themes() -> Iterator[str]:
    """The colours of figures as style variables, light and dark."""
    from spikediag.reporter.figures.style import DARK, LIGHT  # noqa: PLC0415
    from spikediag.reporter.figures.svg import colours  # noqa: PLC0415

    for theme, wrapped in ((LIGHT, "{}"), (DARK, "@media (prefers-color-scheme: dark) {{ {} }}")):
        named = " ".join(f"{variable}: {colour};" for colour, variable in colours(theme))
        yield wrapped.format(f":root {{ {named} }}")
