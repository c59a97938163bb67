"""Facts from every place a library leaves them, with their source, their rivals and their limits."""

# ruff: noqa: E501  # tables of documents

import json
import time
import zipfile

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.hparams import summary_v2
from tensorboard.util import tensor_util

from spikediag.model import FactName, Origin
from spikediag.parser import read_run
from spikediag.parser.facts import fact_keys as fact_keys_module
from spikediag.parser.facts.claims import claims_in
from spikediag.parser.facts.fact_keys import fact_keys
from spikediag.parser.facts.free_text import document_in
from spikediag.parser.facts.safe_documents import UnusableError, parse
from tests.parser.writing import START, curves, scalar, write

LOSS = {"train/loss": [3.0, 2.0, 1.0]}


def text(tag: str, content: str) -> Event:
    record = Event(wall_time=START)
    value = record.summary.value.add(tag=tag)
    value.tensor.CopyFrom(tensor_util.make_tensor_proto(np.array([content.encode()], dtype=object)))
    value.metadata.plugin_data.plugin_name = "text"
    return record


def run_with(folder, *records, **files):
    """A run in `folder/a/b/run` with text records, and files given by path relative to `folder`."""
    run = folder / "a" / "b" / "run"
    write(run, [*records, *curves(LOSS)])
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return read_run(run)


def known(run) -> dict:
    return {name: fact.value for name, fact in run.facts.items()}


HF = json.dumps(
    {
        "per_device_train_batch_size": 8, "gradient_accumulation_steps": 4, "learning_rate": 5e-5, "max_steps": -1,
        "optim": "adamw_torch", "adam_beta1": 0.9, "adam_beta2": 0.999, "weight_decay": 0.0, "max_grad_norm": 1.0,
        "lr_scheduler_type": "linear", "logging_steps": 10, "seed": 42, "per_device_eval_batch_size": 64,
    }
)  # fmt: skip
CLEANRL = "|param|value|\n|-|-|\n|batch_size|256|\n|learning_rate|0.0003|\n|seed|1|\n|anneal_lr|True|\n"
HIORS = "- **batch_size**: 128\n- **dropout_rate**: 0.25\n- **encoder**: resnet\n"
TIANSHOU = "Namespace(actor_lr=0.0003, batch_size=64, hidden_sizes=[64, 64], seed=3, task='Pendulum-v1')"


def test_hugging_face_arguments(tmp_path) -> None:
    run = run_with(tmp_path, text("args/text_summary", HF))
    facts = known(run)
    assert facts["batch_size"] == 8
    assert facts["gradient_accumulation"] == 4
    assert facts["effective_batch_size"] == 32
    assert facts["optimizer"] == "adamw_torch"
    assert facts["lr_schedule"] == "linear"
    assert facts["beta2"] == 0.999
    assert facts["weight_decay"] == 0
    assert facts["log_every"] == 10
    assert "train_steps" not in facts  # -1 says nothing
    assert run.fact("batch_size").source == "text tag args: per_device_train_batch_size"
    assert run.fact("effective_batch_size").confidence < 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (CLEANRL, {"batch_size": 256, "learning_rate": 0.0003, "seed": 1}),
        (HIORS, {"batch_size": 128, "dropout": 0.25}),
        (TIANSHOU, {"batch_size": 64, "learning_rate": 0.0003, "seed": 3}),
        ("```yaml\ntrain:\n  batch_size: 32\n```", {"batch_size": 32}),
        ("batch_size: 16\nlr: 1e-3\n", {"batch_size": 16, "learning_rate": 0.001}),
        ("{'batch_size': 99, 'betas': (0.9, 0.95)}", {"batch_size": 99}),
    ],
    ids=["table", "list", "namespace", "fence", "yaml", "dict"],
)
def test_text_notations(tmp_path, content: str, expected: dict) -> None:
    run = run_with(tmp_path, text("hyperparameters/text_summary", content))
    assert expected.items() <= known(run).items()


