"""A report in Chinese, with and without a font that has its letters."""

from spikediag import reporter
from spikediag.reporter.figures import style
from spikediag.wording import language
from tests.reporter import builders


def test_a_chinese_report_is_chinese() -> None:
    (artifact,) = reporter.render(builders.diagnosis(), ["md"], "zh")
    text = artifact.content.decode()
    assert text.startswith("# `bc` 的 loss 跳变分析")
    for words in ("误差没有跟着变", "batch 大", "哪些条件让训练变得脆弱", "检查了哪些内容"):
        assert words in text


def test_without_a_font_figures_are_in_english_and_the_report_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(style, "_first", lambda wanted: None)
    spoken = language.load("zh")
    assert style.speaker(spoken).language.code == "en"
    assert style.speaker(spoken).name("动作/loss") == "\\u52a8\\u4f5c/loss"
    (note,) = reporter.summary(builders.diagnosis(), "zh").notes
    assert "fonts-noto-cjk" in note
    assert "fonts-noto-cjk" in reporter.to_markdown(builders.diagnosis(), "zh")
