"""What an event file holds beside scalars: text, hyper-parameters, histograms of log-std, read by tbparse.

tbparse is handed a file with only the records that are needed, copied byte for byte.
"""

import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from spikediag.model import Role
from spikediag.parser.event_files.records import HEADER, OVERHEAD
from spikediag.parser.event_files.scalars import Scalars
from spikediag.parser.library_presets import GENERAL, normalise, presets
from spikediag.parser.log_files import Summaries
from spikediag.parser.track import Track

MOST_TEXT = 2000  # text tags; Megatron writes about 700
LONGEST_TEXT = 1 << 18  # bytes, of one and of all together, the shortest first
MOST_HISTOGRAMS = 20_000  # records
MOST_BYTES = 1 << 26  # of all that is handed to tbparse


def wanted_records(scalars: Scalars, buffer: bytes) -> bytes:
    """Copy the records that `read_summaries` wants, in file order and without damage."""
    texts = {tag for plugin, tag in scalars.others if plugin == "text"}
    chosen = _texts(scalars) if len(texts) <= MOST_TEXT else set()
    for (plugin, tag), places in scalars.others.items():
        if plugin == "hparams":
            chosen.update(places[:4])
        elif plugin in ("histograms", "") and tag not in texts and _is_spread(tag):
            chosen.update(places[:MOST_HISTOGRAMS])
    small = sorted(place for place in chosen if place[1] <= LONGEST_TEXT)
    parts, total = [], 0
    for start, length in small:
        total += length + OVERHEAD
        if total > MOST_BYTES:
            break
        parts.append(buffer[start - HEADER : start + length + OVERHEAD - HEADER])
    return b"".join(parts)


def _texts(scalars: Scalars) -> set[tuple[int, int]]:
    """Choose the first text of each tag, which says how the training began, the shortest first."""
    firsts = [places[0] for (plugin, _), places in scalars.others.items() if plugin == "text"]
    firsts.sort(key=lambda place: place[1])
    room = np.cumsum([length for _, length in firsts]) <= LONGEST_TEXT
    return {place for place, fits in zip(firsts, room.tolist(), strict=True) if fits}


def _is_spread(tag: str) -> bool:
    rule = next((r for r in presets()[GENERAL].rules if r.fits(normalise(tag))), None)
    return rule is not None and rule.meaning.role is Role.LOG_STD


def read_summaries(records: bytes) -> Summaries:
    """Read records that `wanted_records` chose; what tbparse cannot read is nothing."""
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
