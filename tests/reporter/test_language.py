"""Languages: sentences with the same fields, ids with a name, fonts or a way out."""

import pytest

from spikediag import reporter
from spikediag.errors import UsageError
from spikediag.model import CouplingVerdict, Kind, Role, RunStatus, Status, Text, Tier, say
from spikediag.reporter.figures import fonts
from spikediag.reporter.words import language
from spikediag.reporter.words.writer import HTML, MARKDOWN, PLAIN, Writer
from tests.reporter import builders
from tests.reporter.sentences import fields

IDS = {
    "kind": Kind,
    "status": Status,
    "health": Status,
    "coupling": CouplingVerdict,
    "role": Role,
    "run": RunStatus,
    "tier": Tier,
}
CODES = language.available()


def test_english_and_chinese_are_there() -> None:
    assert CODES == ("en", "zh")


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'tlh'.*en, zh"):
        reporter.render(builders.calm(), ["md"], "tlh")


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
    inner = say("{tag} came back: {before:.4g} before, {after:.4g} after.", tag="a|b", before=1.0, after=2)
    said = writer.text(
        say(
            "Most likely {cause} ({probability:.0%}): {mechanism}",
            cause="resume",
            probability=0.5,
            mechanism=inner,
        )
    )
    for words in ("从断点恢复训练", "50%", "<code>a&#124;b</code> 已回落", "之后 2"):
        assert words in said


def test_values_are_written_for_people() -> None:
    writer = Writer(language.load("en"), HTML)
    assert (
        writer.text(say("{a}, {b}, {c}, {d:,}", a=None, b=True, c="<x>", d=1234))
        == "unknown, yes, <code>&lt;x&gt;</code>, 1,234"
    )
    assert Writer(language.load("en"), PLAIN).text(say("log `{a}` in `b`", a="x")) == "log x in b"
    assert Writer(language.load("en"), MARKDOWN).text(say("log `{a}` in `b`", a="x")) == "log `x` in `b`"


def test_a_chinese_report_is_chinese() -> None:
    (artifact,) = reporter.render(builders.diagnosis(), ["md"], "zh")
    text = artifact.content.decode()
    assert text.startswith("# `bc` 的 loss 跳变分析")
    for words in ("误差没有跟着变", "batch 占数据集比例过大", "为什么在这一步跳变", "检查了哪些内容"):
        assert words in text


def test_without_a_font_figures_are_in_english_and_the_report_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(fonts, "_first", lambda wanted: None)
    spoken = language.load("zh")
    assert fonts.speaker(spoken).language.code == "en"
    assert fonts.speaker(spoken).name("动作/loss") == "\\u52a8\\u4f5c/loss"
    (note,) = reporter.summary(builders.diagnosis(), "zh").notes
    assert "fonts-noto-cjk" in note
    assert "fonts-noto-cjk" in reporter.to_markdown(builders.diagnosis(), "zh")


@pytest.mark.skipif(not fonts.can_draw(language.load("zh")), reason="no Chinese font is installed")
def test_with_a_font_figures_are_chinese() -> None:
    figure = reporter.figure(builders.diagnosis(), lang="zh")
    assert any("没有跟着变" in ax.get_title(loc="right") for ax in figure.axes)
    assert reporter.summary(builders.diagnosis(), "zh").notes == ()
