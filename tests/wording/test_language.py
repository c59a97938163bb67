"""Languages: sentences with the same fields, ids with a name, fonts or a way out."""

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
from spikediag.sweep.row import NoRun
from spikediag.wording import language
from spikediag.wording.writer import HTML, MARKDOWN, PLAIN, TERMINAL, Writer
from tests.wording.sentences import fields

IDS = {
    "kind": Kind,
    "status": Status,
    "health": Status,
    "coupling": CouplingVerdict,
    "role": Role,
    "run": RunStatus,
    "scan": NoRun,
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


@pytest.mark.parametrize(
    "typed", ["zh", "zh-CN", "zh_CN", "zh_CN.UTF-8", "ZH-Hans", "zh-Hans-CN", "zh_CN.utf8@pinyin"]
)
def test_a_language_is_known_by_every_usual_name(typed: str) -> None:
    assert language.load(typed).code == "zh"


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "tlh_QO"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en:zh"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "de:fr"}, "zh"),
        ({"LC_ALL": "C", "LANGUAGE": "zh_CN"}, "en"),
    ],
)
def test_the_locale_names_the_language_and_an_unknown_one_is_english(environment, code) -> None:
    assert language.of_locale(environment) == code


def test_a_terminal_shows_a_path_whole_and_commands_between_ticks() -> None:
    writer = Writer(language.load("en"), TERMINAL)
    path = "/".join(["runs"] * 60) + "\x1b[2J"
    said = writer.text(say("{path}: `spikediag tags` shows {name!r}.", path=path, name="a"))
    assert said == f"{path[:-4]}\N{REPLACEMENT CHARACTER}[2J: `spikediag tags` shows 'a'."


@pytest.mark.parametrize("code", language.available())
def test_the_fonts_of_a_language_are_known_without_its_sentences(code: str) -> None:
    assert language.fonts_of(code) == language.load(code).fonts
