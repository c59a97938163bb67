"""What a panel of the overview says at its right edge: the number that makes the panel worth looking at."""

import math

import numpy as np

from spikediag.model import Diagnosis, Kind, Role, Series, Text, say
from spikediag.reporter.selection import lead
from spikediag.wording.numbers import number
from spikediag.wording.writer import Writer, verbatim


def remark(series: Series, diagnosis: Diagnosis, writer: Writer) -> Text | None:
    """The jump of a loss, the change of an error, or that a learning rate never changed."""
    finding = lead(diagnosis)
    if series.role is Role.LEARNING_RATE and len(series) and np.all(series.values == series.values[0]):
        return say("constant at {value}", value=verbatim(number(float(series.values[0]))))
    if finding is None:
        return None
    if series.role is Role.LOSS:
        return _jump(series, diagnosis)
    test = next((t for t in finding.coupling.tests if t.tag == series.tag), None)
    if test is None:
        return None
    verdict = writer.word("coupling", test.verdict.value)
    if not math.isfinite(test.change):
        return say("{id}: {verdict}", id=verbatim(finding.id), verdict=verdict)
    return say(
        "{id}: {change}, margin {margin}: {verdict}",
        id=verbatim(finding.id),
        change=verbatim(number(test.change, signed=True)),
        margin=verbatim(f"±{number(test.margin)}"),
        verdict=verdict,
    )


def _jump(series: Series, diagnosis: Diagnosis) -> Text | None:
    finding = lead(diagnosis)
    change = next((c for c in finding.losses if c.tag == series.tag), None) if finding else None
    if finding is None or change is None:
        return None
    if finding.spike.kind is Kind.NON_FINITE:
        return say(
            "{id}: NaN or Inf from step {step:,} on", id=verbatim(finding.id), step=finding.spike.onset_step
        )
    return say(
        "{id}: {before} to {peak}, {sigmas} sigma",
        id=verbatim(finding.id),
        before=verbatim(number(change.before)),
        peak=verbatim(number(change.peak)),
        sigmas=verbatim(number(change.sigmas)),
    )
