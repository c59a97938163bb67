"""The slow, obvious twin of `event_files.scalars`: protobuf, record by record, TensorBoard's own checksum."""

import math
import struct

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.util import tensor_util


def read(buffer: bytes) -> dict[str, list[tuple[int, float, float]]]:
    """Points (step, value, wall time) by tag, in file order, up to the first damage."""
    points: dict[str, list[tuple[int, float, float]]] = {}
    at = 0
    while at + 12 <= len(buffer):
        size = struct.unpack_from("<Q", buffer, at)[0]
        end = at + 12 + size
        good = struct.unpack_from("<I", buffer, at + 8)[0] == masked_crc32c(buffer[at : at + 8])
        if not good or end + 4 > len(buffer):
            break
        payload = buffer[at + 12 : end]
        if struct.unpack_from("<I", buffer, end)[0] == masked_crc32c(payload):
            record = Event.FromString(payload)
            for value in record.summary.value:
                number = _number(value)
                if number is not None and abs(record.step) <= 2**53:
                    wall = record.wall_time if abs(record.wall_time) < 1e11 else math.nan
                    points.setdefault(value.tag, []).append((record.step, number, wall))
        at = end + 4
    return points


def _number(value) -> float | None:
    if value.HasField("simple_value"):
        return value.simple_value
    if value.HasField("tensor") and value.metadata.plugin_data.plugin_name in ("", "scalars"):
        array = tensor_util.make_ndarray(value.tensor)
        if array.size == 1 and array.dtype.kind in "fiub":
            return float(array.ravel()[0])
    return None


def same(one: float, other: float) -> bool:
    return (
        one == other or (math.isnan(one) and math.isnan(other)) or bool(np.float64(one) == np.float64(other))
    )
