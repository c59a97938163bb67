import math

import numpy as np
import pytest

from spikediag import Monitor
from spikediag.live import State
from tests.live.trainings import noise

pytest.importorskip("stable_baselines3")
gymnasium = pytest.importorskip("gymnasium")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def test_a_writer_takes_each_dump_without_what_event_files_leave_out() -> None:
    from stable_baselines3.common.logger import Logger

    from spikediag.live.adapters.stable_baselines3 import SpikeWriter

    told = []
    monitor = Monitor(on_spike=told.append)
    logger = Logger(None, [SpikeWriter(monitor)])
    losses = noise(100)
    losses[70] += 50
    for step, loss in enumerate(losses):
        logger.record("train/actor_loss", np.float32(loss))
        logger.record("train/n_updates", step, exclude="tensorboard")
        logger.record("time/name", "a text")
        logger.dump(step)
    logger.close()
    assert not monitor.troubles
    assert [(a.state, a.spike.onset_step) for a in told[:1]] == [(State.RISING, 70)]
    assert list(monitor.diagnosis().run.series) == ["train/actor_loss"]


def test_a_callback_watches_what_a_model_learns_and_stops_it_where_it_is_asked_to() -> None:
    from stable_baselines3 import PPO

    from spikediag.live.adapters.stable_baselines3 import SpikeCallback

    callback = SpikeCallback(stop_on=["non_finite"])
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32, n_epochs=1, device="cpu")
    model.learn(320, callback=callback)
    assert not callback.monitor.troubles
    run = callback.monitor.diagnosis().run
    assert len(run.series["train/value_loss"]) == 9
    assert run.fact("batch_size").value == 32

    stopping = SpikeCallback(stop_on=["non_finite"])
    model = PPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32, n_epochs=1, device="cpu")
    stopping.monitor.log({"train/loss": math.nan}, step=0)
    model.learn(320, callback=stopping)
    assert model.num_timesteps < 32
