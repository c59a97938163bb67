"""What LeRobot, openpi, the Hugging Face Trainer and Keras print."""

from pathlib import Path

import numpy as np
import pytest

from spikediag import read_run
from spikediag.errors import UnreadableRunError
from spikediag.model import FactName, Role
from tests.parser.sources.twins import as_events, training
from tests.parser.writing import paths

N = 60
LOSS = np.round(2 - np.linspace(0, 1, N), 3)


def thousands(step: int) -> str:
    return str(step) if step < 1000 else f"{step / 1000:.0f}K"


def lerobot(k: int) -> str:
    step = 200 * (k + 1)
    return (
        f"INFO 2026-11-01 12:00:00 ot_train.py:252 step:{thousands(step)} smpl:2K ep:5 epch:0.{k:02d} "
        f"loss:{LOSS[k]:.3f} grdn:1.250 lr:1.0e-05 updt_s:0.200 data_s:0.010\n"
    )


def openpi(k: int) -> str:
    numbers = f"grad_norm=0.1250, loss={LOSS[k]:.4f}, param_norm=1802.4"
    return f"\x1b[32m12:00:00.000 [I]\x1b[0m Step {100 * k}: {numbers} (8:train.py:1)\n"


def trainer(k: int) -> str:
    quote = "'" if k % 2 else ""  # newer versions print numbers as text
    line = f"{{'loss': {quote}{LOSS[k]}{quote}, 'learning_rate': {quote}1e-05{quote}, 'epoch': 0.5}}\n"
    tested = "{'eval_loss': 0.5, 'epoch': 1.0}\n" if k == N - 1 else ""
    return f"\r 10%|#         | 1/10 [00:01<00:09]{line}{tested}"


def keras(k: int) -> str:
    bar = f"5/5 ━━━━━━━━━━━━━━━━━━━━ 0s 2ms/step - accuracy: 0.5 - loss: {LOSS[k]} - val_loss: 0.25"
    return f"Epoch {k + 1}/{N}\n\r\x1b[1m1/5\x1b[0m ━━ 0s 2ms/step - loss: 9.0\r{bar}\n"


@pytest.mark.parametrize(
    ("line", "tag", "steps", "others"),
    [
        (lerobot, "train/loss", range(200, 200 * N + 1, 200), {"train/grad_norm", "train/lr"}),
        (openpi, "loss", range(0, 100 * N, 100), {"grad_norm", "param_norm"}),
        (trainer, "train/loss", range(1, N + 1), {"train/learning_rate", "train/epoch", "eval/loss"}),
        (keras, "train/epoch_loss", range(N), {"validation/epoch_loss", "train/epoch_accuracy"}),
    ],
)
def test_the_lines_of_each_library_are_read_under_its_own_names(
    tmp_path: Path, line, tag, steps, others
) -> None:
    file = tmp_path / "train.log"
    file.write_text("loading\nNum examples = 100\n" + "".join(map(line, range(N))) + "done: 3\n")
    assert paths(tmp_path) == (file,)
    run = read_run(file)
    assert run.series[tag].role is Role.LOSS
    assert run.series[tag].steps.tolist() == list(steps)
    assert run.series[tag].values.tolist() == LOSS.tolist()
    assert others <= run.series.keys()
    assert run.fact(FactName.DATASET_SIZE).value == 100


def test_the_bars_of_the_trainer_tell_its_steps(tmp_path: Path) -> None:
    file = tmp_path / "slurm-17.err"
    bar = "\r 10%|#         | {}/3000 [00:01<00:09, 3.3it/s]"
    lines = (
        f"{bar.format(50 * k + 49)}\r       \r{{'loss': {LOSS[k]}}}\n{bar.format(50 * k + 50)}"
        f"\r 50%|#####     | 1/2 [00:01<00:01, 9.9it/s]"
        for k in range(N)
    )
    file.write_text("".join(lines))
    assert read_run(tmp_path).series["train/loss"].steps.tolist() == list(range(50, 50 * N + 1, 50))


def test_steps_that_lerobot_rounded_and_that_do_not_add_up_are_not_guessed(tmp_path: Path) -> None:
    file = tmp_path / "train.log"
    file.write_text("".join(map(lerobot, range(4, N))))
    with pytest.raises(UnreadableRunError, match="give the log from its first line on"):
        read_run(file)


