import math

import pytest

from spikediag.live import State
from tests.live.trainings import noise

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


class Regression(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": labels.mean() + 0 * (self.w * x).sum()}


def train(folder: object, losses: list[float], **given: object) -> tuple[object, list[object]]:
    from spikediag.live.adapters.huggingface import SpikeCallback

    told = []
    callback = SpikeCallback(on_spike=told.append, **given)
    arguments = transformers.TrainingArguments(
        folder,
        max_steps=len(losses),
        per_device_train_batch_size=1,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_nan_inf_filter=False,
        dataloader_pin_memory=False,
        use_cpu=True,
        train_sampling_strategy="sequential",
        max_grad_norm=0.0,
    )
    rows = [{"x": torch.ones(1), "labels": torch.tensor([loss], dtype=torch.float32)} for loss in losses]
    trainer = transformers.Trainer(Regression(), arguments, train_dataset=rows, callbacks=[callback])
    trainer.train()
    return trainer, told


def test_the_monitor_sees_each_row_and_the_settings_of_the_trainer(tmp_path: object) -> None:
    losses = list(noise(200))
    losses[150] += 40
    trainer, told = train(tmp_path, losses)
    assert [(a.state, a.spike.tag, a.spike.onset_step) for a in told[:1]] == [
        (State.RISING, "train/loss", 151)
    ]
    assert told[-1].state is State.FINAL
    callback = next(c for c in trainer.callback_handler.callbacks if type(c).__name__ == "SpikeCallback")
    assert not callback.monitor.troubles
    run = callback.monitor.diagnosis().run
    assert run.fact("batch_size").value == 1
    assert len(run.series["train/loss"]) == 200
    assert not (tmp_path / "checkpoint-151").exists()


def test_it_stops_and_saves_where_it_is_asked_to(tmp_path: object) -> None:
    losses = list(noise(200))
    losses[100] = math.nan
    trainer, told = train(tmp_path, losses, stop_on=["non_finite"], save=True)
    assert trainer.state.global_step == 101
    assert told[0].spike.kind == "non_finite"
    assert (tmp_path / "checkpoint-101").exists()
