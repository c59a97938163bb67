"""`log-lines`: one block for the clipboard, in the library of the run, of what its log does not hold."""

import ast
from pathlib import Path

import pytest

from spikediag.cli import entry
from tests.conftest import SAMPLE_RUNS
from tests.parser import writing


def printed(run: Path, capsys, *more: str) -> str:
    assert entry.run(["log-lines", str(run), "--lang", "en", *more]) == 0
    return capsys.readouterr().out


def test_what_the_diagnosis_missed_is_logged_in_the_words_of_the_library(capsys) -> None:
    block = printed(SAMPLE_RUNS / "bc_single_trajectory", capsys)
    assert 'info["grad_norm"] = optax.global_norm(grads)' in block
    assert 'info["learning_rate"]' in block
    assert "writer.add_scalar" not in block
    assert 'info["mse"]' not in block  # it is logged


def test_what_is_logged_is_not_asked_for_again(capsys) -> None:
    block = printed(SAMPLE_RUNS / "bc_single_trajectory_full", capsys)
    assert 'info["grad_norm"] =' not in block
    assert "recorder.record(step" in block


@pytest.mark.parametrize("name", ["bc_single_trajectory", "lr_step", "bc_batch_32", "hard_batch"])
def test_the_block_is_python_with_comments(name: str, capsys) -> None:
    block = printed(SAMPLE_RUNS / name, capsys)
    ast.parse(block)
    assert all(line == line.rstrip() for line in block.splitlines())


def test_the_recorder_is_asked_for_dimensions_where_a_loss_has_a_sigma_and_for_samples_elsewhere(
    tmp_path: Path, capsys
) -> None:
    assert "nll=nll_per_dim" in printed(SAMPLE_RUNS / "bc_batch_32", capsys)
    writing.write(tmp_path, writing.curves({"train/loss": [2.0, 1.5, 1.0] * 30}))
    assert "nll=loss_per_sample" in printed(tmp_path, capsys)


def test_the_monitor_is_given_to_a_library_as_it_takes_one(tmp_path: Path, capsys) -> None:
    assert "spikediag.Monitor(" in printed(SAMPLE_RUNS / "bc_batch_32", capsys)
    block = printed(SAMPLE_RUNS / "lr_warm_restart", capsys)
    assert "from spikediag.live.adapters.huggingface import SpikeCallback\n" in block
    assert "trainer.add_callback(SpikeCallback(folder=" in block
    ast.parse(block)


def test_it_speaks_chinese_in_its_comments_only(capsys) -> None:
    assert entry.run(["log-lines", str(SAMPLE_RUNS / "bc_batch_32"), "--lang", "zh"]) == 0
    block = capsys.readouterr().out
    ast.parse(block)
    assert "# 跳变一发生就告知" in block


def test_a_run_that_is_not_there_is_an_error(capsys) -> None:
    assert entry.run(["log-lines", "/no/such/run", "--lang", "en"]) == 2
    assert "does not exist" in capsys.readouterr().err