def test_one_text_tag_per_argument(tmp_path) -> None:
    arguments = {"micro_batch_size": "4", "global_batch_size": "64", "lr": "0.00015", "adam_beta2": "0.999"}
    run = run_with(tmp_path, *(text(f"{tag}/text_summary", value) for tag, value in arguments.items()))
    assert run.fact("batch_size").value == 64
    assert run.fact("batch_size").source == "text tags: global_batch_size"
    assert run.fact("effective_batch_size").value == 64
    assert run.fact("learning_rate").value == 0.00015


def test_hparams_plugin(tmp_path) -> None:
    record = Event(
        wall_time=START, summary=summary_v2.hparams_pb({"batch_size": 256, "lr": 3e-4, "opt": "adam"})
    )
    run = run_with(tmp_path, record)
    assert run.fact("batch_size").value == 256
    assert run.fact("batch_size").source == "hparams: batch_size"
    assert run.fact("optimizer").value == "adam"


FILES = {
    "a/b/run/hparams.yaml": ("batch_size: 64\nlr: 0.001\n", {"batch_size": 64, "learning_rate": 0.001}),
    "a/b/run/config.yaml": ("wandb_version: 1\nbatch_size:\n  desc: null\n  value: 48\n", {"batch_size": 48}),
    "a/b/run/files/config.yaml": ("batch_size:\n  value: 40\n", {"batch_size": 40}),
    "a/b/run/.hydra/config.yaml": ("train:\n  batch_size: 33\noptimizer:\n  _target_: torch.optim.AdamW\n  lr: 1e-4\n",
                                   {"batch_size": 33, "optimizer": "AdamW", "learning_rate": 1e-4}),
    "a/b/run/params/agent.yaml": ("algorithm:\n  learning_rate: 0.001\n  schedule: adaptive\n  max_grad_norm: 1.0\n",
                                  {"learning_rate": 0.001, "lr_schedule": "adaptive", "grad_clip": 1.0}),
    "a/b/run/args.yml": ("!!python/object/apply:collections.OrderedDict\n- - - batch_size\n    - 100\n", {"batch_size": 100}),
    "a/b/run/config.toml": ("[training]\nbatch_size = 7\nsteps = 1000\n", {"batch_size": 7, "train_steps": 1000}),
    "a/b/run/flags.json": ('{"agent": {"batch_size": 1024, "lr": 0.0003}}', {"batch_size": 1024}),
    "a/config.json": ('{"train": {"batch_size": 100}, "algo": {"optim_params": {"policy": {"learning_rate": {"initial": 1e-4}}}}}',
                      {"batch_size": 100, "learning_rate": 1e-4}),
    "a/b/run/meta/info.json": ('{"total_frames": 418, "features": {"action": {"shape": [7]}}}',
                               {"dataset_size": 418, "action_dim": 7}),
    "a/b/configuration.yaml": ("behaviors:\n  Soccer:\n    hyperparameters:\n      batch_size: 2048\n", {"batch_size": 2048}),
    "a/b/run/train_config.json": ('{"batch_size": 8, "steps": 100000, "optimizer": {"type": "adam", "betas": [0.9, 0.95], "grad_clip_norm": 10}}',
                                  {"batch_size": 8, "train_steps": 100000, "optimizer": "adam", "beta2": 0.95, "grad_clip": 10}),
    "a/b/run/ppo_config.json": ('{"batch_size": 256, "mini_batch_size": 16, "learning_rate": 1.41e-05}',
                                {"batch_size": 256, "learning_rate": 1.41e-05}),
    "a/b/run/ds_config.json": (('{"train_micro_batch_size_per_gpu": 4, "gradient_accumulation_steps": 8, "gradient_clipping": 1.0,'
                               ' "bf16": {"enabled": true}, "fp16": {"enabled": false}, "train_batch_size": "auto",'
                               ' "optimizer": {"type": "AdamW", "params": {"lr": 1e-5, "betas": [0.9, 0.95]}}}'),
                               {"batch_size": 4, "effective_batch_size": 32, "grad_clip": 1.0, "mixed_precision": "bf16",
                                "optimizer": "AdamW", "learning_rate": 1e-5, "beta2": 0.95}),
    "a/b/run/settings/train.ini": ("seed = 3\n[training]\nbatch_size = 256\nlr = 3e-4\n", {"batch_size": 256, "learning_rate": 3e-4, "seed": 3}),
    "a/b/run/setup_config.cfg": ("[data]\nn_train = 400\n", {"dataset_size": 400}),
    "a/b/run/args.txt": ("Namespace(batch_size=64, lr=0.001)", {"batch_size": 64, "learning_rate": 0.001}),
    "a/b/run/config.py": (("import jax\n\nBATCH_SIZE = 32\nopt = dict(lr=1)\n\n\nclass Train(Base):\n    learning_rate: float = 3e-4\n"
                          "    optimizer = {'betas': (0.9, 0.95)}\n    seed = make_seed()\n"),
                          {"batch_size": 32, "learning_rate": 3e-4, "beta2": 0.95}),
    "a/b/run/params.json": ('{"config": {"params": {"batch_size": 256}}}', {"batch_size": 256}),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_configuration_files(tmp_path, name: str) -> None:
    content, expected = FILES[name]
    run = run_with(tmp_path, **{name: content})
    assert expected.items() <= known(run).items()
    assert run.files[-1].path.endswith(name.rpartition("/")[2])


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("run_bc.sh", "python train.py --batch_size 256", "was seen and not read"),
        ("training_args.bin", "\x80\x02", "was seen and not read"),
        ("config.gin", "train.batch_size = 3", "was seen and not read"),
        ("config.py", "raise SystemExit\n", "it states no fact as plain data, and code is not run"),
        ("config.py", "batch_size = 3\nclass (:\n", "was left out: malformed"),
        ("config.ini", "[a\nb\n", "was left out: malformed"),
    ],
)
def test_what_is_seen_and_not_read_is_said(tmp_path, name: str, content: str, words: str) -> None:
    run = run_with(tmp_path, **{f"a/b/run/{name}": content})
    assert [note for note in map(str, run.notes) if note.startswith(name) and words in note]
    assert not run.facts


