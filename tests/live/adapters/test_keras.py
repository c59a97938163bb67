import math
import os

import numpy as np
import pytest

from spikediag.live import State
from tests.live.trainings import noise

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def fit(losses: list[float], epochs: int = 1, **given: object) -> tuple[object, list[object], object]:
    """Fit a model whose loss of each batch is known."""
    from spikediag.live.adapters.keras import SpikeCallback

    told = []
    callback = SpikeCallback(on_spike=told.append, **given)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", loss=lambda y, p: y + 0 * p)
    x, y = np.ones((len(losses), 1)), np.array(losses)[:, None]
    model.fit(
        x,
        y,
        batch_size=1,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[callback],
        validation_data=(x[:1], y[:1]),
    )
    return callback.monitor, told, model


def test_the_loss_of_each_batch_is_got_back_from_the_means_of_the_epoch() -> None:
    losses = list(noise(200))
    losses[150] += 40
    monitor, told, _ = fit(losses, epochs=2)
    series = monitor.diagnosis().run.series["loss"]
    assert np.allclose(series.values, losses * 2, atol=1e-3)
    assert [(a.state, a.spike.onset_step) for a in told[:1]] == [(State.RISING, 150)]
    assert len(monitor.diagnosis().run.series["val_loss"]) == 2
    assert not monitor.troubles


def test_it_stops_where_it_is_asked_to() -> None:
    losses = list(noise(100))
    losses[60] = math.nan
    monitor, told, model = fit(losses, epochs=3, stop_on=["non_finite"])
    assert model.stop_training
    assert told[0].spike.onset_step == 60
    assert monitor.findings
