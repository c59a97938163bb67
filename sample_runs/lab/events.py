"""Events: TensorBoard event files with fixed names and fixed wall times, so that the bytes never vary.

Every scalar is a record of its own, as `torch.utils.tensorboard` writes it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_STRING
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.summary.writer.record_writer import RecordWriter

from sample_runs.lab.dialects import Dialect
from sample_runs.lab.metric_log import MetricLog

START = 1_770_195_716.0  # wall time of the first step, seconds since 1970
SECONDS_PER_STEP = 0.0075
RESTART_PAUSE = 600.0  # seconds between a process that stopped and the next one


def write(folder: Path, log: MetricLog, dialect: Dialect, preface: tuple[Summary, ...] = ()) -> None:
    """Write one event file per session of `log`, the first of them opening with `preface`."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = START
    for number, rows in enumerate(log.sessions):
        first = rows[0][0] if rows else 0
        events = [Event(wall_time=clock, file_version="brain.Event:2")]
        events += [Event(wall_time=clock, step=0, summary=summary) for summary in preface if number == 0]
        for step, row in rows:
            wall_time = clock + (step - first) * SECONDS_PER_STEP
            events += [Event(wall_time=wall_time, step=step, summary=s) for s in _scalars(row, dialect)]
        path = folder / f"events.out.tfevents.{int(clock)}.lab.{4242 + number}.0"
        with path.open("wb") as file:
            writer = RecordWriter(file)
            for event in events:
                writer.write(event.SerializeToString(deterministic=True))
            writer.flush()
        clock = events[-1].wall_time + RESTART_PAUSE


def text(tag: str, content: str) -> Summary:
    """A text as `SummaryWriter.add_text` writes it."""
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype=DT_STRING, string_val=[content.encode()], tensor_shape=shape)
    return Summary(value=[Summary.Value(tag=f"{tag}/text_summary", metadata=metadata, tensor=tensor)])


def hparams(facts: dict[str, object]) -> Summary:
    """The settings as `SummaryWriter.add_hparams` writes them; lists become text."""
    simple = {
        key: value if isinstance(value, int | float | str) else str(value) for key, value in facts.items()
    }
    summary = hparams_pb(simple, trial_id="lab", start_time_secs=START)
    for value in summary.value:  # the settings are a map, whose order would vary
        plugin = value.metadata.plugin_data
        plugin.content = HParamsPluginData.FromString(plugin.content).SerializeToString(deterministic=True)
    return summary


def _scalars(row: dict[str, float], dialect: Dialect) -> Iterator[Summary]:
    for metric, tag in dialect.tags.items():
        if metric not in row:
            continue  # not measured at this step
        if dialect.tensors:
            metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
            content = np.float32(row[metric]).tobytes()
            tensor = TensorProto(dtype=DT_FLOAT, tensor_content=content, tensor_shape=TensorShapeProto())
            yield Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)])
        else:
            yield Summary(value=[Summary.Value(tag=tag, simple_value=row[metric])])