def test_python_is_read_and_never_run(tmp_path) -> None:
    done = tmp_path / "done"
    code = f"open({str(done)!r}, 'w').write('x')\nbatch_size = 8\nlr = __import__('os').getpid()\n"
    run = run_with(tmp_path, **{"a/b/run/config.py": code})
    assert known(run) == {"batch_size": 8}
    assert not done.exists()


def test_a_python_file_nested_without_end_is_left_out(tmp_path) -> None:
    run = run_with(tmp_path, **{"a/b/run/config.py": "x = " + "[" * 5000 + "]" * 5000})
    assert any("malformed" in note for note in map(str, run.notes))


def test_a_floor_below_zero_is_kept_as_it_was_stated(tmp_path) -> None:
    run = run_with(tmp_path, **{"a/b/run/train_config.json": '{"policy": {"std_min": -5, "std_max": 2}}'})
    assert run.fact("sigma_min").value == -5


@pytest.mark.parametrize(
    ("key", "fact"),
    [
        ("min_action_std", "sigma_min"),
        ("actor_std_min", "sigma_min"),
        ("squash_output", "tanh_squash"),
        ("tanh_squashed", "tanh_squash"),
    ],
)
def test_other_names_of_bounds_of_a_policy(tmp_path, key: str, fact: str) -> None:
    run = run_with(tmp_path, **{"a/b/run/config.json": f'{{"policy": {{"{key}": 1}}}}'})
    assert str(run.fact(fact).value).startswith("1")


def test_demonstrations_are_not_the_dataset_of_an_on_line_learner(tmp_path) -> None:
    sizes = {
        "train/offline_replay_buffer_size": [250.0] * 3,
        "train/replay_buffer_size": [10.0, 500.0, 990.0],
    }
    write(tmp_path, curves({**LOSS, **sizes}))
    fact = read_run(tmp_path).fact("dataset_size")
    assert fact.value == 990
    assert not fact.conflicts


