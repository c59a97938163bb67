"""`logs/log.txt` of robomimic."""

import json
import time
from pathlib import Path

import pytest

from spikediag import read_run
from tests.parser.sources.twins import Curves, as_events, rows, told, training
from tests.parser.writing import paths

TAGS = ("Train/Loss", "Train/L2_Loss", "Train/Policy_Grad_Norms", "Valid/Loss", "Timing_Stats/Train_Epoch")
GROUPS = {"Train/": "Train", "Valid/": "Validation"}


def log(folder: Path, curves: Curves) -> Path:
    """As `scripts/train.py` prints it, with the bars of tqdm between."""
    folder.mkdir(parents=True)
    text = '\n============= New Training Run with Config =============\n{\n    "train": {}\n}\n'
    for epoch, row in rows(curves):
        named = {tag.replace("Timing_Stats/Train_", "Train/Time_"): value for tag, value in row.items()}
        for prefix, title in GROUPS.items():
            part = {tag.removeprefix(prefix): v for tag, v in named.items() if tag.startswith(prefix)}
            numbers = json.dumps(part, sort_keys=True, indent=4)
            text += f"\r 50%|#####     | 50/100\n{title} Epoch {epoch}\n{numbers}\n"
    rollout = json.dumps({"Return": 1.5, "Success_Rate": 0.5}, sort_keys=True, indent=4)
    text += f"\nEpoch 400 Rollouts took 3.2s (avg) with results:\nEnv: Lift\n{rollout}\n"
    (folder / "log.txt").write_text(text)
    return folder


def curves_by_epoch() -> dict[str, dict[int, float]]:
    curves = {tag: dict(enumerate(c.values(), 1)) for tag, c in training(*TAGS).items()}
    return {**curves, "Rollout/Return/Lift": {400: 1.5}, "Rollout/Success_Rate/Lift": {400: 0.5}}


def test_it_is_understood_as_its_event_file(tmp_path: Path) -> None:
    curves = curves_by_epoch()
    run = log(tmp_path / "run" / "logs", {tag: curves[tag] for tag in TAGS})
    assert told(run) == told(as_events(tmp_path / "events", curves))
    assert read_run(run).library == "robomimic"
    assert read_run(run).name == f"{tmp_path.name}/run"


def test_above_its_event_file_it_is_no_second_run(tmp_path: Path) -> None:
    curves = curves_by_epoch()
    log(tmp_path / "run" / "logs", {tag: curves[tag] for tag in TAGS})
    events = as_events(tmp_path / "run" / "logs" / "tb", curves)
    assert paths(tmp_path) == (events,)


def test_another_log_of_that_name_is_no_run_and_a_cut_epoch_costs_itself(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("Num timesteps: 1000\nTrain Epoch\n{}\n")
    assert paths(tmp_path) == ()
    file = log(tmp_path / "run", {tag: curves_by_epoch()[tag] for tag in TAGS}) / "log.txt"
    file.write_text(file.read_text().replace("Train Epoch 7\n{\n", "Train Epoch 7\n{\n{", 1))
    run = read_run(file)
    assert len(run.series["Train/Loss"]) == 399
    assert str(run.damage[0].what) == "the numbers of an epoch are cut"


@pytest.mark.parametrize(
    "text",
    [
        "Train Epoch 1\n{\n",
        'Train Epoch 1\n{\n    "Loss": 1,\n',
        "Epoch 1 Rollouts took \n\n\n\n",
        "Epoch 1 Rollouts took 1\nEnv:    \n\n\n\n",
    ],
)
def test_epochs_that_never_end_are_read_in_linear_time(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.txt").write_text(text * 30_000 + 'Train Epoch 2\n{\n"Loss": 1.5\n}\n')
    start = time.process_time()
    run = read_run(tmp_path)
    assert time.process_time() - start < 5
    assert run.series["Train/Loss"].values.tolist() == [1.5]
