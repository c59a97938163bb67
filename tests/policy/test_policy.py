"""Where a policy comes from, and what a wrong one says."""

import os
from pathlib import Path

import pytest

from spikediag.errors import UsageError
from spikediag.policy import Policy, load, not_asked


@pytest.fixture
def repo(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "runs").mkdir()
    return tmp_path


def test_without_a_file_the_policy_is_the_default(repo):
    assert load(repo, {}) == Policy()


def test_spikediag_toml_comes_before_pyproject_and_options_before_both(repo):
    (repo / "pyproject.toml").write_text("[tool.spikediag]\nmin-height = 5\nmin_sigmas = 6\n")
    assert load(repo, {}) == Policy(min_height=5, min_sigmas=6)
    (repo / "spikediag.toml").write_text("[check]\nmin-height = 7\n")
    assert load(repo, {}) == Policy(min_height=7)
    assert load(repo, {"min_height": 8}) == Policy(min_height=8)


def test_the_nearest_file_up_to_the_root_of_the_repository_counts(repo):
    (repo.parent / "spikediag.toml").write_text("[check]\nmin-height = 1\n")
    assert load(repo / "runs", {}) == Policy()
    (repo / "spikediag.toml").write_text("[check]\nmin-height = 2\n")
    assert load(repo / "runs", {}) == Policy(min_height=2)
    (repo.parent / "spikediag.toml").unlink()


def test_a_file_without_our_table_is_passed_over(repo):
    (repo / "spikediag.toml").write_text('[roles]\n"a" = "loss"\n')
    (repo / "pyproject.toml").write_text("[tool.spikediag]\nstrict = true\n")
    assert load(repo, {}) == Policy(strict=True)


def test_a_named_file_is_read_and_no_other(repo):
    (repo / "spikediag.toml").write_text("[check]\nmin-height = 2\n")
    (repo / "nightly.toml").write_text("[check]\nstrict = true\n")
    assert load(repo, {}, repo / "nightly.toml") == Policy(strict=True)
    (repo / "empty.toml").write_text("")
    with pytest.raises(UsageError, match=r"holds no \[check\]"):
        load(repo, {}, repo / "empty.toml")


def test_hyphens_and_underscores_are_the_same_in_names(repo):
    (repo / "spikediag.toml").write_text('[check]\nforbid-kinds = ["level-shift", "Non_Finite"]\n')
    assert load(repo, {}) == Policy(forbid_kinds=frozenset({"level_shift", "non_finite"}))


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("[check]\n\nmin-hight = 3\n", 3, "did you mean 'min-height'?"),
        ("# c\n[check]\nmin-height = 'a'\n", 3, "must be a number of at least 0"),
        ("[check]\nmin-height = -1\n", 2, "must be a number of at least 0"),
        ("[check]\nmin-height = nan\n", 2, "must be a number"),
        ("[check]\nmin-height = true\n", 2, "must be a number"),
        ("[check]\nalpha = 2.0\n", 2, "between 1e-06 and 0.5"),
        ("[check]\nafter-step = 1.5\n", 2, "a whole number"),
        ("[check]\nstrict = 1\n", 2, "must be true or false"),
        ("[check]\nforbid-kinds = 'train'\n", 2, "must be a list"),
        ("[check]\nforbid-kinds = ['trian']\n", 2, "did you mean 'train'?"),
        (
            "[check]\nforbid-couplings = ['x']\n",
            2,
            "There are: coupled, decoupled, no_companion, partly, undecided",
        ),
        (f"[check]\nafter-step = 0x{'f' * 5000}\nstrict = 0x{'f' * 5000}\n", 3, "not that long number"),
        ("[facts]\nstrict = 3\n[check]\nstrict = 3\n", 4, "must be true or false"),
    ],
)
def test_a_wrong_key_is_named_with_its_line(repo, text, line, sentence):
    (repo / "spikediag.toml").write_text(text)
    with pytest.raises(UsageError) as error:
        load(repo, {})
    assert f"spikediag.toml, line {line}, " in str(error.value)
    assert sentence in str(error.value)


