"""What a terminal shows: plain strings with nothing a terminal would obey; the command line colours it."""

from dataclasses import dataclass

import numpy as np

from spikediag.model import Diagnosis, Finding, FloatArray, RunStatus, Text, say
from spikediag.reporter.selection import lead, log_lines, primary, remedies
from spikediag.reporter.words import language
from spikediag.reporter.words.numbers import number, share
from spikediag.reporter.words.writer import PLAIN, Writer, verbatim

BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Row:
    """One line of the table: `What jumped`, `bc/actor_loss: -14.8 -> 24.3 ...`."""

    label: str
    value: str


@dataclass(frozen=True)
class TerminalSummary:
    """A diagnosis for the terminal. Print without markup: square brackets may come from a tag."""

    run: str
    status: RunStatus
    matters: bool | None
    verdict: str
    sparkline_tag: str
    sparkline: str  # the highest value of each stretch, so that no spike is lost
    rows: tuple[Row, ...]
    next_step: str
    code: str | None  # ready to paste, None when there is none


def summary(diagnosis: Diagnosis, lang: str = "en", width: int = 60) -> TerminalSummary:
    """The diagnosis in a dozen lines, with a sparkline of `width` characters.

    Raises:
        UsageError: there is no such language.
    """
    writer = Writer(language.load(lang), PLAIN)
    finding = lead(diagnosis)
    losses = [s for s in diagnosis.run.series.values() if s.role.value == "loss"]
    shown = diagnosis.run.series.get(finding.spike.tag) if finding else (losses[0] if losses else None)
    step, code = _next_step(diagnosis)
    return TerminalSummary(
        run=writer.name(diagnosis.run.name),
        status=diagnosis.overall.status,
        matters=diagnosis.overall.matters,
        verdict=writer.text(diagnosis.overall.summary),
        sparkline_tag=writer.name(shown.tag) if shown else "",
        sparkline=sparkline(shown.values, width) if shown else "",
        rows=tuple(Row(writer.text(a), writer.text(b)) for a, b in _rows(finding, writer)) if finding else (),
        next_step=writer.text(step) if step else "",
        code=code,
    )


def sparkline(values: FloatArray, width: int) -> str:
    """The maxima of `width` equal stretches as block characters; `x` where nothing was finite."""
    if not len(values):
        return ""
    edges = np.linspace(0, len(values), min(width, len(values)) + 1).astype(int)[:-1]
    finite = np.isfinite(values)
    top = np.maximum.reduceat(np.where(finite, values, -np.inf), edges)
    seen = np.isfinite(top)
    if not seen.any():
        return "x" * len(top)
    low, high = top[seen].min(), top[seen].max()
    height = np.where(seen, top - low, 0) / ((high - low) or 1)
    return "".join(
        BLOCKS[int(h * (len(BLOCKS) - 1) + 0.5)] if s else "x" for h, s in zip(height, seen, strict=True)
    )


def _rows(finding: Finding, writer: Writer) -> list[tuple[Text, Text]]:
    spike, cause = finding.spike, primary(finding)
    jumped = say(
        "{tag} from {before} to {peak} at step {step:,} ({sigmas:.0f} sigma)",
        tag=spike.tag,
        before=verbatim(number(spike.baseline)),
        peak=verbatim(number(spike.peak_value)),
        step=spike.onset_step,
        sigmas=spike.sigmas,
    )
    why = writer.word("cause", finding.primary_cause)
    if cause is not None:
        why = say(
            "{cause}, probability {probability}", cause=why, probability=verbatim(share(cause.probability))
        )
    return [
        (say("What jumped"), jumped),
        (say("Did the error move?"), finding.coupling.reading),
        (say("Most likely cause"), why),
    ]


def _next_step(diagnosis: Diagnosis) -> tuple[Text | None, str | None]:
    for advice in (*remedies(diagnosis), *log_lines(diagnosis)):
        return advice.text, advice.code
    return None, None
