"""What an event file holds beside scalars: text, hyper-parameters, histograms of log-std, read by tbparse.

tbparse is handed a file with only the records that are needed, copied byte for byte.
"""

import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from spikediag.model import Role
from spikediag.parser.event_files.records import FOOTER, HEADER, OVERHEAD
from spikediag.parser.library_presets import GENERAL, normalise, presets
from spikediag.parser.log_files import Summaries
from spikediag.parser.track import Track
from spikediag.text import Text, say

MOST_TEXT = 2000  # text tags; Megatron writes about 700
LONGEST_TEXT = 1 << 18  # bytes, of one and of all together, the shortest first
MOST_HISTOGRAMS = 20_000  # records
MOST_HPARAMS = 4  # records of one tag
MOST_BYTES = 1 << 26  # of all that is handed to tbparse


@dataclass
class Excerpt:
    """The few records of a file that `read_summaries` wants, copied while the file is read.

    Of text the first of each tag, which says how the training began, the shortest first.
    """

    tags: set[tuple[str, str]] = field(default_factory=set)  # (plugin, tag) of all that is no scalar
    texts: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # by tag: place in the file, record
    others: list[tuple[int, bytes]] = field(default_factory=list)
    size: int = 0  # bytes of others
    hparams: Counter[str] = field(default_factory=Counter)  # records by tag

    def add(self, plugin: str, tag: str, places: list[tuple[int, int]], buffer: bytes, begin: int) -> None:
        """Take what is wanted of the records of one tag in a stretch.

        Args:
            plugin: that the tag is of.
            tag: its name.
            places: where the payloads begin in the stretch, and their lengths.
            buffer: the stretch.
            begin: where it begins in the file.
        """
        is_new = (plugin, tag) not in self.tags
        self.tags.add((plugin, tag))
        if plugin == "text" and is_new:
            self.texts[tag] = _copied(places[0], buffer, begin)
        elif plugin == "hparams":
            self._take(places[: MOST_HPARAMS - self.hparams[tag]], buffer, begin)
            self.hparams[tag] = min(self.hparams[tag] + len(places), MOST_HPARAMS)
        elif plugin in ("histograms", "") and _is_spread(tag):
            self._take(places, buffer, begin)

    def _take(self, places: list[tuple[int, int]], buffer: bytes, begin: int) -> None:
        for place in places[: MOST_HISTOGRAMS - len(self.others)]:
            if place[1] <= LONGEST_TEXT and self.size + place[1] <= MOST_BYTES:
                self.others.append(_copied(place, buffer, begin))
                self.size += place[1] + OVERHEAD

    def trim(self) -> None:
        """Keep the shortest texts, as many as are read."""
        shortest = sorted(self.texts.items(), key=lambda item: len(item[1][1]))[:MOST_TEXT]
        total = accumulate(len(record) for _, (_, record) in shortest)
        self.texts = {
            tag: text for (tag, text), size in zip(shortest, total, strict=True) if size <= LONGEST_TEXT
        }

    @property
    def records(self) -> bytes:
        """The records in file order, without damage."""
        return b"".join(record for _, record in sorted((*self.texts.values(), *self.others)))

    @property
    def notes(self) -> Iterator[Text]:
        """What was left out."""
        if left := sum(plugin == "text" for plugin, _ in self.tags) - len(self.texts):
            yield say(
                "{count} of its texts were not read: the longest, beyond {size} kB or {most:,} of them.",
                count=left,
                size=LONGEST_TEXT >> 10,
                most=MOST_TEXT,
            )


def _copied(place: tuple[int, int], buffer: bytes, begin: int) -> tuple[int, bytes]:
    start, length = place
    return begin + start, buffer[start - HEADER : start + length + FOOTER]


def _is_spread(tag: str) -> bool:
    rule = next((r for r in presets()[GENERAL].rules if r.fits(normalise(tag))), None)
    return rule is not None and rule.meaning.role is Role.LOG_STD


def read_summaries(records: bytes) -> Summaries:
    """Read the records of an `Excerpt`; what tbparse cannot read is nothing."""
    if not records:
        return Summaries()
    with tempfile.TemporaryDirectory(prefix="spikediag-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tbparse about pandas, and of pandas about tbparse
        path = Path(folder) / "events.out.tfevents.0"
        path.write_bytes(records)
        try:
            return _read(path)
        except ImportError:  # what is missing is not the fault of the file
            raise
        except Exception:  # noqa: BLE001  # tbparse and protobuf raise anything on hostile input
            return Summaries()


def _read(path: Path) -> Summaries:
    from tbparse import SummaryReader  # noqa: PLC0415  # it takes a second to import, and few files need it

    reader = SummaryReader(
        str(path),
        event_types={"text", "hparams", "histograms", "tensors"},
        extra_columns={"wall_time", "min", "num", "sum"},
    )
    texts, hparams = reader.text, reader.hparams
    points = [*_legacy(reader.histograms), *_tensors(reader.tensors)]
    return Summaries(
        {str(row["tag"]): str(row["value"]) for row in _rows(texts)},
        {str(row["tag"]): row["value"] for row in _rows(hparams)},
        _tracks((tag, step, wall, mean) for tag, step, wall, mean, _ in points),
        _tracks((tag, step, wall, low) for tag, step, wall, _, low in points),
    )


def _rows(frame: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # a DataFrame without types
    return frame.to_dict("records") if len(frame) else []


def _legacy(frame: Any) -> Iterator[tuple[str, int, float, float, float]]:  # noqa: ANN401
    for row in _rows(frame):
        if row["num"] > 0:
            yield str(row["tag"]), int(row["step"]), row["wall_time"], row["sum"] / row["num"], row["min"]


def _tensors(frame: Any) -> Iterator[tuple[str, int, float, float, float]]:  # noqa: ANN401
    """Read histograms of TensorFlow 2: rows of left edge, right edge and count."""
    for row in _rows(frame):
        bins = np.asarray(row["value"])
        if bins.ndim == 2 and bins.shape[1] == 3 and bins[:, 2].sum() > 0:
            filled = bins[bins[:, 2] > 0]
            mean = float(np.average(filled[:, :2].mean(axis=1), weights=filled[:, 2]))
            yield str(row["tag"]), int(row["step"]), row["wall_time"], mean, float(filled[0, 0])


def _tracks(points: Iterable[tuple[str, int, float, float]]) -> dict[str, Track]:
    by_tag: dict[str, dict[int, tuple[float, float]]] = {}
    for tag, step, wall, value in points:
        by_tag.setdefault(tag, {})[step] = (wall, value)
    tracks = {}
    for tag, rows in by_tag.items():
        steps = sorted(rows)
        walls, values = zip(*(rows[step] for step in steps), strict=True)
        tracks[tag] = Track(np.array(steps, np.int64), np.array(values, float), np.array(walls, float))
    return tracks
