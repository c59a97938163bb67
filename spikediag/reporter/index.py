"""One page that lists the web pages of a folder of reports: what each says of itself, and a link."""

from collections.abc import Sequence
from html.parser import HTMLParser
from urllib.parse import quote

from spikediag.model import say
from spikediag.reporter.formats.html import GENERATOR, shell
from spikediag.wording import language
from spikediag.wording.escape import html_text, visible
from spikediag.wording.writer import HTML, PLAIN, Writer


class _Head(HTMLParser):
    """What the head of a page says of it: who wrote it, and its line."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.meta: dict[str, str] = {}
        self.feed(page.partition("<style>")[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "meta" and "name" in said:
            self.meta[said["name"]] = said.get("content", "")


def is_ours(page: str) -> bool:
    """Whether spikediag wrote a web page."""
    return _Head(page).meta.get("generator") == GENERATOR


def index(pages: Sequence[tuple[str, str]], lang: str = "en") -> bytes:
    """A page with a line and a link for each report.

    Args:
        pages: the folder of each report, and its web page.
        lang: of the titles; the lines are those of the reports.

    Raises:
        UsageError: there is no such language.
    """
    spoken = language.load(lang)
    writer, title = Writer(spoken, HTML), say("Reports of spikediag")
    rows = "\n".join(
        f'<tr><td><a href="{quote(folder)}/report.html">{html_text(visible(folder))}</a></td>'
        f"<td>{html_text(visible(_Head(page).meta.get('description', ''), 400))}</td></tr>"
        for folder, page in pages
    )
    head = f'<tr><th scope="col">{writer.text(say("run"))}</th>'
    head += f'<th scope="col">{writer.text(say("what happened"))}</th></tr>'
    table = f'<div class="scroll"><table><thead>{head}</thead><tbody>\n{rows}\n</tbody></table></div>'
    plain = Writer(spoken, PLAIN).text(title)
    return shell([f"<h1>{writer.text(title)}</h1>", table], plain, plain, spoken.code).encode()
