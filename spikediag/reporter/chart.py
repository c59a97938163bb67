"""What the chart of the web page draws: series with every point near a finding, marks, and words."""

import math
from typing import Any

import numpy as np

from spikediag.model import Diagnosis, Finding, FloatArray, IntArray, Series, by_gravity, say
from spikediag.reporter.figures.overview import panels
from spikediag.reporter.figures.series_panel import around, decimate
from spikediag.reporter.page import main_findings
from spikediag.wording.writer import Writer

COLUMNS = 1_500  # of a series too long to keep whole: lowest and highest of each, so at most 3,000 points
DIGITS = 5  # significant
BADGES = 24  # findings named in the chart
MEMBERS = 400  # ticks for one train


def chart(diagnosis: Diagnosis, writer: Writer) -> dict[str, Any]:
    """The series of the overview as the script draws them; numbers that are none are null."""
    shown = panels(diagnosis)
    near = [around(f.spike, diagnosis.run.series[f.spike.tag]) for f in main_findings(diagnosis)]
    return {
        "series": [_series(series, [(w.first, w.last) for w in near], writer) for series in shown],
        "findings": [_finding(f, diagnosis) for f in by_gravity(diagnosis.findings)[:BADGES]],
        "unit": writer.text(writer.word("unit", diagnosis.run.step_unit.value)),
        "words": {
            "in": writer.text(say("Zoom in")),
            "out": writer.text(say("Zoom out")),
            "all": writer.text(say("Show all")),
            "help": writer.text(
                say(
                    "Point for values; drag over a stretch to enlarge it, or use + and -; "
                    "the arrow keys go from point to point."
                )
            ),
        },
    }


def _series(series: Series, near: list[tuple[int, int]], writer: Writer) -> dict[str, Any]:
    steps, values = _points(series, near)
    return {
        "name": writer.name(series.tag, 60),
        "colour": f"var(--fig-{series.role.value.replace('_', '-')}, var(--fig-muted))",
        "tag": series.tag,
        "steps": steps.tolist(),
        "values": [_rounded(v) for v in values.tolist()],
    }


def _points(series: Series, near: list[tuple[int, int]]) -> tuple[IntArray, FloatArray]:
    """A short series whole; of a long one the extremes of each column, and all points near the findings."""
    if len(series) <= 2 * COLUMNS:
        return series.steps, series.values
    kept = set(np.searchsorted(series.steps, decimate(series.steps, series.values, COLUMNS).steps).tolist())
    for first, last in near:
        kept |= set(np.flatnonzero((series.steps >= first) & (series.steps <= last)).tolist())
    at = np.array(sorted(kept))
    return series.steps[at], series.values[at]


def _finding(finding: Finding, diagnosis: Diagnosis) -> dict[str, Any]:
    spike, series = finding.spike, diagnosis.run.series[finding.spike.tag]
    window = around(spike, series)
    members = [int(series.steps[m.peak]) for m in spike.members[:MEMBERS]]
    return {
        "id": finding.id,
        "tag": spike.tag,
        "at": spike.peak_step,
        "members": members or [spike.peak_step],
        "window": [window.first, window.last],
    }


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
