"""What is said of a loss are the words of its kind: no sigma where there is none, no dataset for a reward."""

import re
from functools import cache

import numpy as np
import pytest

import spikediag
from spikediag import reporter
from spikediag.model import LossKind
from spikediag.wording import language

N, AT = 400, 250
SIGMA = re.compile(r"log.?std|(?<!\d )sigma", re.IGNORECASE)  # "12 sigma" is the size of a jump in its noise
KINDS = {
    "language model": ("train/loss", ("train/num_tokens", "train/grad_norm", "train/learning_rate")),
    "classifier": ("train_loss", ("val_acc",)),
    "dqn": ("train/loss", ("rollout/exploration_rate", "rollout/ep_rew_mean")),
    "td": ("critic_loss", ("q_values", "eval_return", "grad_norm")),
    "ppo": ("train/policy_gradient_loss", ("train/value_loss", "train/approx_kl", "train/entropy_loss")),
    "sac": ("train/actor_loss", ("train/critic_loss", "train/ent_coef", "rollout/ep_rew_mean")),
    "diffusion": ("train/diffusion_loss", ("train/grad_norm",)),
    "grpo": ("train/loss", ("train/kl", "train/reward", "train/completion_length")),
    "gan": ("train/g_loss", ("train/d_loss",)),
    "autoencoder": ("train/recon_loss", ("train/kl_loss",)),
    "unknown": ("my_loss", ()),
}


@cache
def jumped(loss: str, beside: tuple[str, ...]) -> spikediag.Diagnosis:
    rng = np.random.default_rng(len(loss))
    steps = 10 * np.arange(N)
    values = 1.0 + rng.normal(0, 0.05, N)
    values[AT : AT + 4] += [3.0, 2.0, 1.0, 0.5]
    arrays = {tag: (steps, 1.0 + rng.normal(0, 0.05, N)) for tag in beside}
    return spikediag.diagnose(spikediag.Run.from_arrays({loss: (steps, values), **arrays}))


def everything_said(diagnosis: spikediag.Diagnosis, *, html: bool) -> str:
    """Every word of every text format in every language; a page of HTML draws too, which takes a second."""
    pages = [str(diagnosis.to_dict())]
    for code in language.available():
        pages += [reporter.to_markdown(diagnosis, code), str(reporter.summary(diagnosis, code))]
        pages += [reporter.to_html(diagnosis, code)] if html else []
    said = re.sub(r"<style>.*?</style>", "", "\n".join(pages), flags=re.DOTALL)
    return said.replace("'sigmas'", "")  # a name in JSON, of the size of a jump


@pytest.mark.parametrize("name", KINDS)
def test_no_sigma_is_mentioned_of_a_loss_that_has_none(name: str) -> None:
    diagnosis = jumped(*KINDS[name])
    assert diagnosis.findings
    assert SIGMA.findall(everything_said(diagnosis, html=name == "ppo")) == []


def test_a_gaussian_policy_is_still_told_of_its_sigma() -> None:
    assert SIGMA.search(jumped("bc/actor_loss", ("bc/mse",)).to_markdown())


@pytest.mark.parametrize("name", ["dqn", "td", "ppo", "sac"])
def test_of_data_collected_on_the_way_no_dataset_and_no_action_error_is_asked(name: str) -> None:
    said = jumped(*KINDS[name]).to_markdown()
    assert "dataset_size" not in said
    assert "train/mse" not in said
    assert "loss_scale" not in said


@pytest.mark.parametrize("name", ["language model", "gan", "autoencoder"])
def test_what_does_not_act_is_not_rolled_out(name: str) -> None:
    said = jumped(*KINDS[name]).to_markdown()
    assert "one from after it on data that were not trained on" in said
    assert not re.search(r"[Rr]oll out|success_rate|robot|policy", said)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("language model", '"accuracy"'),
        ("classifier", "logits.argmax"),
        ("unknown", "prediction - target"),
    ],
)
def test_the_error_to_log_is_that_of_the_kind(name: str, line: str) -> None:
    loss, beside = KINDS[name]
    diagnosis = jumped(loss, tuple(tag for tag in beside if "acc" not in tag))
    if name == "classifier":
        diagnosis = jumped("train/ce_loss", ())
    assert line in diagnosis.to_markdown()


def test_every_kind_has_a_name_in_every_language_and_stands_beside_its_loss() -> None:
    for code in language.available():
        names = language.load(code).ids["loss_kind"]
        assert set(names) == set(LossKind) - {LossKind.UNKNOWN}
        assert names["policy_gradient"] in reporter.to_markdown(jumped(*KINDS["ppo"]), code)


def test_a_remedy_is_written_in_the_code_of_the_library() -> None:
    rng = np.random.default_rng(0)
    steps = np.arange(N)
    norms = 1.0 + rng.normal(0, 0.05, N)
    norms[AT] = 80.0
    arrays = {"train/grad_norm": (steps, norms), "train/loss": (steps, 2 + rng.normal(0, 0.05, N))}
    hf = {**arrays, "train/epoch": (steps, steps / N), "train/learning_rate": (steps, np.full(N, 1e-4))}
    said = spikediag.diagnose(spikediag.Run.from_arrays(hf)).to_markdown()
    assert "TrainingArguments(max_grad_norm=1, ...)" in said
    assert 'TrainingArguments(lr_scheduler_type="cosine", max_steps=400, ...)' in said
    assert "torch.optim" not in said
