import math
import warnings

import pytest

from spikediag.live import State
from tests.live.trainings import noise

lightning = pytest.importorskip("lightning")
torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
QUIET = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}


class Module(lightning.LightningModule):
    def __init__(self, fail_at: int = -1, batch_size: int = 1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.w = torch.nn.Parameter(torch.zeros(()))
        self.fail_at = fail_at

    def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:
        if index == self.fail_at:
            raise ZeroDivisionError
        loss = batch.mean() + 0 * self.w
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch: torch.Tensor) -> None:
        self.log("val/loss", batch.mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.0)


def loader(losses: list[float]) -> torch.utils.data.DataLoader:
    return torch.utils.data.DataLoader(torch.tensor(losses, dtype=torch.float32), batch_size=1)


def trainer(folder: object, callback: object, **more: object) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lightning.Trainer(max_epochs=1, default_root_dir=folder, callbacks=[callback], **QUIET, **more)


def spiky(n: int = 200, at: int = 150) -> list[float]:
    losses = list(noise(n))
    losses[at] += 40
    return losses


def test_the_monitor_sees_every_batch_and_the_validation(tmp_path: object) -> None:
    from spikediag.live.adapters.lightning import SpikeCallback

    told = []
    callback = SpikeCallback(on_spike=told.append)
    trainer(tmp_path, callback).fit(Module(batch_size=32), loader(spiky()), loader([1.0, 2.0]))
    assert [(a.state, a.spike.tag, a.spike.onset_step) for a in told[:1]] == [
        (State.RISING, "train/loss", 150)
    ]
    assert told[-1].state is State.FINAL
    run = callback.monitor.diagnosis().run
    assert len(run.series["train/loss"]) == 200
    assert list(run.series["val/loss"].values) == [1.5]
    assert run.fact("batch_size").value == 32
    assert not callback.monitor.troubles


def test_it_stops_where_it_is_asked_to(tmp_path: object) -> None:
    from spikediag.live.adapters.lightning import SpikeCallback

    losses = list(noise(200))
    losses[100] = math.nan
    one = trainer(tmp_path, SpikeCallback(stop_on=["non_finite"]))
    one.fit(Module(), loader(losses))
    assert one.global_step == 101


def test_a_training_that_fails_ends_the_watch(tmp_path: object) -> None:
    from spikediag.live.adapters.lightning import SpikeCallback

    told = []
    with pytest.raises(ZeroDivisionError):
        trainer(tmp_path, SpikeCallback(on_spike=told.append)).fit(Module(fail_at=190), loader(spiky()))
    assert told[-1].state is State.FINAL


def test_a_resume_keeps_the_window(tmp_path: object) -> None:
    from spikediag.live.adapters.lightning import SpikeCallback

    losses = spiky(400, at=150)
    first = trainer(tmp_path, SpikeCallback())
    first.fit(Module(), loader(losses[:200]))
    first.save_checkpoint(tmp_path / "last.ckpt")
    told = []
    callback = SpikeCallback(on_spike=told.append)
    second = lightning.Trainer(max_epochs=2, default_root_dir=tmp_path, callbacks=[callback], **QUIET)
    losses[210] += 40
    second.fit(Module(), loader(losses[200:]), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    series = callback.monitor.diagnosis().run.series["train/loss"]
    assert len(series) == 400
    assert list(series.steps) == list(range(400))
    assert [(a.state, a.spike.onset_step) for a in told if a.state is not State.FINAL] == [
        (State.RISING, 210),
        (State.OVER, 210),
    ]
