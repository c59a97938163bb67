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
    with pytest.raises(UnreadableRunError, match="no library that is known"):
        read_run(file)


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
