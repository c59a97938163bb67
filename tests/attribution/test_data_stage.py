"""data-stage: a setting of the data that steps at the jump, a step that holds more tokens; one that stays."""

import numpy as np
import pytest

import spikediag
from spikediag.model import Status
from tests.attribution.learners import AT, N, burst, found, noise, verdict, weights

SHIFTED = burst(noise(1, 3.0, 0.03), AT, 0.8, N)


CALM = {"train/lr": np.full(N, 3e-4), "train/grad_norm": noise(5, 1.0, 0.05)}


def stepped(at: int, before: float, after: float) -> np.ndarray:
    return np.where(np.arange(N) < at, before, after)


@pytest.mark.parametrize(
    ("tag", "before", "after"),
    [
        ("data/stage", 1, 2),
        ("train/curriculum_level", 0, 3),
        ("train/seq_len", 2048, 8192),
        ("mixture/code", 0.1, 0.4),
        ("phase", 0, 1),
    ],
)
def test_a_setting_that_steps_at_the_onset_is_supported(tag: str, before: float, after: float) -> None:
    finding = found({"train/loss": SHIFTED, tag: stepped(AT, before, after), **CALM})
    assert finding.primary_cause == "data-stage"
    assert not verdict(finding, "data-stage").calibrated  # of what kind the loss is, nobody says
    assert tag in str(verdict(finding, "data-stage").mechanism)


def test_a_setting_that_stays_rules_it_out() -> None:
    finding = found({"train/loss": SHIFTED, "data/stage": np.ones(N)})
    assert verdict(finding, "data-stage").status is Status.RULED_OUT
    said = str(verdict(finding, "data-stage").evidence[0].reading)
    assert said == "data/stage did not change before the jump."


@pytest.mark.parametrize("at", [AT - 250, AT + 30])
def test_so_does_a_step_long_before_among_many_or_after_the_loss(at: int) -> None:
    stage = np.floor(np.arange(N) / 90) if at < AT else stepped(at, 1, 2)
    finding = found({"train/loss": SHIFTED, "data/stage": stage})
    assert finding.primary_cause != "data-stage"


def test_a_length_that_is_a_mean_of_the_batch_speaks_for_it_and_decides_nothing() -> None:
    length = burst(noise(2, 800, 5), AT, 400, N)
    finding = found({"train/loss": SHIFTED, "train/seq_len_mean": length})
    assert weights(finding, "data-stage") == {"data-moved": 1.0}
    assert verdict(finding, "data-stage").status is not Status.SUPPORTED


def test_a_counter_of_samples_that_climbs_faster_from_there_on_tells_it() -> None:
    tokens = np.cumsum(stepped(AT, 4096.0, 8192.0))
    finding = found(
        {"train/loss": SHIFTED, "data/stage": np.ones(N), "num_input_tokens_seen": tokens, **CALM}
    )
    assert finding.primary_cause == "data-stage"
    assert "climbs by 8,192 a step" in str(verdict(finding, "data-stage").mechanism)


def test_a_language_model_that_logs_no_stage_is_told_the_line() -> None:
    finding = found({"train/loss": SHIFTED, "train/perplexity": np.exp(SHIFTED)})
    judged = verdict(finding, "data-stage")
    assert judged.status is Status.NOT_CHECKABLE
    assert "data/stage" in judged.missing[0].code


def test_other_runs_without_such_a_setting_are_not_asked() -> None:
    assert "data-stage" not in {v.cause for v in found({"train/critic_loss": SHIFTED}).verdicts}


def test_a_held_out_loss_that_follows_late_is_led_by_the_loss_that_moved_at_the_switch() -> None:
    rare = np.arange(0, N, 20)
    held_out = np.where(rare < AT + 40, 3.1, 3.9) + noise(7, 0.0, 0.01)[rare]
    curves = {"train/loss": SHIFTED, "data/stage": stepped(AT, 1, 2), **CALM}
    run = spikediag.Run.from_arrays(
        {tag: (np.arange(N), values) for tag, values in curves.items()} | {"eval/loss": (rare, held_out)}
    )
    late = next(f for f in spikediag.diagnose(run).findings if f.spike.tag == "eval/loss")
    assert late.primary_cause == "data-stage"
    assert weights(late, "data-stage")["loss-moved-there"] > 0
