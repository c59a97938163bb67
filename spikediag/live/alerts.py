"""What is told of a training while it runs: a finding, in the state in which it is known by then."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from spikediag.model import Finding, Kind, Shape, Text, say
from spikediag.phrases import ERROR, answer, headline, spike_clause, times
from spikediag.wording import language
from spikediag.wording.numbers import number
from spikediag.wording.writer import TERMINAL, Paper, Writer, verbatim


class State(StrEnum):
    """How much of an incident is known."""

    RISING = "rising now"  # it has not come back; what follows may change what it is
    OVER = "over"  # it came back, or stands on its new level: whether the error followed can be told
    FINAL = "final"  # the training ended: what `analyze` says of its log
    WITHDRAWN = "withdrawn"  # with more of the log it is no finding any more


@dataclass(frozen=True)
class Alert(Finding):
    """A finding as it was known at a step.

    Attributes:
        state: How much of it was known.
        step: The last step that was logged when it was told.
        run: What the run is called.
        quiet: Whether it came too soon after another one to be sent to people.
    """

    state: State = State.FINAL
    step: int = 0
    run: str = ""
    quiet: bool = False

    @classmethod
    def of(cls, finding: Finding, state: State, step: int, run: str, *, quiet: bool = False) -> "Alert":
        """The finding in a state."""
        kept = finding.settled
        known = {name: getattr(kept, name) for name in Finding.__dataclass_fields__}
        return cls(**known, state=state, step=step, run=run, quiet=quiet)

    def __str__(self) -> str:
        """Two lines for a terminal, in English."""
        return "\n  ".join(told(self, "en", TERMINAL))

    @property
    def title(self) -> Text:
        """A few words: "over: transient in bc/actor_loss"; what kind it is, nobody knows while it rises."""
        kind, tag = self.spike.kind.value, self.spike.tag
        match self.state:
            case State.RISING if self.spike.shape is Shape.LOST:
                return say("no number any more: {tag}", tag=tag)
            case State.RISING:
                return say("rising now: {tag}", tag=tag)
            case State.OVER:
                return say("over: {kind} in {tag}", kind=kind, tag=tag)
            case State.FINAL:
                return say("final: {kind} in {tag}", kind=kind, tag=tag)
            case State.WITHDRAWN:
                return say("withdrawn: {kind} in {tag}", kind=kind, tag=tag)
            case _:
                assert_never(self.state)

    @property
    def text(self) -> Text:
        """What happened so far, and what it most likely comes from: two or three sentences."""
        if self.state is State.WITHDRAWN and self.spike.usual:
            return say("Withdrawn at step {step:,}: {what}.", step=self.step, what=spike_clause(self.spike))
        if self.state is State.WITHDRAWN:
            return say(
                "Withdrawn at step {step:,}: what was told of {tag} at step {onset:,} is no finding with "
                "more of the log.",
                step=self.step,
                tag=self.spike.tag,
                onset=self.spike.onset_step,
            )
        told = headline(self) if self.state is not State.RISING else self._so_far
        return say(
            "{what} Cause: {cause}. Told at step {step:,}.", what=told, cause=answer(self), step=self.step
        )

    @property
    def _so_far(self) -> Text:
        spike = self.spike
        if spike.shape in {Shape.LOST, Shape.NOISE} or spike.kind is Kind.TRAIN or math.isnan(spike.baseline):
            return say(
                "{what}; {error} so far.", what=spike_clause(spike), error=ERROR[self.coupling.verdict]
            )
        return say(
            "{tag} has risen from {before} to {peak} since step {onset:,}, {sigmas} times the noise before "
            "it, and is not back yet; {error} so far.",
            tag=spike.tag,
            before=verbatim(number(spike.baseline)),
            peak=verbatim(number(spike.peak_value)),
            onset=spike.onset_step,
            sigmas=times(spike.sigmas),
            error=ERROR[self.coupling.verdict],
        )


def told(alert: Alert, lang: str, paper: Paper) -> tuple[str, str]:
    """Title, with the name of the run, and text of an alert, in a language and on a kind of paper."""
    writer = Writer(language.load(lang), paper)
    title = say("{name}: {message}", name=alert.run, message=alert.title)
    return writer.text(title), writer.text(alert.text)
