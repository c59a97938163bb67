"""The monitor for Keras.

model.fit(..., callbacks=[SpikeCallback(on_spike=print)])
"""

from typing import Any

import keras

from spikediag.live.monitor import Monitor


class SpikeCallback(keras.callbacks.Callback):  # type: ignore[misc]  # the framework may not be installed
    """Gives the loss of every batch to a monitor, and what is measured at the end of an epoch.

    Keras tells the mean of the epoch so far, in which a spike late in an epoch disappears; the loss of the
    batch is got back from two such means.

    Args:
        monitor: One of your own; made of `given` if not given.
        given: What `Monitor` takes, such as `on_spike`, `sinks` and `stop_on`.
    """

    def __init__(self, monitor: Monitor | None = None, **given: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.monitor = monitor or Monitor(**given)
        self._step = 0
        self._means: dict[str, float] = {}

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Go on counting where the optimizer stands."""
        self._step = int(self.model.optimizer.iterations)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Begin the means anew."""
        self._means = {}

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Take the losses of a batch."""
        means = {tag: float(mean) for tag, mean in (logs or {}).items() if tag.endswith("loss")}
        losses = {tag: mean + batch * (mean - self._means.get(tag, mean)) for tag, mean in means.items()}
        self._means = means
        self.monitor.log(losses, step=self._step)
        self._step += 1
        if self.monitor.should_stop:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Take the other metrics of an epoch, and those of the validation."""
        rest = {tag: value for tag, value in (logs or {}).items() if tag not in self._means}
        self.monitor.log(rest, step=max(self._step - 1, 0))

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """End the watch."""
        self.monitor.close()
