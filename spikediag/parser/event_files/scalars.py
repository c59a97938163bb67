"""All scalars of one event file as columns, every checksum verified.

Records of one length are compared with the first of them through a mask that hides the clock, the step, the
values and the checksum. Those that agree share its layout, and each of their numbers is one column of the
file. Their checksum is a constant XOR one table look-up per byte that varies. What agrees with too few
others is read record by record. The naive twin of this module is `tests/parser/naive.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.parser.event_files.records import HEADER, Gap, find_frames
from spikediag.parser.sink import Points, Sink, Starts


@dataclass(frozen=True)
class Columns:
    """Everything one event file holds."""

    tags: dict[str, Points]
    others: dict[tuple[str, str], list[tuple[int, int]]]  # (plugin, tag) -> payload starts and lengths
    gaps: tuple[Gap, ...]
    records: int  # intact ones
    refused: int  # points of tags beyond `MOST_TAGS`


def read_columns(buffer: bytes) -> Columns:
    """Read every scalar of an event file; damaged records are left out and reported."""
    frames = find_frames(buffer)
    sink = Sink(buffer)
    narrow = frames.lengths.max(initial=0) < 1 << 16
    lengths = frames.lengths.astype(np.uint16) if narrow else frames.lengths  # 16 bits sort in linear time
    order = np.argsort(lengths, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
        if len(group):
            sink.read_group(frames.starts[group], int(frames.lengths[group[0]]))
    sink.read_singles()
    return Columns(
        {tag: _in_file_order(parts) for tag, parts in sink.parts.items()},
        dict(sink.others),
        _merged([*frames.gaps, *_clipped(sink.broken, frames.starts)]),
        len(frames.starts) - len(sink.broken),
        sink.refused,
    )


def _in_file_order(parts: list[Points]) -> Points:
    offsets = np.concatenate([part.offsets for part in parts])
    columns = [
        np.concatenate([getattr(part, name) for part in parts]) for name in ("steps", "values", "walls")
    ]
    if (np.diff(offsets) < 0).any():
        order = np.argsort(offsets, kind="stable")
        offsets, columns = offsets[order], [column[order] for column in columns]
    return Points(offsets, *columns)


def _clipped(broken: list[Gap], starts: Starts) -> Iterator[Gap]:
    """End each broken record where an intact one begins: bytes may be missing from it."""
    for gap in broken:
        following = np.searchsorted(starts, gap.offset + HEADER, side="right")
        room = int(starts[following]) - HEADER - gap.offset if following < len(starts) else gap.length
        yield Gap(gap.offset, min(gap.length, room), gap.what)


def _merged(gaps: list[Gap]) -> tuple[Gap, ...]:
    """Join damaged stretches that touch or overlap, in file order."""
    joined: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: (gap.offset, gap.length)):
        if joined and gap.offset <= joined[-1].offset + joined[-1].length:
            stop = max(gap.offset + gap.length, joined[-1].offset + joined[-1].length)
            joined[-1] = Gap(joined[-1].offset, stop - joined[-1].offset, joined[-1].what)
        elif gap.length:
            joined.append(gap)
    return tuple(joined)
