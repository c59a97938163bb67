"""The monitor for a Hugging Face `Trainer`, and what is built on it (TRL, axolotl).

trainer = Trainer(..., callbacks=[SpikeCallback(on_spike=print)])
"""

import logging
from typing import Any

from transformers import TrainerCallback

from spikediag.live.monitor import Monitor

LOGGER = logging.getLogger("spikediag")
HIDES = "spikediag: logging_nan_inf_filter hides a loss that is NaN; set it to False to be told of one."


class SpikeCallback(TrainerCallback):  # type: ignore[misc]  # the framework may not be installed
    """Gives every row that the trainer logs to a monitor.

    Args:
        monitor: One of your own; made of `given` if not given.
        save: Whether to save a checkpoint when a spike is first told.
        given: What `Monitor` takes, such as `on_spike`, `sinks` and `stop_on`.
    """

    def __init__(self, monitor: Monitor | None = None, *, save: bool = False, **given: Any) -> None:  # noqa: ANN401
        self.monitor = monitor or Monitor(**given)
        self._save, self._known = save, 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401, ARG002
        """Take the settings of the training."""
        self.monitor.describe(args.to_dict())
        if args.logging_nan_inf_filter:
            LOGGER.warning(HIDES)

    def on_log(
        self,
        args: Any,  # noqa: ANN401, ARG002
        state: Any,  # noqa: ANN401
        control: Any,  # noqa: ANN401
        logs: dict[str, float] | None = None,
        **kwargs: Any,  # noqa: ANN401, ARG002
    ) -> None:
        """Take a row, under the tags that the trainer's own event files have."""
        self.monitor.log({tag(key): value for key, value in (logs or {}).items()}, step=state.global_step)
        if self.monitor.should_stop:
            control.should_training_stop = True
        known = len(self.monitor.findings)
        if self._save and known > self._known:
            control.should_save = True
        self._known = known

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401, ARG002
        """End the watch."""
        self.monitor.close()


def tag(key: str) -> str:
    """The tag that the trainer's own loggers give to a key of a row: "eval_loss" is "eval/loss"."""
    for split in ("eval", "test"):
        if key.startswith(f"{split}_"):
            return f"{split}/{key.removeprefix(f'{split}_')}"
    return f"train/{key}"
