"""Languages: sentences with the same fields, ids with a name, fonts or a way out."""

import re

import pytest

from spikediag.errors import UsageError
from spikediag.model import (
    CouplingVerdict,
    Kind,
    OutcomeVerdict,
    Role,
    RunStatus,
    Status,
    StepUnit,
    Text,
    say,
)
from spikediag.wording import language
from spikediag.wording.writer import HTML, MARKDOWN, PLAIN, Writer
from tests.conftest import ROOT
from tests.wording.sentences import fields

IDS = {
    "kind": Kind,
    "status": Status,
    "health": Status,
    "coupling": CouplingVerdict,
    "role": Role,
    "run": RunStatus,
    "unit": StepUnit,
    "outcome": OutcomeVerdict,
}
CODES = language.available()


def test_english_and_chinese_are_there() -> None:
    assert CODES == ("en", "zh")


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'tlh'.*en, zh"):
        language.load("tlh")


@pytest.mark.parametrize("code", CODES)
def test_every_value_of_an_enumeration_has_a_name(code: str) -> None:
    spoken = language.load(code)
    for group, values in IDS.items():
        assert set(spoken.ids[group]) == {v.value for v in values}


@pytest.mark.parametrize("code", CODES)
def test_translations_keep_the_fields_and_their_formats(code: str) -> None:
    for english, translated in language.load(code).sentences.items():
        assert fields(english) == fields(translated), english
        values = dict.fromkeys(fields(english), 7)
        assert Text(translated, values)
        translated.format(**values)


def test_ids_have_the_same_names_to_translate() -> None:
    english, chinese = language.load("en").ids, language.load("zh").ids
    assert {g: set(names) for g, names in english.items()} == {g: set(names) for g, names in chinese.items()}


def test_an_id_that_has_no_name_stands_for_itself() -> None:
    assert language.load("zh").label("cause", "cosmic-rays") == "cosmic-rays"


def test_a_sentence_is_translated_inside_and_out() -> None:
    writer = Writer(language.load("zh"), MARKDOWN)
    inner = say(
        "{tag} had not come back when the log ended: {before:.4g} before, {after:.4g} at the end.",
        tag="a|b",
        before=2.0,
        after=3.0,
    )
    said = writer.text(
        say(
            "Most likely {why}: {mechanism}",
            why=say("{cause} ({chance})", cause="resume", chance=say("likely")),
            mechanism=inner,
        )
    )
    for words in ("从断点恢复训练", "很可能", "日志结束时 <code>a&#124;b</code> 仍未回落"):
        assert words in said


def test_values_are_written_for_people() -> None:
    writer = Writer(language.load("en"), HTML)
    assert (
        writer.text(say("{a}, {b}, {c}, {d:,}", a=None, b=True, c="<x>", d=1234))
        == "unknown, yes, <code>&lt;x&gt;</code>, 1,234"
    )
    assert Writer(language.load("en"), PLAIN).text(say("log `{a}` in `b`", a="x")) == "log x in b"
    assert Writer(language.load("en"), MARKDOWN).text(say("log `{a}` in `b`", a="x")) == "log `x` in `b`"


def test_what_reading_wrote_is_retold_and_anything_else_stays_as_it_is() -> None:
    zh = language.load("zh")
    assert zh.retell("the last record is cut off") == "最后一条记录不完整"
    overtaken = "12 points gave way to newer ones of the same step, or were left behind by a resume."
    assert zh.retell(overtaken).startswith("12 个点被同一步的新点取代")
    assert zh.retell("a{b}.yaml was left out: {why}").startswith("a{b}.yaml 未读取")
    assert zh.retell("the last record is cut off, or so") == "the last record is cut off, or so"
    assert language.load("en").retell("the last record is cut off") == "the last record is cut off"


def test_every_sentence_that_is_retold_is_one_that_the_parser_writes() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "spikediag" / "parser").rglob("*.py")
    )
    joined = re.sub(r'"\s*f?"', "", source)
    for pattern in language.load("zh").prose:
        pieces = [piece for piece in re.split(r"\{\w+\}", pattern) if len(piece) > 8]
        assert pieces
        assert all(piece in joined for piece in pieces), pattern
