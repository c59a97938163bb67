"""What a training has logged so far, in bounded memory: the last points here, all others in a file.

A point takes 16 bytes, its step and its value. The file has no name once it is open, so nothing is left
behind when the process ends, however it ends.
"""

import os
import sys
import tempfile
import weakref
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import FileIO
from typing import Any

import numpy as np

from spikediag.errors import refused
from spikediag.model import FloatArray, IntArray, Text, say
from spikediag.parser import Track

RECENT = 8192  # points of a tag that stay in memory at least, unless there are very many tags
LARGEST = 1 << 19  # points of all tags that stay in memory at least; at most twice as many do
MOST_TAGS = 10_000  # tags beyond are not kept: a training that names its tags anew at each step has no series
MOST_REWINDS = 1000  # of a tag, whose clock is kept
DEEPEST = 8  # mappings inside each other


@dataclass(slots=True)
class RecentPoints:
    """The last points of one tag, and where the earlier ones lie in the file."""

    steps: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    blocks: list[tuple[int, int]] = field(default_factory=list)  # offset in bytes, points
    written: int = 0  # points in the file
    lost: int = 0  # points before those that could not be written
    ordered: bool = True  # whether every point lies after the one before
    last_wall: float = np.nan  # seconds since the epoch, of the last point
    clock: dict[int, float] = field(
        default_factory=dict
    )  # position -> seconds, at the ends and where it went back

    def __len__(self) -> int:
        return self.written + len(self.steps)


class History:
    """Every point of a training by tag, in logged order.

    Attributes:
        note: Why not all of it is there; None while it is.
    """

    def __init__(self) -> None:
        self.note: Text | None = None
        self._tails: dict[str, RecentPoints] = {}
        self._file: FileIO | None = None
        self._kept = RECENT  # points of each tag that stay here at least
        self._full = False  # whether the file took no more

    @property
    def tags(self) -> tuple[str, ...]:
        """Every tag, in the order in which they came."""
        return tuple(self._tails)

    @property
    def tag_count(self) -> int:
        """How many tags were logged."""
        return len(self._tails)

    def points(self, tag: str) -> int:
        """How many points of a tag were logged; 0 of an unknown one."""
        return len(self._tails[tag]) if tag in self._tails else 0

    def add(self, step: int, numbers: Mapping[str, float], wall: float) -> None:
        """Take the numbers of one step, NaN and Inf included.

        Args:
            step: Of the training; one that lies before the last one is a resume.
            numbers: By tag.
            wall: Seconds since the epoch.
        """
        tails, most = self._tails, 2 * self._kept
        for tag, value in numbers.items():
            tail = tails.get(tag)
            if tail is None and (tail := self._new(tag, wall)) is None:
                continue
            steps = tail.steps
            if steps and step <= steps[-1]:
                self._went_back(tail, step, wall)
            steps.append(step)
            tail.values.append(value)
            tail.last_wall = wall
            if len(steps) >= most:
                self._spill(tail)

    def _new(self, tag: str, wall: float) -> RecentPoints | None:
        count = len(self._tails)
        if count >= MOST_TAGS:
            self.note = say("More than {most:,} tags were logged; the others were left out.", most=MOST_TAGS)
            return None
        self._tails[tag] = RecentPoints(clock={0: wall})
        kept = min(RECENT, LARGEST >> count.bit_length())
        if kept < self._kept:
            self._kept = kept
            for tail in self._tails.values():
                if len(tail.steps) >= 2 * kept:
                    self._spill(tail)
        return self._tails[tag]

    def _went_back(self, tail: RecentPoints, step: int, wall: float) -> None:
        tail.ordered = False
        if step < tail.steps[-1] and len(tail.clock) < 2 * MOST_REWINDS:
            tail.clock[len(tail) - 1] = tail.last_wall
            tail.clock[len(tail)] = wall

    def _spill(self, tail: RecentPoints) -> None:
        """Write the points of a tag to the file, all but the last ones; if it takes none, let them go."""
        count = len(tail.steps) - self._kept
        offset = (
            None if self._full else self._write(tail.steps[:count].tobytes() + tail.values[:count].tobytes())
        )
        tail.written += count
        if offset is None:
            tail.lost = tail.written
        else:
            tail.blocks.append((offset, count))
        del tail.steps[:count], tail.values[:count]

    def _write(self, data: bytes) -> int | None:
        """Append to the file; return where, or None if it takes no more: then it is given up."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # as long as training
                weakref.finalize(self, self._file.close)
            offset, left = self._file.seek(0, os.SEEK_END), memoryview(data)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self._give_up(error)
            return None
        return offset

    def _give_up(self, error: OSError) -> None:
        self._full = True
        self.note = say(
            "The temporary file of the monitor took no more ({why}): what is known of each tag are its last "
            "points only.",
            why=refused(error),
        )
        for tail in self._tails.values():
            tail.blocks.clear()
            tail.lost = tail.written
        self.close()

    def recent(self, tag: str, count: int) -> tuple[IntArray, FloatArray]:
        """The last points of a tag that are in memory, at most `count`, in logged order: (n,) each."""
        tail = self._tails[tag]
        return np.array(tail.steps[-count:], dtype=np.int64), np.array(tail.values[-count:], dtype=np.float64)

    def ordered(self, tag: str) -> bool:
        """Whether the steps of a tag only ever went up."""
        return self._tails[tag].ordered

    def window(self, count: int) -> dict[str, Track]:
        """The last points of every tag, at most `count` of each, in logged order."""
        return {tag: self._clocked(tag, *self.recent(tag, count)) for tag in self._tails}

    def tracks(self) -> dict[str, Track]:
        """Every point that is known, in logged order; reads the file."""
        return {tag: self._clocked(tag, *self._whole(tail)) for tag, tail in self._tails.items()}

    def _whole(self, tail: RecentPoints) -> tuple[IntArray, FloatArray]:
        known = len(tail) - tail.lost
        steps, values = np.empty(known, dtype=np.int64), np.empty(known, dtype=np.float64)
        at = 0
        for offset, count in tail.blocks:
            data = self._read(offset, 16 * count)
            steps[at : at + count] = np.frombuffer(data, np.int64, count)
            values[at : at + count] = np.frombuffer(data, np.float64, count, 8 * count)
            at += count
        steps[at:], values[at:] = tail.steps, tail.values
        return steps, values

    def _read(self, offset: int, length: int) -> bytes:
        assert self._file is not None, "blocks lie in a file"
        self._file.seek(offset)
        parts: list[bytes] = []
        while length:
            parts.append(self._file.read(length))
            if not parts[-1]:
                raise OSError("the temporary file of the monitor was cut")
            length -= len(parts[-1])
        return b"".join(parts)

    def _clocked(self, tag: str, steps: IntArray, values: FloatArray) -> Track:
        """Points with the wall times that are known: at the ends, and where the steps went back."""
        tail = self._tails[tag]
        walls, first = np.full(len(steps), np.nan), len(tail) - len(steps)
        for position, wall in tail.clock.items():
            if position >= first:
                walls[position - first] = wall
        if len(walls):
            walls[-1] = tail.last_wall
        return Track(steps, values, walls)

    def close(self) -> None:
        """Give the file back; what is in memory stays."""
        if self._file is not None:
            self._file.close()
            self._file = None


def scalars(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of one step by tag; texts, pictures, tables and arrays of several numbers are passed over.

    What lies on a device is waited for once, not once for each number.
    """
    numbers, rest = dict[str, float](), dict[Any, Any]()
    for key, value in metrics.items():
        if type(value) is float and type(key) is str:
            numbers[key] = value
        else:
            rest[key] = value
    return numbers | _converted(dict(_flat(rest, "", DEEPEST))) if rest else numbers


