"""Hostile strings."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from spikediag.wording import escape
from tests.characters import ANY
from tests.conftest import examples

GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("bc/actor_loss", "bc/actor_loss"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\r", "a\\x0ab\\x0d"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("动作损失", "动作损失"),
        ("\U000e0041", "\\ue0041"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(hostile: str, shown: str) -> None:
    assert escape.visible(hostile) == shown


def test_a_long_name_keeps_both_ends() -> None:
    shown = escape.visible("a" * 9_000 + "z")
    assert len(shown) <= escape.LIMIT + 1
    assert shown.startswith("aaa")
    assert shown.endswith("z")


@given(st.text(ANY, max_size=60))
@examples(300)
def test_code_is_one_code_span_even_in_a_table_cell(hostile: str) -> None:
    shown = escape.visible(hostile)
    html = GITHUB.render(f"| a | b |\n|---|---|\n| {escape.markdown_code(shown)} | x |\n")
    assert html.count("<td>") == 2
    assert html.count("<code>") == 1
    assert "<td>x</td>" in html


@given(st.text(ANY, max_size=60))
def test_html_shows_the_text_itself(hostile: str) -> None:
    shown = escape.html_text(escape.visible(hostile))
    assert "<" not in shown
    assert '"' not in shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("run ##[stop-commands]tok", "run # #[stop-commands]tok"),
        ("##vso[task.setvariable]x", "# #vso[task.setvariable]x"),
        ("### heading", "### heading"),
        ("  ::error::pwn", "  : :error::pwn"),
        ("fine\n\t::add-mask::x", "fine\n\t: :add-mask::x"),
        ("std::vector::size", "std::vector::size"),
    ],
)
def test_a_log_shows_what_its_runner_would_obey(line, shown) -> None:
    assert escape.unobeyed_lines(line) == shown


def test_json_in_a_log_means_the_same_and_holds_no_command() -> None:
    document = json.dumps({"##[group]": "####[x] #1 ##vso[y]"})
    assert "##" not in escape.log_json(document)
    assert json.loads(escape.log_json(document)) == json.loads(document)


@pytest.mark.parametrize("path", ["=cmd|' /C calc'!A0", "+1", "-2", "@SUM(1)"])
def test_a_path_in_a_table_is_no_formula_and_still_the_path(path) -> None:
    cell = escape.table_cell(path)
    assert cell[0] == "."
    assert Path(cell) == Path(path)
    assert escape.table_cell("runs/bc") == "runs/bc"
