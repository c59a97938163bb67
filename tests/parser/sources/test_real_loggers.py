"""What the libraries themselves write: the same findings as the event file of the same training.

Each library runs in a process of its own, with its own idea of warnings, and logs the rows of a training. The
twin is the event file that the library writes beside it where it can, else one of ours. A library that is not
installed is skipped by its name; `pip install -e ".[dev,loggers]"` brings all. That of wandb is in
`test_wandb_runs`.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from spikediag import read_run
from spikediag.parser import find_runs
from tests.parser.sources.twins import as_events, rows, told, training

BEGIN = """
import json, os, sys
out = sys.argv[1]
rows = json.load(open(os.path.join(out, "rows.json")))
"""
SB3 = """
from stable_baselines3.common.logger import configure
logger = configure(out + "/log", ["csv", "json", "tensorboard"])
for step, row in rows:
    for tag, value in row.items():
        logger.record(tag, value)
    logger.record("time/total_timesteps", step, exclude="tensorboard")
    logger.dump(step)
logger.close()
"""
LIGHTNING = """
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
loggers = CSVLogger(out + "/log", name=""), TensorBoardLogger(out + "/twin", name="", default_hp_metric=False)
for logger in loggers:
    logger.log_hyperparams({"batch_size": 64})
    for step, row in rows:
        for tag, value in row.items():
            logger.log_metrics({tag: value}, step)
    logger.save()
    logger.finalize("success")
"""
TRANSFORMERS = """
import torch
from transformers import Trainer, TrainingArguments

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x, labels):
        return {"loss": 0 * self.weight + x.mean(), "logits": x}

data = [{"x": torch.tensor(row["train/loss"]), "labels": torch.tensor(0.0)} for _, row in rows]
os.environ["TENSORBOARD_LOGGING_DIR"] = out + "/twin"
options = dict(logging_steps=1, save_strategy="steps", save_steps=len(rows), per_device_train_batch_size=1)
arguments = TrainingArguments(
    out + "/log", max_steps=len(rows), report_to=["tensorboard"], use_cpu=True, disable_tqdm=True, **options
)
sampler = torch.utils.data.SequentialSampler(data)
class InOrder(Trainer):
    def _get_train_sampler(self, *given):
        return sampler
InOrder(Model(), arguments, train_dataset=data).train()
"""
MLFLOW = """
import mlflow
mlflow.set_tracking_uri("sqlite:///" + out + "/log/mlflow.db")
with mlflow.start_run():
    mlflow.log_param("batch_size", 64)
    for step, row in rows:
        mlflow.log_metrics(row, step=step)
"""
TRACKIO = """
os.environ["TRACKIO_DIR"] = out + "/log"
from trackio.sqlite_storage import SQLiteStorage
SQLiteStorage.bulk_log(
    "p", "r", [row for _, row in rows], steps=[step for step, _ in rows], config={"batch_size": 64}
)
"""


@dataclass(frozen=True)
class Logger:
    """How a library logs a training.

    Attributes:
        script: It reads `rows` and writes below `log`, and below `twin` where it writes event files too.
        needs: Modules that must be installed.
        source: Which of our sources reads it.
        beside: Whether its event file lies in the folder of its log.
        states: Facts that it keeps, for a twin of ours.
        less: Whether its event file has series and settings that its log has not: then what was found is
            compared and not what else was asked.
    """

    script: str
    needs: tuple[str, ...]
    source: str
    beside: bool = False
    states: Mapping[str, object] | None = None
    less: bool = False


BATCH = {"batch_size": 64}
LOGGERS = {
    "stable-baselines3 csv": Logger(SB3, ("stable_baselines3",), "progress.csv", beside=True),
    "stable-baselines3 json": Logger(SB3, ("stable_baselines3",), "progress.json", beside=True),
    "lightning": Logger(LIGHTNING, ("lightning", "tensorboard"), "lightning_csv"),
    "transformers": Logger(TRANSFORMERS, ("transformers", "accelerate", "torch"), "trainer_state", less=True),
    "mlflow": Logger(MLFLOW, ("mlflow", "sqlalchemy"), "mlflow_database", states=BATCH),
    "trackio": Logger(TRACKIO, ("trackio",), "trackio", states=BATCH),
}
TAGS = ("train/loss", "train/approx_kl", "train/value_loss")


def found_in(document: dict) -> list[dict]:
    """The findings without what other series said of them."""
    told_by_others = ("asked", "witnesses", "causes")
    return [{k: v for k, v in finding.items() if k not in told_by_others} for finding in document["findings"]]


@pytest.mark.slow
@pytest.mark.parametrize("name", LOGGERS)
def test_the_log_of_a_library_is_understood_as_its_event_file(name: str, tmp_path: Path) -> None:
    logger = LOGGERS[name]
    for module in logger.needs:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    curves = training(*TAGS)
    (tmp_path / "rows.json").write_text(json.dumps(rows(curves)))
    (tmp_path / "script.py").write_text(BEGIN + logger.script)
    (tmp_path / "log").mkdir()
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path, check=False)
    assert not done.returncode, done.stderr
    (found,) = find_runs(tmp_path / "log", None if logger.beside else logger.source)
    read = told(found.path, source=logger.source) if logger.beside else told(found.path)
    if logger.beside:
        twin = told(found.path, source="event_files")
    elif (tmp_path / "twin").exists():
        twin = told(next(iter(find_runs(tmp_path / "twin"))).path)
    else:
        events = as_events(tmp_path / "twin", curves)
        (events / "config.json").write_text(json.dumps(logger.states))
        twin = told(events)
    assert read["findings"]
    assert (found_in(read) == found_in(twin)) if logger.less else (read == twin)
    assert read_run(found.path).series.keys() >= {TAGS[0]}
