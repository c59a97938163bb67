"""`spikediag.toml`: what the user says counts, and what is misspelled is not passed over in silence."""

from pathlib import Path

import pytest

from spikediag.errors import UsageError
from spikediag.model import Origin, Role
from spikediag.parser import read_run
from spikediag.parser.user_settings import read_user_settings
from tests.parser.writing import curves, write


@pytest.mark.parametrize(
    ("text", "near"), [("[chek]\nmin-height = 3", "check"), ("[fact]\nx = 1", "facts"), ("[role]", "roles")]
)
def test_an_unknown_table_is_an_error_with_the_nearest_name(tmp_path: Path, text: str, near: str) -> None:
    (tmp_path / "spikediag.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=rf"\[{near}\]"):
        read_user_settings(tmp_path)


def test_overrides(tmp_path) -> None:
    write(tmp_path, curves({"my/thing": [1.0, 2.0], "loss": [3.0, 4.0]}))
    (tmp_path / "spikediag.toml").write_text(
        '[roles]\n"my/thing" = "companion"\nloss = "other"\n[facts]\nbatch_size = 32\n'
    )
    run = read_run(tmp_path)
    assert run.series["my/thing"].role is Role.COMPANION
    assert str(run.series["my/thing"].reason) == "spikediag.toml"
    assert run.series["loss"].role is Role.OTHER
    assert run.fact("batch_size").source == "spikediag.toml: batch_size"
    assert "spikediag.toml" in [file.path for file in run.files]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[roles]\n"a" = "lossy"\n', "unknown role"),
        ("[roles\n", "no valid TOML"),
        ("roles = 3\n", "are tables"),
        ("[facts]\nbatch = 3\n", "no fact"),
        ('[facts]\nbatch_size = "x"\n', "cannot be used"),
    ],
)
def test_bad_settings(tmp_path, text: str, words: str) -> None:
    write(tmp_path, curves({"loss": [1.0]}))
    (tmp_path / "spikediag.toml").write_text(text)
    with pytest.raises(UsageError, match=words):
        read_run(tmp_path)


def test_an_unknown_fact_names_the_file_and_the_nearest_fact(tmp_path: Path) -> None:
    write(tmp_path, curves({"loss": [1.0]}))
    (tmp_path / "spikediag.toml").write_text("[facts]\nbatchsize = 64\n")
    with pytest.raises(UsageError, match=r"spikediag\.toml: \[facts\] 'batchsize' .* 'batch_size'"):
        read_run(tmp_path)


def test_a_role_for_a_tag_that_is_not_logged_names_the_nearest_tag(tmp_path: Path) -> None:
    write(tmp_path, curves({"bc/actor_loss": [1.0], "bc/mse": [1.0]}))
    (tmp_path / "spikediag.toml").write_text('[roles]\n"bc/actor_los" = "other"\n')
    with pytest.raises(UsageError, match=r"spikediag\.toml: \[roles\] names 'bc/actor_los'.*'bc/actor_loss'"):
        read_run(tmp_path)


def test_the_settings_beside_the_event_files_count_before_those_of_the_folder_named(tmp_path: Path) -> None:
    write(tmp_path / "logs", curves({"loss": [1.0]}))
    (tmp_path / "spikediag.toml").write_text("[facts]\nbatch_size = 8\n")
    above = read_run(tmp_path)
    assert above.fact("batch_size").value == 8
    assert above.fact("batch_size").origin is Origin.SETTINGS
    assert above.files[-1].path == "../spikediag.toml"
    (tmp_path / "logs" / "spikediag.toml").write_text("[facts]\nbatch_size = 4\n")
    assert read_run(tmp_path).fact("batch_size").value == 4


@pytest.mark.parametrize(
    "text",
    ["[facts]\nbatch_size = 0x" + "f" * 5000, "[roles]\nloss = 0x" + "f" * 5000, "x = " + "9" * 5000],
    ids=["fact", "role", "digits"],
)
def test_a_number_of_thousands_of_digits_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    write(tmp_path, curves({"loss": [1.0]}))
    (tmp_path / "spikediag.toml").write_text(text)
    with pytest.raises(UsageError, match=r"spikediag\.toml"):
        read_run(tmp_path)


def test_a_run_names_what_its_own_settings_speak_of_unless_they_are_not_asked(tmp_path) -> None:
    write(tmp_path, curves({"my/thing": [1.0, 2.0], "loss": [3.0, 4.0]}))
    text = '[roles]\n"my/thing" = "loss"\n[losses]\nloss = "value"\n[facts]\nbatch_size = 4\n'
    (tmp_path / "spikediag.toml").write_text(text, encoding="utf-8")
    assert read_run(tmp_path).own_settings == ("my/thing", "loss", "batch_size")
    bare = read_run(tmp_path, settings=False)
    assert bare.own_settings == ()
    assert bare.series["my/thing"].role is Role.OTHER


def test_a_folder_named_like_the_settings_is_an_error(tmp_path) -> None:
    (tmp_path / "spikediag.toml").mkdir()
    with pytest.raises(UsageError, match="is no file"):
        read_user_settings(tmp_path)