def _converted(found: dict[str, Any]) -> dict[str, float]:
    away = {tag: value for tag, value in found.items() if hasattr(value, "device") and _is_away(value)}
    found |= _fetched(away) if away else {}
    converted = ((tag, _number(value)) for tag, value in found.items())
    return {tag: number for tag, number in converted if number is not None}


def _flat(metrics: Mapping[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in metrics.items():
        if isinstance(value, Mapping):
            if depth:
                yield from _flat(value, f"{prefix}{key}/", depth - 1)
        else:
            yield f"{prefix}{key}", value


def _number(value: Any) -> float | None:  # noqa: ANN401  # whatever a training logs
    """A number as a float; None of what is none, or several."""
    if value is None or isinstance(value, str | bytes | bytearray | complex):
        return None
    try:
        if getattr(value, "size", None) == 1 and hasattr(value, "item"):
            value = value.item()
        elif hasattr(value, "detach"):
            value = value.detach().item()
        return None if isinstance(value, str | bytes | complex) else float(value)
    except OverflowError:
        return None
    except (TypeError, ValueError, RuntimeError):
        return None


def _is_away(value: Any) -> bool:  # noqa: ANN401
    """Whether a tensor lies elsewhere than in the memory of this process, so that reading it waits."""
    return hasattr(value, "copy_to_host_async") or getattr(value.device, "type", "cpu") != "cpu"


def _fetched(away: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers from a device: JAX's are all under way before the first is read, torch's come in one tensor."""
    for value in away.values():
        if hasattr(value, "copy_to_host_async"):
            value.copy_to_host_async()
    tensors = {tag: v.detach() for tag, v in away.items() if hasattr(v, "detach") and v.numel() == 1}
    if len(tensors) < 2:
        return {}
    try:
        together = sys.modules["torch"].stack([tensor.reshape(()) for tensor in tensors.values()])
        return dict(zip(tensors, together.tolist(), strict=True))
    except RuntimeError:  # on several devices
        return {}
