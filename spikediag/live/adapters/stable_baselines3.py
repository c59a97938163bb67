"""The monitor for Stable-Baselines3, and for `imitation`, which logs with the same logger.

model.learn(1_000_000, callback=SpikeCallback(on_spike=print))
imitation_logger.output_formats.append(SpikeWriter(Monitor(on_spike=print)))
"""

from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter

from spikediag.live.monitor import Monitor


class SpikeWriter(KVWriter):  # type: ignore[misc]  # the framework may not be installed
    """Gives everything that is dumped to a monitor."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0
    ) -> None:
        """Take a dump, without what its event files leave out."""
        self.monitor.log(
            {
                key: value
                for key, value in key_values.items()
                if "tensorboard" not in (key_excluded[key] or ())
            },
            step=step,
        )

    def close(self) -> None:
        """End the watch."""
        self.monitor.close()


class SpikeCallback(BaseCallback):  # type: ignore[misc]  # the framework may not be installed
    """Puts a writer among those of the model's logger.

    Args:
        monitor: One of your own; made of `given` if not given.
        given: What `Monitor` takes, such as `on_spike`, `sinks` and `stop_on`.
    """

    def __init__(self, monitor: Monitor | None = None, **given: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.monitor = monitor or Monitor(**given)
        self._writer = SpikeWriter(self.monitor)

    def _on_training_start(self) -> None:
        settings = vars(self.model).items()
        self.monitor.describe({key: value for key, value in settings if isinstance(value, int | float | str)})
        if self._writer not in self.logger.output_formats:
            self.logger.output_formats.append(self._writer)

    def _on_step(self) -> bool:
        return not self.monitor.should_stop

    def _on_training_end(self) -> None:
        self.monitor.close()