def test_what_lerobot_prints_after_a_resume_is_placed_by_all_that_follows(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text("".join(map(lerobot, [*range(33), *range(25, N)])))
    loss = read_run(tmp_path).series["train/loss"]
    assert loss.steps.tolist() == list(range(200, 200 * N + 1, 200))
    assert loss.values == pytest.approx(LOSS)


def test_lines_of_lerobot_that_could_belong_anywhere_are_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text("".join(map(lerobot, [*range(33), 25])))
    run = read_run(tmp_path)
    assert run.series["train/loss"].steps[-1] == 200 * 33
    assert [str(one.what) for one in run.damage] == [
        "left out: 1 lines whose rounded steps do not say where they belong"
    ]


OTHERS = (
    "iter {step}: loss {loss}, time 12.5ms, mfu 12.50%",
    "step {step}: train loss {loss}, val loss 2.5",
    "step:{step}/4000 train_loss:{loss} train_time:12ms",
    "step {step}/4000 | loss {loss} (+1.2z)| norm 0.5 (+0.1z)| lr 1.0e-04 | 12.3% MFU | 1234 tok/s",
    " [2026-01-01 10:00:00] iteration {step:8d}/ 4000 | consumed samples: 80 | lm loss: {loss}E+00 |",
    "- INFO - \x1b[31mstep: {step:2}  \x1b[32mloss: {loss}  \x1b[33mmemory: 12.3GiB(12.34%)  tps: 1,234",
    "Step {step} | loss:{loss} lr:0.0001 grad_norm:1.2",
    "Training epoch 0, iteration {step}/4000 | lr: 1e-04 | reduced_train_loss: {loss}",
    "| train_inner | epoch 001: 7 / 40 loss={loss}, ppl=12.3, num_updates={step}, lr=0.0001",
    "- mmengine - INFO - Epoch(train) [1][{step:4}/4000]  lr: 1.0e-03  eta: 1:00:00  loss: {loss}",
    "[01/01 10:00:00 d2.utils.events]:  eta: 1:00:00  iter: {step}  total_loss: {loss}  max_mem: 1234M",
    "Epoch: [0][{step:4d}/4000]\tTime  0.123 ( 0.123)\tLoss {loss} (9.9999)",
    "Train Epoch: 1 [{step}/60000 (1%)]\tLoss: {loss}",
    "Epoch [1/10], Step [{step}/6000], Loss: {loss}",
    "Epoch 1/10, Batch {step}/6000, Loss: {loss}",
    "[1, {step:5d}] loss: {loss}",
    "Epoch {step}/4000 - loss: {loss} - val_loss: 2.5",
    "Epoch: {step} | Train Loss: {loss} | Val Loss: 2.5",
    "epoch: 3 iteration: 5 global_step: {step} loss: {loss} ms per step: 35",
    "Epoch 0:  12%|█▏   | {step}/5000 [00:10<00:20,  5.1it/s, v_num=0, train_loss={loss}]",
    "Train: 1 [{step:4d}/9000 ( 10%)]  Loss: {loss} (3.5)  Time: 0.312s, 820.10/s  LR: 1.000e-03",
    "Epoch 1 loss: {loss}: 2%|██ | {step}/5000 [00:10<00:20,  1.1it/s]",
    "steps: {step} loss: {loss} iter time (s): 1.200 samples/sec: 3.000",
    "s:{step} trl:{loss} lr:0.000600 norm:1.20",
    "{step} train {loss}",
    "| time/  |   |\n|    total_timesteps | {step} |\n| train/ | |\n|    loss | {loss} |\n-------",
    "      Learning iteration {step}/4000     \n\n   Mean surrogate loss: {loss}\n   ETA: 10.0s",
    "[epoch=1][batch=1/50]:\n\t Train time/batch: {step}\n\t Train loss/train/total: {loss}",
    "2026 INFO [step={step}/4000,epoch=0]\n    train/CrossEntropyLoss={loss}\n    throughput=1,234",
)


@pytest.mark.parametrize("line", OTHERS)
def test_lines_that_name_a_step_and_a_loss_are_read_whoever_prints_them(tmp_path: Path, line: str) -> None:
    (tmp_path / "train.log").write_text(
        "".join(f"{line.format(step=10 * k + 10, loss=LOSS[k])}\n" for k in range(N))
    )
    run = read_run(tmp_path)
    (loss,) = (one for one in run.having(Role.LOSS) if len(one.values) == N and one.values[0] == LOSS[0])
    assert loss.steps.tolist() == list(range(10, 10 * N + 1, 10))
    assert loss.values == pytest.approx(LOSS)


def test_steps_that_begin_anew_with_each_epoch_are_counted_on_and_else_refused(tmp_path: Path) -> None:
    lines = [f"step {k % 10} loss {LOSS[k]}" for k in range(N)]
    (tmp_path / "train.log").write_text("\n".join(lines))
    with pytest.raises(UnreadableRunError, match="begin anew 5 times, and no epoch says why"):
        read_run(tmp_path / "train.log")
    (tmp_path / "train.log").write_text("".join(f"epoch {k // 10}, {line}\n" for k, line in enumerate(lines)))
    assert read_run(tmp_path).series["loss"].steps.tolist() == list(range(N))


def test_beside_an_event_file_it_is_not_read_and_says_why(tmp_path: Path) -> None:
    as_events(tmp_path, training("loss"))
    (tmp_path / "train.log").write_text("".join(map(openpi, range(N))))
    (unread,) = read_run(tmp_path).unread
    assert str(unread.why) == "a console log keeps few digits; give its file to read it"
    assert paths(tmp_path) == (tmp_path,)


@pytest.mark.parametrize("text", ["", "nothing\n" * 100, "Step 1: loss=0.5\n", "{'loss': " * 500])
def test_another_log_is_no_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "train.log").write_text(text)
    assert paths(tmp_path) == ()


