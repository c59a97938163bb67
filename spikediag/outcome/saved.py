"""Checkpoints around the findings: the last one before, and those saved while the loss stood high."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.model import Checkpoint, Finding, Run, Text, say


@dataclass(frozen=True)
class Saved:
    """What the checkpoints say."""

    last_is_inside: bool  # the newest checkpoint was saved inside a finding
    because: tuple[Text, ...]


def saved(run: Run, findings: tuple[Finding, ...], lead: Finding) -> Saved:
    """Checkpoints inside findings, and where to go back to; nothing where none were found."""
    if not run.checkpoints:
        return Saved(False, ())
    newest = max(run.checkpoints, key=lambda c: c.step)
    inside = [(c, f) for c in run.checkpoints for f in findings if _within(c, f)]
    texts = (*_inside(inside), *_before(run, findings, lead))
    return Saved(any(c is newest for c, _ in inside), texts)


def _within(checkpoint: Checkpoint, finding: Finding) -> bool:
    spike, (first, last) = finding.spike, (finding.spike.onset_step, finding.spike.end_step)
    if spike.members:
        return False
    return first <= checkpoint.step and (last is None or checkpoint.step < last)


def _inside(inside: list[tuple[Checkpoint, Finding]]) -> Iterator[Text]:
    if inside:
        checkpoint, finding = max(inside, key=lambda pair: pair[0].step)
        yield say(
            "{path} (step {step:,}) was saved inside {id}, while the loss stood high; checkpoints so saved: "
            "{count}.",
            path=checkpoint.path,
            step=checkpoint.step,
            id=finding.id,
            count=len({c.path for c, _ in inside}),
        )


def _before(run: Run, findings: tuple[Finding, ...], lead: Finding) -> Iterator[Text]:
    lasting = [f.spike.onset_step for f in findings if not f.spike.recovered]
    onset = min(lasting, default=lead.spike.onset_step)
    earlier = [c for c in run.checkpoints if c.step <= onset]
    if not earlier:
        yield say("No checkpoint was saved before step {onset:,}.", onset=onset)
        return
    best = max(earlier, key=lambda c: c.step)
    yield say("The last checkpoint before it is {path} (step {step:,}).", path=best.path, step=best.step)
