"""Hostile strings made harmless: tags, run names, paths and settings, for each kind of report.

The one place that escapes. Everything a run brings along passes through `visible` first, which leaves no
character that a terminal, a browser or an editor would obey instead of show.
"""

import html
import re
import unicodedata

LIMIT = 120  # characters of a hostile string that a report shows; JSON keeps it whole

# control, format (bidi, zero width), line and paragraph breaks, lone surrogates, private, unassigned
INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
MARKDOWN_SPECIAL = re.compile(r"([\\`*\[\]<>|~$#!@]|(?<![^\W_])_|_(?![^\W_]))")
RUNNER_COMMAND = re.compile(r"##(?=\w*\[)")  # anywhere in a line: ##[group], ##vso[...], ##teamcity[...]
WORKFLOW_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)  # GitHub trims the line first
FORMULA = re.compile(
    "[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]"
)  # begins one in a spreadsheet, full width too
AS_TEXT = "'"  # before it makes it text there
QUIET_CODE = re.compile(r"[\w/ .:+→\-=,()%@#'\"\[\]{}<>*&;!?^~$\\]*")


def visible(text: str, limit: int = LIMIT) -> str:
    """The text on one line with every invisible character spelled out, shortened in the middle."""
    shown = text if len(text) <= limit else f"{text[: limit * 2 // 3]}…{text[-limit // 3 :]}"
    return "".join(_spell(c) if unicodedata.category(c) in INVISIBLE else c for c in shown)


def visible_lines(code: str) -> str:
    """Code to paste, line by line: a path in it is as hostile as anywhere."""
    return "\n".join(visible(line, limit=1000) for line in code.split("\n"))


def printable(text: str) -> str:
    """The text without control characters: a tag must not move the cursor or colour the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def unobeyed_lines(text: str) -> str:
    """Lines for a log: what a CI runner would obey there instead of showing it gets a blank inside."""
    return WORKFLOW_COMMAND.sub(r"\1: ", RUNNER_COMMAND.sub("# #", text))


def log_json(document: str) -> str:
    """The same JSON for a log: a runner looks for `##[` inside lines, and JSON can write it otherwise."""
    return document.replace("##", "#\\u0023")


def table_cell(path: str) -> str:
    """A path in a table that a person may open as a spreadsheet: never a formula, and still the path."""
    return f"./{path}" if FORMULA.match(path) else path


def spreadsheet_cell(text: str) -> str:
    """A cell that a person may open in a spreadsheet: text never begins a formula there."""
    return f"{AS_TEXT}{text}" if FORMULA.match(text) else text


def text_of_cell(cell: str) -> str:
    """What `spreadsheet_cell` was given."""
    return cell[1:] if cell.startswith(AS_TEXT) and FORMULA.match(cell[1:]) else cell


def _spell(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"


def markdown_text(text: str) -> str:
    """Prose that GitHub shows as it stands."""
    return MARKDOWN_SPECIAL.sub(r"\\\1", text).replace("\\<", "&lt;").replace("\\>", "&gt;")


def markdown_code(text: str) -> str:
    """A code span that holds in prose and in a table cell.

    Backticks and pipes cannot stand in both, so a text with one is written as `<code>` with every
    punctuation mark as a character reference, which Markdown never reads as markup.
    """
    if QUIET_CODE.fullmatch(text) and text.strip():
        return f"`{text}`"
    inner = "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in text)
    return f"<code>{inner}</code>"


def slack_text(text: str) -> str:
    """Prose for a Slack message: no link, no mention, no emphasis of its own."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([*_~`])", "\u200b\\1", escaped)


def slack_code(text: str) -> str:
    """Code in a Slack message; a backtick would end it."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"`{escaped.replace('`', chr(0x2019))}`"


def html_text(text: str) -> str:
    """Text for an element or a quoted attribute."""
    return html.escape(text, quote=True)


def html_code(text: str) -> str:
    """A code element; long names may break at slashes."""
    return f"<code>{html_text(text)}</code>"


def plain(text: str) -> str:
    """The text as it stands: terminals and figures show no markup."""
    return text
