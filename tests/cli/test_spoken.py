"""The language of a command: its option, spikediag.toml, the locale."""

import re

import pytest

from spikediag.cli import entry
from tests.conftest import SAMPLE_RUNS

CALM, FLAGSHIP = str(SAMPLE_RUNS / "calm"), str(SAMPLE_RUNS / "bc_single_trajectory")
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys, *arguments):
    entry.run(list(arguments))
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_without_a_word_it_is_english(here, capsys):
    assert not HAN.search(said(capsys, "scan", CALM))


@pytest.mark.parametrize("typed", ["zh", "zh-CN", "zh_CN.UTF-8", "zh-Hans"])
def test_the_option_speaks(here, capsys, typed):
    assert "结论" in said(capsys, "scan", CALM, "--lang", typed)


def test_the_locale_speaks_and_settings_speak_louder_and_the_option_loudest(here, capsys, monkeypatch):
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert HAN.search(said(capsys, "scan", CALM))
    (here / "spikediag.toml").write_text('lang = "en"\n')
    assert not HAN.search(said(capsys, "scan", CALM))
    assert HAN.search(said(capsys, "scan", CALM, "--lang", "zh"))


def test_settings_beside_the_run_speak(here, capsys):
    (here / "logs").mkdir()
    (here / "logs" / "spikediag.toml").write_text('lang = "zh-CN"\n')
    (here / "logs" / "progress.csv").write_text("step,loss\n" + "".join(f"{n},1.0\n" for n in range(9)))
    assert "角色" in said(capsys, "tags", "logs")


def test_an_unknown_language_is_one_sentence_that_names_the_known_ones(here, capsys):
    wrong = said(capsys, "scan", CALM, "--lang", "tlh")
    assert wrong == "spikediag: there is no language 'tlh'; choose one of en, zh.\n"
    (here / "spikediag.toml").write_text('\nlang = "tlh"\n')
    wrong = said(capsys, "scan", CALM)
    assert "spikediag.toml, line 2, lang: there is no language 'tlh'" in wrong


def test_an_unknown_locale_is_english(here, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "tlh_QO.UTF-8")
    assert not HAN.search(said(capsys, "scan", CALM))


ERRORS = [
    ["scan", "nowhere"],
    ["tags", "."],
    ["analyze", CALM, "--format", "mdd"],
    ["analyze", CALM, "--fact", "x"],
    ["check", CALM, "--reason", "x"],
    ["compare", CALM, CALM, "--by", "moon"],
    ["compare", "", CALM],
    ["explain", "resum"],
    ["check", CALM, "--forbid-kinds", "spikey"],
]


@pytest.mark.parametrize("arguments", ERRORS, ids=" ".join)
def test_errors_speak(here, capsys, arguments):
    wrong = said(capsys, *arguments, "--lang", "zh")
    assert wrong.startswith("spikediag: ")
    assert wrong.count("\n") == 1
    assert not prose(wrong)


def prose(text):
    """Runs of four English words or more, outside of what is code, a path or an id."""
    bare = re.sub(r"`[^`]*`|\S*[/\\]\S*|\S*[._=\"\[\]{}#*<>]\S*|https?:\S+|--\S+", " | ", text)
    return re.findall(r"(?:\b[a-z]{2,}\b[ ;]+){3,}\b[a-z]+\b", bare)


COMMANDS = [
    ["scan", CALM],
    ["scan", FLAGSHIP],
    ["check", FLAGSHIP],
    ["check", CALM, "--strict"],
    ["tags", FLAGSHIP],
    ["tags", CALM],
    ["compare", FLAGSHIP, str(SAMPLE_RUNS / "bc_batch_32")],
    ["compare", FLAGSHIP, str(SAMPLE_RUNS / "bc_batch_32"), "--table"],
    ["analyze", FLAGSHIP, "--format", "md"],
    ["analyze", FLAGSHIP, "--brief"],
    ["explain"],
    ["explain", "resume"],
    ["explain", "train"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_commands_speak(here, capsys, arguments):
    told = said(capsys, *arguments, "--lang", "zh")
    assert HAN.search(told)
    assert not prose(told)
