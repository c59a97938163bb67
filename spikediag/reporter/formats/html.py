"""html: the post-mortem as one web page that loads nothing: style, script and figures stand in it."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from spikediag.model import Artifact, Diagnosis, Text, say
from spikediag.reporter.protocol import registry
from spikediag.reporter.selection import close_up_name, main_findings
from spikediag.reporter.templates import environment
from spikediag.reporter.view import CLOSE_UP, OVERVIEW, page
from spikediag.wording import escape, language
from spikediag.wording.escape import visible_lines
from spikediag.wording.language import Language
from spikediag.wording.writer import HTML, PLAIN, Writer


@registry.register
@dataclass(frozen=True)
class Html:
    """`report.html`: figures that zoom, light and dark, printable; it loads nothing from anywhere."""

    id: str = "html"

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:
        """One file, UTF-8."""
        return (Artifact("report.html", to_html(diagnosis, language.code).encode()),)


def to_html(diagnosis: Diagnosis, lang: str = "en") -> str:
    """The whole post-mortem.

    Raises:
        UsageError: there is no such language.
    """
    spoken = language.load(lang)
    writer = Writer(spoken, HTML)
    env = environment(lang, HTML)
    style = env.get_template("page.css.j2").render(themes=_themes())
    script = env.get_template("zoom.js.j2").render()
    return env.get_template("report.html.j2").render(
        **page(diagnosis, writer),
        code_block=_code_block,
        lang=Markup(spoken.code),  # noqa: S704  # the name of a file of ours
        title=Markup(HTML.text(_plain(say("Post-mortem of {run}", run=diagnosis.run.name), spoken))),  # noqa: S704
        style=Markup(style),  # noqa: S704  # ours
        script=Markup(script),  # noqa: S704  # ours
        script_hash=Markup(_hash(script)),  # noqa: S704  # base64
        pictures=[Markup(svg) for svg in _pictures(diagnosis, Writer(spoken, PLAIN))],  # noqa: S704  # svg.py
    )


def to_notebook(diagnosis: Diagnosis) -> str:
    """The page in a frame of its own, so that its style stays out of the notebook.

    Sandboxed: the frame may run the page's script, and reach nothing outside.
    """
    page_of_it = escape.html_text(to_html(diagnosis))
    return (
        f'<iframe srcdoc="{page_of_it}" sandbox="allow-scripts" title="spikediag" '
        'style="width: 100%; height: 40rem; border: 0"></iframe>'
    )


def _plain(text: Text, spoken: language.Language) -> str:
    return Writer(spoken, PLAIN).text(text)


def _hash(script: str) -> str:
    """What a content security policy calls this script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _pictures(diagnosis: Diagnosis, writer: Writer) -> Iterator[str]:
    from spikediag.reporter.figures.closeup import closeup  # noqa: PLC0415  # Matplotlib is heavy
    from spikediag.reporter.figures.overview import overview  # noqa: PLC0415
    from spikediag.reporter.figures.style import LIGHT, drawing  # noqa: PLC0415
    from spikediag.reporter.figures.svg import svg  # noqa: PLC0415

    with drawing(LIGHT, writer.language) as drawer:
        yield svg(overview(diagnosis, LIGHT, drawer), "overview", writer.text(OVERVIEW), LIGHT)
        for finding in main_findings(diagnosis):
            picture = closeup(diagnosis, finding, LIGHT, drawer)
            yield svg(picture, close_up_name(finding), writer.text(CLOSE_UP), LIGHT)


def _themes() -> dict[str, list[tuple[Markup, Markup]]]:
    from spikediag.reporter.figures.style import DARK, LIGHT  # noqa: PLC0415
    from spikediag.reporter.figures.svg import colours  # noqa: PLC0415

    return {
        name: [(Markup(variable), Markup(colour)) for colour, variable in colours(theme)]  # noqa: S704  # ours
        for name, theme in (("light", LIGHT), ("dark", DARK))
    }


def _code_block(code: str) -> Markup:
    return Markup("<pre><code>{}</code></pre>").format(visible_lines(code))
