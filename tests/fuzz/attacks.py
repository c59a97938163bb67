"""A grammar of strings that something would obey instead of show, one table for each reader."""

import random

RUNNERS = (
    "##[stop-commands]tok", "##[error]x", "##vso[task.setvariable variable=a]b", "##teamcity[message]",
    "::error::pwn", "::add-mask::x", "::set-output name=a::b",
    "section_start:0:a\r\x1b[0K",
)  # fmt: skip
TERMINALS = (
    "\x1b[31m", "\x1b]8;;http://e.x\x07link\x1b]8;;\x07", "\x1b]0;title\x07", "\x9b2J", "\x07", "\b" * 9,
    "\r", "\u202e", "\u2066", "\u200b", "\ud800",
)  # fmt: skip
MARKUP = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\" onload='x", "</code>", "<!--", "-->",
    "]]>", "<![CDATA[", "&lt;b&gt;", "&#60;", "`", "``", "|", "*b*", "_i_", "~~s~~", "[a](javascript:b)",
    "![i](http://e.x/p.png)", "<http://e.x>", "http://e.x", "www.e.x",
    "@user", "#12", "$x^2$", "```\n",
    "\n# heading\n", "\n- list\n", "\n---\n", "{0}", "{{x}}", "{% x %}", "%s", "%0A", "\\",
)  # fmt: skip
TABLES = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(1)",
    "-2+3",
    "\t=1",
    "\n=1",
    "\uff1d1+1",
    ",",
    ";",
    '"',
    "'''",
    '"""',
)
NAMES = (
    "../..", "..\\..\\", "/etc/passwd", "CON", "nul.txt", "com¹", "LPT9.log", "C:x", "a.", "a ", ".git",
    "-rf", "x" * 300, "\0",
)  # fmt: skip
BLANKS = ("", "", " ", "  ", "\t", "\n", "\v", "\f", "\x85", "\xa0", "\u2028", "\u3000")
PIECES = (RUNNERS, TERMINALS, MARKUP, TABLES, NAMES)


def attack(rng: random.Random) -> str:
    """One to four pieces with blanks between them and around."""
    parts = [rng.choice(BLANKS)]
    for _ in range(rng.randrange(1, 5)):
        parts += (rng.choice(rng.choice(PIECES)), rng.choice(BLANKS))
    return "".join(parts)