def test_stable_baselines3_archive(tmp_path) -> None:
    write(tmp_path / "run", curves(LOSS))
    with zipfile.ZipFile(tmp_path / "run" / "model.zip", "w") as archive:
        content = {
            "batch_size": 64, "buffer_size": 1_000_000, "learning_rate": 0.0003, "policy_class": {":serialized:": "gAWV"},
            "action_space": {":type:": "<class>", ":serialized:": "gAWV", "_shape": [7]},
        }  # fmt: skip
        archive.writestr("data", json.dumps(content))
    run = read_run(tmp_path / "run")
    assert run.fact("batch_size").source == "model.zip: batch_size"
    assert run.fact("action_dim").value == 7
    assert run.fact("dataset_size").value is None  # a capacity is no dataset


def test_the_order_of_trust_and_conflicts(tmp_path) -> None:
    name = "a/b/run/config.yaml"
    record = text("args", '{"batch_size": 32}')
    run = run_with(
        tmp_path, record, **{name: "batch_size: 64\n", "a/config.yaml": "batch_size: 32\nlr: 0.1\n"}
    )
    fact = run.fact("batch_size")
    assert (fact.value, fact.source) == (32, "text tag args: batch_size")
    assert fact.conflicts == ("64 (config.yaml: batch_size)",)
    stated = read_run(tmp_path / "a" / "b" / "run", {"batch_size": 128}).fact("batch_size")
    assert (stated.value, stated.source) == (128, "--batch-size")
    assert len(stated.conflicts) == 3


@pytest.mark.parametrize("border", [".git", "pyproject.toml", "package.json"])
def test_the_files_of_a_repository_are_not_of_the_run(tmp_path, border: str) -> None:
    run = run_with(tmp_path, **{"a/config.yaml": "batch_size: 64\n", f"a/{border}": ""})
    assert run.fact("batch_size").value is None


def test_a_file_above_must_tell_of_a_training(tmp_path) -> None:
    run = run_with(tmp_path, **{"a/config.json": '{"hidden_size": 768, "dropout": 0.1, "seed": 3}'})
    assert not run.facts


def test_too_far_above(tmp_path) -> None:
    run = run_with(tmp_path / "x", **{"../config.yaml": "batch_size: 64\n"})
    assert run.fact("batch_size").value is None


def test_other_parts_do_not_speak_for_the_training() -> None:
    document = {
        "eval": {"batch_size": 1},
        "val_dataloader": {"batch_size": 2},
        "critic": {"lr": 1.0},
        "test": {"seed": 2},
    }
    assert not [c for c in claims_in(document, "x", 5) if c.name in ("batch_size", "learning_rate")]
    claims = {c.name: c.value for c in claims_in({**document, "train": {"batch_size": 9, "lr": 0.1}}, "x", 5)}
    assert claims["batch_size"] == 9
    assert claims["learning_rate"] == 0.1


def test_stated_absence_is_a_value(tmp_path) -> None:
    run = run_with(
        tmp_path,
        **{"a/b/run/config.yaml": "batch_size: 4\nmax_grad_norm: null\nsampling: with_replacement\n"},
    )
    assert run.fact("grad_clip").value == "none"
    assert run.fact("sampling").value == "replacement"


def test_the_user_may_state_an_absence(tmp_path) -> None:
    assert run_with(tmp_path, **{"a/b/run/spikediag.toml": '[facts]\ngrad_clip = "none"\n'}).fact(
        "grad_clip"
    ).value == ("none")


def test_every_fact_that_can_be_asked_for_can_be_read() -> None:
    assert list(fact_keys()) == list(FactName)


