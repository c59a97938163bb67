"""The sample runs as TensorBoard itself reads them."""

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util.tensor_util import make_ndarray


def scalars(run):
    """Tag to list of (step, value), read by TensorBoard itself."""
    series = {}
    for file in sorted(run.rglob("events.out.tfevents.*")):
        for record in EventFileLoader(str(file)).Load():
            for value in record.summary.value:
                if value.tensor.dtype == 1 and not value.tag.startswith("_hparams_"):
                    number = float(make_ndarray(value.tensor))
                    series.setdefault(value.tag, []).append((record.step, number))
    return series