def test_a_line_without_a_step_belongs_to_the_step_before(tmp_path: Path) -> None:
    lines = [f"iter {10 * k}: loss {LOSS[k]}, time 20.30ms, mfu 3.10%" for k in range(N)]
    tested = [f"step {10 * k}: train loss 2.5, val loss {k}" for k in range(0, N, 20)]
    for k, line in enumerate(tested):
        lines.insert(20 * k + k, line)
    lines += ["validation loss at iteration 600 | lm loss value: 1.5E+00 |", "Epoch 1 val loss: 1.25"]
    (tmp_path / "train.log").write_text("\n".join(["epoch 0: first loss 3.5", *lines]) + "\n")
    run = read_run(tmp_path)
    assert run.series["loss"].steps.tolist() == list(range(0, 10 * N, 10))
    assert run.series["first loss"].steps.tolist() == [0]
    assert run.series["val loss"].steps.tolist() == [0, 200, 400, 600]
    assert run.series["lm loss value"].steps.tolist() == [600]
    assert not any("iteration" in tag or "step" in tag for tag in run.series)


def test_what_validates_is_placed_by_its_own_counter(tmp_path: Path) -> None:
    records = []
    for k in range(N):
        update = 100 * k + 100
        records.append(f'{{"epoch": 1, "update": {k / N}, "loss": "{LOSS[k]}", "num_updates": "{update}"}}')
        if k % 20 == 19:
            records.append(f'{{"epoch": 1, "valid_loss": "2.5", "valid_num_updates": "{update}"}}')
    (tmp_path / "train.log").write_text("".join(f"2026 | INFO | train | {line}\n" for line in records))
    run = read_run(tmp_path)
    assert run.series["loss"].steps.tolist() == list(range(100, 100 * N + 1, 100))
    assert run.series["valid_loss"].steps.tolist() == [2000, 4000, 6000]


def test_beside_a_table_of_the_same_training_it_is_no_second_run(tmp_path: Path) -> None:
    logs = tmp_path / "work_dirs" / "run"
    (logs / "vis_data").mkdir(parents=True)
    lines = (f"Epoch(train) [1][{10 * k}/600]  lr: 1.0e-03  loss: {LOSS[k]:.2f}\n" for k in range(N))
    (logs / "run.log").write_text("".join(lines))
    (logs / "vis_data" / "scalars.json").write_text(
        "".join(f'{{"step": {10 * k}, "loss": {LOSS[k]}}}\n' for k in range(N))
    )
    assert paths(tmp_path) == (logs / "vis_data" / "scalars.json",)
    (logs / "loss.json").write_bytes((logs / "vis_data" / "scalars.json").read_bytes())
    assert paths(logs)[0] == logs / "loss.json"
