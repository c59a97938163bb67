"""What must hold of each output, whatever the strings in it are."""

import csv
import json
import re
import tempfile
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree as ET

from markdown_it import MarkdownIt

from spikediag.cli.check_output import Files, publish
from spikediag.cli.report_folder import folder_name
from spikediag.cli.scan import _show, _tell_unread
from spikediag.live.alerts import Alert
from spikediag.live.sinks import Payload, Terminal, posted, to_dict
from spikediag.model import Diagnosis
from spikediag.policy import Policy, baseline
from spikediag.policy.outputs import check_json, comment, github, gitlab, junit, sarif
from spikediag.policy.result import CheckResult, Unread
from spikediag.policy.rules import judge
from spikediag.sweep import Sweep
from spikediag.sweep.result import to_json
from spikediag.text import say

OBEYED = re.compile(r"##\w*\[|^\s*::", re.MULTILINE)
OURS = re.compile(
    r"</?(details|summary|code|br)>|<img src=\"(overview|finding-\d)\.png\" width=\"900\" alt=\"[^\"<>]*\">"
)
OUR_COMMAND = re.compile(r"::(error|warning|notice) file=[^,:]*,title=[^,:]*::")
ELEMENTS = {
    "testsuites",
    "testsuite",
    "testcase",
    "failure",
    "error",
    "skipped",
    "system-out",
    "properties",
    "property",
}
BEGINS_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
NUMBER = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?")
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def one_line(text: str) -> None:
    hidden = {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp", "Cs"}}
    assert hidden <= {"\n"}, hidden


def log(text: str) -> None:
    one_line(text)
    assert not OBEYED.search(text), OBEYED.search(text)


def markdown(text: str) -> None:
    one_line(text)
    for token in (t for block in PARSER.parse(text) for t in (block, *(block.children or ()))):
        own = token.type == "link_open" and token.attrs == {"href": "#appendix"}
        assert own or token.type not in {"link_open", "image", "s_open", "em_open"}, token
        if token.type in {"html_block", "html_inline"}:
            assert "<" not in OURS.sub("", token.content), token


class Page(HTMLParser):
    """Refuses what loads or runs something; there is one script, ours."""

    scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        assert tag not in {"link", "img", "iframe", "object", "base", "form", "meta2"}, tag
        assert not [name for name, _ in attrs if name.startswith("on") or name in {"src", "href"}], attrs


def page(text: str, scripts: int = 1) -> None:
    parser = Page()
    parser.feed(text)
    parser.close()
    assert parser.scripts == scripts


def name(hostile: str) -> None:
    folder = folder_name(hostile)
    assert Path(folder).name == PureWindowsPath(folder).name == folder
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]|[. ]$|^[.-]', folder), folder
    assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³])(\..*)?", folder), folder
    assert 0 < len(folder.encode()) <= 255


def report(diagnosis: Diagnosis, lang: str) -> None:
    markdown(diagnosis.to_markdown(lang))
    json.dumps(diagnosis.to_dict(), allow_nan=False)


def every(result: CheckResult) -> None:
    """All that a check prints and writes."""
    for as_json in (False, True):
        with redirect_stdout(StringIO()) as said:
            publish(result, Files(None, None, None, None), "en", as_json=as_json)
        log(said.getvalue())
    assert json.loads(said.getvalue()) == check_json.to_dict(result)
    for line in github.to_github(result).splitlines():
        one_line(line)
        assert OUR_COMMAND.match(line), line
    markdown(comment.to_markdown(result))
    assert {e.tag for e in ET.fromstring(junit.to_junit(result)).iter()} <= ELEMENTS
    for document in (sarif.to_sarif(result, "0"), gitlab.to_gitlab(result)):
        json.loads(document)


def check(diagnosis: Diagnosis, hostile: str) -> None:
    """A check in which every string attacks its reader."""
    result = CheckResult(
        Policy(), (judge(diagnosis, Policy()),), (Unread(hostile, say("{why}", why=hostile)),)
    )
    every(result)
    entries = baseline.accept(result.runs, hostile, date(2027, 1, 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "baseline.toml")
        path.write_bytes(baseline.to_toml(entries))
        assert baseline.load(path) == entries


def scan(found: Sweep, lang: str) -> None:
    """All that a scan prints and writes."""
    with redirect_stdout(StringIO()) as said, redirect_stderr(StringIO()) as noted:
        _show(found)
        _tell_unread(found)
    log(said.getvalue())
    log(noted.getvalue())
    for line in csv.reader(StringIO(found.to_csv())):
        for cell in line:
            assert not BEGINS_FORMULA.match(cell) or NUMBER.fullmatch(cell), cell
    page(found.to_html(lang), scripts=2)
    json.loads(to_json(found))


def alert(told: Alert, lang: str) -> None:
    """An alert in a terminal, and as it is posted to every kind of address."""
    one_line(str(told))
    Terminal(stream := StringIO(), lang).send(told)
    log(stream.getvalue())
    for shape in Payload:
        document = json.dumps(posted(told, shape, lang), ensure_ascii=False, allow_nan=False)
        assert json.loads(document)
        assert shape is not Payload.SLACK or not re.search("<[!@#]", document), document
        assert shape is not Payload.DISCORD or '"allowed_mentions"' in document, document
    json.dumps(to_dict(told), allow_nan=False)
