"""The monitor for PyTorch Lightning.

trainer = Trainer(..., callbacks=[SpikeCallback(on_spike=print)])
"""

from collections.abc import Mapping
from typing import Any

try:
    from lightning.pytorch import Callback
except ModuleNotFoundError:
    from pytorch_lightning import Callback

from spikediag.live.monitor import Monitor


class SpikeCallback(Callback):  # type: ignore[misc]  # the framework may not be installed
    """Gives what a module logs to a monitor at every batch, whatever `log_every_n_steps`.

    Args:
        monitor: One of your own; made of `given` if not given.
        given: What `Monitor` takes, such as `on_spike`, `sinks` and `stop_on`.
    """

    def __init__(self, monitor: Monitor | None = None, **given: Any) -> None:  # noqa: ANN401
        self.monitor = monitor or Monitor(**given)
        self._seen: dict[str, Any] = {}

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401, ARG002
        """Take the settings of the training."""
        self.monitor.describe(dict(getattr(pl_module, "hparams", {})))

    def on_train_batch_end(
        self,
        trainer: Any,  # noqa: ANN401
        pl_module: Any,  # noqa: ANN401, ARG002
        outputs: Any,  # noqa: ANN401, ARG002
        batch: Any,  # noqa: ANN401, ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Take what was logged for this batch; stop, if asked to, on all ranks together."""
        self._log(trainer)
        if self.monitor.stops:
            trainer.should_stop |= trainer.strategy.reduce_boolean_decision(
                self.monitor.should_stop, all=False
            )

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401, ARG002
        """Take what the validation logged."""
        if not trainer.sanity_checking:
            self._log(trainer)

    def _log(self, trainer: Any) -> None:  # noqa: ANN401
        """Take what is new: what was logged before stays in `logged_metrics`, the same object."""
        logged: Mapping[str, Any] = trainer.logged_metrics
        new = {tag: value for tag, value in logged.items() if self._seen.get(tag) is not value}
        self._seen = dict(logged)
        self.monitor.log(new, step=max(trainer.global_step - 1, 0))

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:  # noqa: ANN401, ARG002
        """End the watch of a training that failed."""
        self.monitor.close()

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ANN401, ARG002
        """End the watch."""
        self.monitor.close()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps, so that a resume knows what was before."""
        return self.monitor.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.monitor.load_state_dict(state_dict)
