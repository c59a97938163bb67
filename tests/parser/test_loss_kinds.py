"""What kind of loss a series is: by its tag, its library, what stands beside it, and what the user says."""

import numpy as np
import pytest

from spikediag.errors import UsageError
from spikediag.model import LossKind, Role
from spikediag.parser import read_run, run_from_arrays
from tests.parser.writing import curves, write

K = LossKind
STEPS = np.arange(40)


def kinds_of(*tags: str, level: float = 1.0, **facts: object) -> dict[str, LossKind]:
    rng = np.random.default_rng(0)
    run = run_from_arrays({tag: (STEPS, level + rng.normal(0, 0.01, 40)) for tag in tags}, facts)
    return {loss.tag: run.loss_kind(loss) for loss in run.having(Role.LOSS)}


@pytest.mark.parametrize(
    "row",
    [
        ("likelihood", "bc/actor_loss", "bc/mse"),
        ("likelihood", "bc/neglogp", "bc/l2_loss"),
        ("unknown", "bc/actor_loss"),
        ("unknown", "train_loss"),
        ("policy_gradient", "train/policy_gradient_loss", "train/value_loss", "train/approx_kl"),
        ("policy_gradient", "train/loss", "train/policy_gradient_loss", "train/approx_kl"),
        ("policy_gradient", "Actor_Loss", "Critic_Baseline_Loss"),
        ("policy_gradient", "ppo/loss/policy", "ppo/loss/value", "ppo/policy/approxkl"),
        ("actor", "train/actor_loss", "train/critic_loss", "train/ent_coef"),
        ("actor", "losses/actor_loss", "losses/qf1_loss"),
        ("actor", "train/loss_actor", "train/loss_critic", "train/temperature"),
        ("value", "train/critic_loss", "train/actor_loss"),
        ("value", "train/loss", "rollout/exploration_rate"),
        ("value", "losses/td_loss", "charts/SPS"),
        ("value", "Loss/td", "Loss/pi"),
        ("actor", "Loss/pi", "Loss/td"),
        ("value", "losses/q1", "losses/policy"),
        ("actor", "losses/policy", "losses/q1"),
        ("cross_entropy", "train/loss", "train/num_tokens"),
        ("cross_entropy", "lm loss", "grad-norm"),
        ("cross_entropy", "logloss", "lr"),
        ("cross_entropy", "TrainIterStats/loss_text_ce"),
        ("cross_entropy", "mtp_1 loss", "lm loss", "lm loss vs samples", "batch-size"),
        ("cross_entropy", "train_loss_step", "val_acc"),
        ("kl_regularised", "train/loss", "train/kl", "train/reward"),
        ("kl_regularised", "train/loss", "train/rewards/margins"),
        ("kl_regularised", "actor/loss", "actor/kl_loss", "critic/rewards/mean"),
        ("denoising", "train/diffusion_loss"),
        ("denoising", "train/loss", "eval/fid"),
        ("reconstruction", "train/recon_loss"),
        ("reconstruction", "train/loss", "train/recon_loss"),
        ("adversarial", "loss/g/total", "loss/d/total"),
        ("adversarial", "train/d_loss", "train/g_loss"),
        ("unknown", "losses/bounds_loss", "info/kl", "rewards/step"),
    ],
    ids=" ".join,
)
def test_tags_and_their_company_tell(row: tuple[str, ...]) -> None:
    expected, tag, *beside = row
    assert kinds_of(tag, *beside)[tag] == expected


def test_a_loss_that_settles_below_zero_beside_its_error_is_a_likelihood() -> None:
    assert kinds_of("my/loss", "my/mse", level=-5.0)["my/loss"] is K.LIKELIHOOD


def test_a_loss_that_is_its_squared_error_in_other_units_is_a_regression() -> None:
    error = np.random.default_rng(3).gamma(2.0, 0.1, 40)
    run = run_from_arrays({"loss": (STEPS, 3 * error), "mse": (STEPS, error)})
    assert run.loss_kind(run.series["loss"]) is K.REGRESSION


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("LlamaForCausalLM", K.CROSS_ENTROPY),
        ("torch.nn.CrossEntropyLoss", K.CROSS_ENTROPY),
        ("dr_grpo", K.KL_REGULARISED),
        ("mse", K.REGRESSION),
        ("gaussian_nll", K.LIKELIHOOD),
        ("flow_matching", K.DENOISING),
        ("my own", K.UNKNOWN),
    ],
)
def test_the_configuration_tells_where_tags_do_not(word: str, kind: LossKind) -> None:
    assert kinds_of("train/loss", objective=word) == {"train/loss": kind}
    assert kinds_of("train/critic_loss", objective=word) == {"train/critic_loss": K.VALUE}


def test_the_models_name_in_a_text_tag_tells(tmp_path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["GPT2LMHeadModel"], "learning_rate": 1e-4}')
    write(tmp_path, curves({"train/loss": [1.0, 2.0]}))
    run = read_run(tmp_path)
    assert run.loss_kind(run.series["train/loss"]) is K.CROSS_ENTROPY
    assert "config.json: architectures.0" in str(run.series["train/loss"].reason)


def test_the_user_has_the_last_word(tmp_path) -> None:
    write(tmp_path, curves({"train/loss": [1.0, 2.0], "train/num_tokens": [1.0, 2.0], "x": [0.0, 1.0]}))
    (tmp_path / "spikediag.toml").write_text('[losses]\n"train/loss" = "likelihood"\nx = "value"\n')
    run = read_run(tmp_path)
    assert run.loss_kinds == {K.LIKELIHOOD, K.VALUE}
    assert run.series["x"].role is Role.LOSS


def test_where_no_kind_is_known_a_note_says_how_to_name_one() -> None:
    unknown = run_from_arrays({"my_loss": (STEPS, np.ones(40))})
    assert '[losses] "my_loss" = "likelihood"' in str(unknown.notes[-1])
    assert not run_from_arrays({"critic_loss": (STEPS, np.ones(40))}).notes
    assert not run_from_arrays({"lr": (STEPS, np.ones(40))}).notes


def test_an_unknown_kind_or_tag_names_what_there_is(tmp_path) -> None:
    write(tmp_path, curves({"train/loss": [1.0, 2.0]}))
    (tmp_path / "spikediag.toml").write_text('[losses]\n"train/loss" = "gaussian"\n')
    with pytest.raises(UsageError, match="unknown kind of loss 'gaussian'; known are likelihood"):
        read_run(tmp_path)
    (tmp_path / "spikediag.toml").write_text('[losses]\n"train/los" = "value"\n')
    with pytest.raises(UsageError, match=r"\[losses\] names 'train/los'.*'train/loss'"):
        read_run(tmp_path)


def test_sigma_may_be_spoken_of_only_where_there_is_one() -> None:
    rng = np.random.default_rng(0)
    ppo = {t: (STEPS, rng.uniform(0.1, 1, 40)) for t in ("train/policy_gradient_loss", "train/value_loss")}
    run = run_from_arrays(ppo)
    assert not any(run.has_sigma(loss) for loss in run.having(Role.LOSS))
    run = run_from_arrays({**ppo, "train/std": (STEPS, rng.uniform(0.1, 1, 40))})
    assert [loss.tag for loss in run.having(Role.LOSS) if run.has_sigma(loss)] == [
        "train/policy_gradient_loss"
    ]