def test_the_table_of_pyproject_may_be_spelt_like_that_of_spikediag_toml(repo):
    (repo / "pyproject.toml").write_text("[tool.spikediag.check]\nmin-height = 5\n")
    assert load(repo, {}) == Policy(min_height=5)
    (repo / "pyproject.toml").write_text("[tool.spikediag.check]\nmin-hight = 5\n")
    with pytest.raises(UsageError, match="line 2, min-hight: unknown key; did you mean 'min-height'"):
        load(repo, {})


def test_a_wrong_option_is_named_as_an_option(repo):
    with pytest.raises(UsageError, match=r"^--min-height: must be a number"):
        load(repo, {"min_height": -1.0})


@pytest.mark.parametrize("content", [b"[check\n", b"\xff\xfe", b"a = " + b"[" * 5000, b"x" * 2_000_000])
def test_a_file_that_is_no_settings_file_is_named(repo, content):
    (repo / "spikediag.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"spikediag\.toml"):
        load(repo, {})


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("spikediag.toml", "check = 3\n", "check is a table"),
        ("spikediag.toml", "[chekc]\nstrict = true\n", "'chekc' is no table of it; did you mean 'check'"),
        ("spikediag.toml", f"check = {'9' * 5000}\n", "not valid TOML"),
        ("pyproject.toml", "[tool]\nspikediag = 3\n", "spikediag is a table"),
        ("pyproject.toml", "[tool.spikediag]\ncheck = 3\n", "check is a table"),
    ],
)
def test_what_only_looks_like_a_policy_is_an_error_wherever_it_stands(repo, name, text, sentence):
    (repo / name).write_text(text)
    with pytest.raises(UsageError, match=sentence):
        load(repo, {})
    with pytest.raises(UsageError, match=sentence):
        load(repo / "elsewhere", {}, repo / name)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda p: p.symlink_to("/dev/zero")])
def test_what_is_no_file_is_no_policy_and_is_not_opened(repo, make):
    make(repo / "spikediag.toml")
    with pytest.raises(UsageError, match="is no file"):
        load(repo, {})
    with pytest.raises(UsageError, match="is no file"):
        load(repo / "elsewhere", {}, repo / "spikediag.toml")


def test_the_policy_of_a_run_is_validated_and_not_asked(repo):
    assert not_asked(repo, Policy()) is None
    (repo / "spikediag.toml").write_text("[check]\nmin-height = 1e9\n")
    assert not_asked(repo, Policy()).path == repo / "spikediag.toml"
    assert not_asked(repo, Policy(min_height=1e9)) is None
    (repo / "spikediag.toml").write_text("[check]\nmin-height = 'much'\n")
    with pytest.raises(UsageError, match="must be a number"):
        not_asked(repo, Policy())


def test_a_missing_file_is_named(repo):
    with pytest.raises(UsageError, match=r"gone\.toml: No such file"):
        load(repo, {}, repo / "gone.toml")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[tool.spikediag]\nmin-height = 1\n[tool.spikediag.check]\nstrict = true\n"),
        ("ci.toml", "[check]\nstrict = true\n[chek]\nmin-height = 1\n"),
        ("spikediag.toml", "[check]\nstrict = true\n[chek]\nmin-height = 1\n"),
    ],
)
def test_what_stands_beside_the_policy_and_belongs_to_nobody_is_an_error(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match="is no table of it"):
        load(tmp_path, {}, tmp_path / name)


def test_a_number_that_no_float_can_hold_is_an_error(tmp_path):
    (tmp_path / "spikediag.toml").write_text(f"[check]\nmin-height = {'9' * 400}\n")
    with pytest.raises(UsageError, match="min-height"):
        load(tmp_path, {})