@pytest.mark.parametrize(
    ("document", "name", "value"),
    [
        ({"trainer": {"precision": "bf16-mixed"}}, FactName.PRECISION, "bf16-mixed"),
        ({"mixed_precision": "fp16"}, FactName.MIXED_PRECISION, "fp16"),
        ({"torch_dtype": "bfloat16"}, FactName.DTYPE, "bfloat16"),
        ({"target_update_interval": 300}, FactName.TARGET_UPDATE_INTERVAL, 300),
        ({"target_update_period": 100}, FactName.TARGET_UPDATE_PERIOD, 100),
        ({"target_network_frequency": 500}, FactName.TARGET_NETWORK_FREQUENCY, 500),
        ({"eval_freq": 5000}, FactName.EVAL_INTERVAL, 5000),
    ],
)
def test_facts_that_only_causes_ask_for(document, name, value) -> None:
    claims = {claim.name: claim.value for claim in claims_in(document, "config.yaml", Origin.BESIDE)}
    assert claims == {name: value}


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x0: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join(['*' + old] * 9)}]}}\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "content",
    [
        BOMB + "batch_size: 3\n",
        MERGES,
        "[" * 20_000,
        "a: &a [*a]\nbatch_size: 4\n",
        "!!python/object/apply:os.system ['touch /tmp/never']\n",
        "\x00\x01",
        "- " * 5000,
        "x: " + "9" * 10_000,
        "batch_size: .nan\nlr: .inf\n",
        "? {a: b}\n: c\n",
        "? !!float\n",
    ],
    ids=[
        "aliases",
        "merges",
        "deep",
        "cycle",
        "object",
        "binary",
        "lists",
        "digits",
        "nan",
        "key",
        "empty float",
    ],
)
def test_hostile_yaml(tmp_path, content: str) -> None:
    run = run_with(tmp_path, **{"a/b/run/config.yaml": content})
    assert run.series
    assert run.fact("batch_size").value in (None, 3, 4)


@pytest.mark.parametrize(
    "content", ["[" * 200_000, '{"a": 1e999, "batch_size": NaN}', "9" * 100_000, "null", "{"]
)
def test_hostile_json(tmp_path, content: str) -> None:
    run = run_with(tmp_path, **{"a/b/run/config.json": content})
    assert run.fact("batch_size").value is None


def test_large_files_are_skipped_and_said_so(tmp_path) -> None:
    run = run_with(tmp_path, **{"a/b/run/config.json": '{"batch_size": 3, "x": "' + "y" * (1 << 20) + '"}'})
    assert run.fact("batch_size").value is None
    assert any("config.json was left out: larger than" in note for note in map(str, run.notes))


def test_no_object_is_built() -> None:
    with pytest.raises(UnusableError):
        parse("a: [", ".yaml")
    assert parse("!!python/name:os.system ''", ".yaml") == ""


def test_console_logs(tmp_path) -> None:
    run = run_with(
        tmp_path, **{"a/b/run/train.log": "hello\nbc replay buffer size: 418\n", "a/b/run/notes.txt": "x"}
    )
    fact = run.fact("dataset_size")
    assert (fact.value, fact.source) == (418, "train.log: line 2")
    assert fact.confidence < 1
    trainer = (
        "***** Running training *****\n  Num examples = 1,000\n  Instantaneous batch size per device = 8\n"
    )
    run = run_with(tmp_path / "hf", **{"a/b/run/stdout.txt": trainer})
    assert (run.fact("dataset_size").value, run.fact("batch_size").value) == (1000, 8)


def test_dataset_size_from_fractional_epochs(tmp_path) -> None:
    steps = list(range(10, 1010, 10))
    epochs = [round(step / 52.25, 2) for step in steps]
    write(tmp_path, curves({"train/loss": [1.0] * 100, "train/epoch": epochs}, steps=steps))
    assert abs(read_run(tmp_path, {"batch_size": 8}).fact("dataset_size").value - 418) <= 1


def test_dataset_size_from_samples_per_epoch(tmp_path) -> None:
    epochs = list(range(1, 21))
    tags = {
        "bc/neglogp": [1.0] * 20, "bc/prob_true_act": [1.0] * 20, "bc/epoch": epochs,
        "bc/samples_so_far": [417 * epoch for epoch in epochs],
    }  # fmt: skip
    write(tmp_path, curves(tags))
    fact = read_run(tmp_path).fact("dataset_size")
    assert fact.value == 417
    assert fact.confidence < 1
    assert fact.source == "derived: bc/samples_so_far per bc/epoch"


