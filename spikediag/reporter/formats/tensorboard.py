"""tensorboard: the verdict and the marks of the findings, to be opened beside the run in TensorBoard."""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.model import Artifact, Diagnosis, Series
from spikediag.reporter.formats.md import brief
from spikediag.reporter.protocol import registry
from spikediag.wording.language import Language

NAME = "events.out.tfevents.0.spikediag"


@dataclass(frozen=True)
class Mark:
    """One point of the curve that TensorBoard draws over the loss."""

    tag: str
    step: int
    value: float
    wall_time: float  # seconds since the epoch


@registry.register
@dataclass(frozen=True)
class Tensorboard:
    """An event file of its own: text `spikediag/verdict`, and under each loss tag a curve of the findings.

    `tensorboard --logdir_spec run:RUN,post-mortem:REPORT` shows both over each other. The run's own files
    are never touched. Wall times are those of the run, so the same diagnosis gives the same bytes.
    """

    id: str = "tensorboard"

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:
        """One event file."""
        from tensorboard.compat.proto.event_pb2 import Event  # noqa: PLC0415  # heavy
        from tensorboard.compat.proto.summary_pb2 import Summary  # noqa: PLC0415
        from tensorboard.plugins.text.summary_v2 import text_pb  # noqa: PLC0415
        from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: PLC0415

        marks = sorted(_marks(diagnosis), key=lambda m: (m.tag, m.step))
        begin = min((m.wall_time for m in marks), default=0.0)
        events = [
            Event(wall_time=begin, file_version="brain.Event:2"),
            Event(wall_time=begin, summary=text_pb("spikediag/verdict", brief(diagnosis, language.code))),
        ]
        for mark in marks:
            value = Summary.Value(tag=mark.tag, simple_value=mark.value)
            events.append(Event(wall_time=mark.wall_time, step=mark.step, summary=Summary(value=[value])))
        buffer = io.BytesIO()
        writer = RecordWriter(buffer)
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))
        return (Artifact(NAME, buffer.getvalue()),)


def _marks(diagnosis: Diagnosis) -> Iterator[Mark]:
    """The logged points at which each jump begins, is highest and ends: no level is made up."""
    seen: set[tuple[str, int]] = set()
    for finding in diagnosis.findings:
        series = diagnosis.run.series[finding.spike.tag]
        for part in finding.spike.excursions:
            for position in (max(part.start - 1, 0), part.peak, min(part.stop, len(series) - 1)):
                step, value = int(series.steps[position]), float(series.values[position])
                if math.isfinite(value) and (series.tag, step) not in seen:
                    seen.add((series.tag, step))
                    yield Mark(series.tag, step, value, _time(series, position))


def _time(series: Series, position: int) -> float:
    time = float(series.wall_times[position])
    return time if math.isfinite(time) else 0.0