def test_dataset_size_from_steps_per_epoch(tmp_path) -> None:
    steps = list(range(0, 1000, 10))
    write(tmp_path, curves({"train_loss": [1.0] * 100, "epoch": [step // 50 for step in steps]}, steps=steps))
    fact = read_run(tmp_path, {"batch_size": 8}).fact("dataset_size")
    assert fact.value == 400
    assert fact.confidence < 1


def test_a_batch_size_from_two_axes(tmp_path) -> None:
    tags = ("lm loss", "grad-norm")
    write(
        tmp_path,
        [
            scalar(name, step, 1.0)
            for k in range(1, 6)
            for tag in tags
            for name, step in ((tag, k), (f"{tag} vs samples", 32 * k))
        ],
    )
    (tmp_path / "args.yaml").write_text("global_batch_size: 256\n")
    fact = read_run(tmp_path).fact("batch_size")
    assert (fact.value, fact.source) == (32, "axes of grad-norm")
    assert fact.conflicts == ("256 (args.yaml: global_batch_size)",)


def test_a_logged_batch_size_is_best(tmp_path) -> None:
    write(tmp_path, curves({"loss": [1.0, 1.0], "batch-size": [16.0, 16.0]}))
    (tmp_path / "config.yaml").write_text("batch_size: 4\n")
    fact = read_run(tmp_path).fact("batch_size")
    assert (fact.value, fact.source) == (16, "scalar batch-size")
    assert fact.conflicts == ("4 (config.yaml: batch_size)",)


def test_histograms_of_log_std_become_a_series(tmp_path) -> None:
    records = []
    for step in range(4):
        record = Event(wall_time=START + step, step=step)
        histogram = record.summary.value.add(tag="policy/log_std").histo
        histogram.min, histogram.max, histogram.num, histogram.sum = -3 - step, -1, 7, -14.0 - 7 * step
        histogram.bucket_limit.extend([-2, -1])
        histogram.bucket.extend([3, 4])
        records.append(record)
    write(tmp_path, [*curves(LOSS), *records])
    run = read_run(tmp_path)
    np.testing.assert_allclose(run.series["policy/log_std"].values, [-2, -3, -4, -5])
    np.testing.assert_allclose(run.series["policy/log_std/min"].values, [-3, -4, -5, -6])
    assert {s.tag: s.reduction.value for s in run.having(run.series["policy/log_std"].role)} == {
        "policy/log_std": "mean",
        "policy/log_std/min": "min",
    }


def test_histograms_of_tensorflow_2(tmp_path) -> None:
    records = []
    for step in range(3):
        record = Event(wall_time=START + step, step=step)
        value = record.summary.value.add(tag="actor/std")
        bins = np.array([[0.0, 0.0, 0.0], [1.0, 3.0, 2.0], [3.0, 5.0, 2.0]])
        value.tensor.CopyFrom(tensor_util.make_tensor_proto(bins))
        value.metadata.plugin_data.plugin_name = "histograms"
        records.append(record)
    write(tmp_path, [*curves(LOSS), *records])
    run = read_run(tmp_path)
    np.testing.assert_allclose(run.series["actor/std"].natural.values, np.log([3.0] * 3))
    np.testing.assert_allclose(run.series["actor/std/min"].values, [1.0] * 3)


def test_broken_hyper_parameters_are_nothing(tmp_path) -> None:
    record = Event(wall_time=START)
    value = record.summary.value.add(tag="_hparams_/session_start_info")
    value.metadata.plugin_data.plugin_name = "hparams"
    value.metadata.plugin_data.content = b"\xff\xff no protocol buffer"
    run = run_with(tmp_path, record)
    assert run.series
    assert not run.facts


def test_a_scalar_of_the_same_name_as_a_histogram_wins(tmp_path) -> None:
    record = Event(wall_time=START, step=1)
    histogram = record.summary.value.add(tag="log_std").histo
    histogram.num, histogram.sum = 1, -9.0
    write(tmp_path, [record, *curves({"log_std": [-1.0, -2.0]})])
    assert read_run(tmp_path).series["log_std"].values.tolist() == [-1.0, -2.0]


def test_sessions_that_say_otherwise(tmp_path) -> None:
    for k, batch in enumerate((32, 64)):
        table = text("hyperparameters", f"|param|value|\n|-|-|\n|batch_size|{batch}|\n")
        records = curves(LOSS, steps=range(10 * k, 10 * k + 3), wall=START + 100 * k)
        write(tmp_path / f"events.out.tfevents.{k}.host", [table, *records])
    fact = read_run(tmp_path).fact("batch_size")
    assert fact.value == 64
    assert fact.conflicts == ("32 (text tag hyperparameters: batch_size of events.out.tfevents.0.host)",)


@pytest.mark.parametrize(
    "content", ["- x: 1\n" * 40_000, "{" + ", ".join(f"k{k}: *a" for k in range(9)) + "}"]
)
def test_more_unusable_yaml(tmp_path, content: str) -> None:
    run = run_with(tmp_path, **{"a/b/run/config.yaml": content})
    assert any("config.yaml was left out" in note for note in map(str, run.notes))


def test_a_stranger_among_archives(tmp_path) -> None:
    run = run_with(tmp_path, **{"a/b/run/model.zip": "this is no archive"})
    assert any("model.zip was left out" in note for note in map(str, run.notes))


@pytest.mark.parametrize(
    ("value", "word"),
    [("true", "replacement"), ("false", "without_replacement"), ("'no_such_dots'", "no_such_dots")],
)
def test_sampling(tmp_path, value: str, word: str) -> None:
    key = "sampling" if "dots" in value else "replacement"
    run = run_with(tmp_path, **{"a/b/run/config.yaml": f"{key}: {value}\n"})
    assert run.fact("sampling").value == word


def test_the_home_folder_is_everybodys(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "a"))
    assert run_with(tmp_path, **{"a/config.yaml": "batch_size: 64\n"}).fact("batch_size").value is None


def test_hyper_parameters_in_a_folder_of_their_own(tmp_path) -> None:
    write(tmp_path, curves(LOSS))
    record = Event(wall_time=START, summary=summary_v2.hparams_pb({"batch_size": 16}))
    write(tmp_path / "1700000000.5", [record])
    assert read_run(tmp_path).fact("batch_size").value == 16


@pytest.mark.parametrize(
    "content", ["global_batch_size: 64\nmicro_batch_size: 4\n", "train_batch_size: 64\n"]
)
def test_a_batch_of_all_workers_is_not_multiplied_again(tmp_path, content: str) -> None:
    write(tmp_path, curves(LOSS))
    (tmp_path / "config.yaml").write_text(content + "gradient_accumulation_steps: 4\nworld_size: 2\n")
    assert read_run(tmp_path).fact(FactName.EFFECTIVE_BATCH_SIZE).value == 64


def test_a_batch_of_one_worker_is_multiplied_whatever_its_source_is_called(tmp_path) -> None:
    name = "scalar global_batch_size/config.yaml"
    write(tmp_path / name.partition("/")[0], curves(LOSS))
    (tmp_path / name).write_text("batch_size: 64\ngradient_accumulation_steps: 4\n")
    assert read_run(tmp_path).fact(FactName.EFFECTIVE_BATCH_SIZE).value == 256


def test_facts_that_differ_from_the_known_names_fail_loudly(monkeypatch) -> None:
    monkeypatch.setattr(fact_keys_module, "FactName", [*FactName, "invented"])
    with pytest.raises(ValueError, match="invented"):
        fact_keys.__wrapped__()


def test_numbers_of_numpy_are_numbers(tmp_path) -> None:
    write(tmp_path, curves(LOSS))
    run = read_run(tmp_path, {"batch_size": np.int64(3), "learning_rate": np.float32(0.5)})
    assert run.fact(FactName.BATCH_SIZE).value == 3
    assert type(run.fact(FactName.BATCH_SIZE).value) is int
    assert run.fact(FactName.LEARNING_RATE).value == 0.5


def test_a_large_yaml_file_says_that_it_is_too_large(tmp_path) -> None:
    run = run_with(tmp_path, **{"a/b/run/config.yaml": "- x: 1\n" * 40_000})
    assert "config.yaml was left out: larger than 256 kB." in [str(note) for note in run.notes]


@pytest.mark.parametrize("place", ["given", "file", "logged", "derived"])
def test_a_fact_knows_where_it_comes_from(tmp_path, place: str) -> None:
    tags = {"loss": [1.0, 1.0], "batch-size": [16.0, 16.0]} if place == "logged" else LOSS
    write(tmp_path, curves(tags))
    (tmp_path / "config.yaml").write_text("batch_size: 4\ngradient_accumulation_steps: 4\n")
    run = read_run(tmp_path, {"batch_size": 8} if place == "given" else {})
    name = FactName.EFFECTIVE_BATCH_SIZE if place == "derived" else FactName.BATCH_SIZE
    expected = {
        "given": Origin.COMMAND_LINE,
        "file": Origin.BESIDE,
        "logged": Origin.LOGGED,
        "derived": Origin.DERIVED,
    }
    assert run.fact(name).origin is expected[place]


@pytest.mark.parametrize(
    "content",
    [
        "a" * 400_000 + ")",
        "x=[" * 100_000 + ")",
        'x="' * 100_000 + "}",
        "- " + " " * 400_000 + "|",
        "- " + "a " * 200_000,
        "|" + " " * 400_000,
        "\n" * 400_000 + "- *",
    ],
    ids=["word", "brackets", "quotes", "blanks", "key", "cell", "lines"],
)
def test_hostile_text_is_read_in_linear_time(content: str) -> None:
    start = time.process_time()
    document_in(content)
    assert time.process_time() - start < 5


def test_a_hostile_console_log_is_read_in_linear_time(tmp_path) -> None:
    start = time.process_time()
    run_with(tmp_path, **{"a/b/run/train.log": "Total train batch size " * 45_000})
    assert time.process_time() - start < 10


def test_a_table_and_a_list_keep_what_they_say() -> None:
    assert document_in("|param|value|\n|-|-|\n| `lr` | 1e-3 |\n|note|a|b|\n")["lr"] == "1e-3"
    assert document_in("* **batch_size** = `32`\n- drop-out: 0.1\n") == {
        "batch_size": "32",
        "drop-out": "0.1",
    }
    assert document_in("Namespace(lr=0.1, betas=(0.9, 0.95), name='a b')") == {
        "lr": "0.1",
        "betas": "(0.9, 0.95)",
        "name": "a b",
    }


@pytest.mark.parametrize(
    ("key", "written", "word"),
    [
        ("precision", "32", "32"),
        ("precision", "16-mixed", "16-mixed"),
        ("mixed_precision", "false", "false"),
        ("mixed_precision", "true", "true"),
        ("lr_schedule", "false", "false"),
        ("precision", "0.5", None),
    ],
)
def test_a_word_may_be_written_as_a_whole_number_or_a_switch(
    tmp_path, key: str, written: str, word: str | None
) -> None:
    run = run_with(tmp_path, **{"a/b/run/config.yaml": f"{key}: {written}\n"})
    assert run.fact(FactName(key)).value == word


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("meta/info.json", {"features": {"action": {"shape": [2], "names": ["x", "gripper"]}}}),
        ("meta/info.json", {"features": {"action": {"names": {"motors": ["x", "gripper"]}}}}),
        ("config.json", {"env": {"action_names": ["x", "gripper"]}}),
    ],
)
@pytest.mark.parametrize("where", ["a/b/run", "a"])
def test_a_configuration_says_what_the_dimensions_are_called(name, document, where, tmp_path):
    run = run_with(tmp_path, **{f"{where}/{name}": json.dumps(document)})
    assert run.action_names == ("x", "gripper")


@pytest.mark.parametrize(
    "document",
    ["{", "[1]", '{"action_names": [1, 2]}', '{"action_names": "xy"}', '{"action": {"names": []}}'],
)
def test_what_is_no_list_of_names_names_nothing(document, tmp_path):
    assert run_with(tmp_path, **{"a/b/run/config.json": document}).action_names == ()
