"""Do the findings matter for what the run is for? yes, no, or what would tell."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from spikediag.model import (
    REINFORCED,
    Advice,
    Aftermath,
    Checkpoint,
    Finding,
    LossKind,
    Outcome,
    OutcomeVerdict,
    Role,
    Run,
    Series,
    Shape,
    Text,
    by_gravity,
    say,
)
from spikediag.outcome.series import outcome
from spikediag.stats.trend import BLOCK, BLOCKS, trend

LEAST_SHARE = 0.25  # of the improvement foretold; less counts as none
SURE = 3.0  # standard errors
LONGEST = 129  # points of one of the three levels before and after


def assess(run: Run, findings: tuple[Finding, ...]) -> Aftermath:
    """Whether loss, error, held-out loss or reward ended worse, over all findings.

    Rewards decide where they are logged, else held-out losses and errors, else the errors on the data that
    were trained on. A loss that did not come back matters, but for a value loss whose rewards are no worse.
    """
    if not findings:
        return Aftermath(matters=None)
    lead = by_gravity(findings)[0]
    purpose = _purpose(run, lead)
    outcomes = _with_excuses(tuple(o for f in findings for o in _outcomes(run, f, findings)), run, findings)
    halts = tuple(text for f in findings if (text := _stopped(run, f)) is not None)
    checkpoints = _saved(run, findings, lead)
    harms = [o for o in outcomes if o.harms]
    asked = list(_asked(outcomes, findings, lead, purpose))
    worse = bool(halts or harms) or checkpoints.last_is_inside
    matters = True if worse else False if _harmless(asked, purpose) else None
    untold = [o for o in asked if matters is None and o.verdict is OutcomeVerdict.CANNOT_BE_TOLD]
    because = (
        *_told(lead),
        *(o.reading for o in outcomes if o.finding == lead.id and not (matters and _misleads(o))),
        *(say("{id}: {harm}", id=o.finding, harm=o.reading) for o in harms + untold if o.finding != lead.id),
        *halts,
        *checkpoints.because,
        *purpose.limits(),
    )
    would_tell = tuple(purpose.would_tell(run, lead)) if matters is None else ()
    return Aftermath(matters, because, outcomes, would_tell)


@dataclass(frozen=True)
class _Purpose:
    """The series that show what the run is for, as far as it logs them; the best kind only."""

    series: tuple[Series, ...]
    trained_on: bool  # they are measured on the data that were trained on
    rewards: bool
    acts: bool  # it is trained to act, so that it can be rolled out

    @property
    def tags(self) -> frozenset[str]:
        """Their tags."""
        return frozenset(s.tag for s in self.series)

    def limits(self) -> Iterator[Text]:
        """What a flat error does not prove."""
        if self.series and self.trained_on:
            tag = self.series[0].tag
            if self.acts:
                yield say(
                    "{tag} is measured on the data that were trained on: it certifies nothing about the "
                    "policy on the robot or in unseen states.",
                    tag=tag,
                )
            else:
                yield say(
                    "{tag} is measured on the data that were trained on: it certifies nothing about others.",
                    tag=tag,
                )

    def would_tell(self, run: Run, lead: Finding) -> Iterator[Advice]:
        """What to log or to run, around the highest member of a train."""
        step = int(run.series[lead.spike.tag].steps[lead.spike.onset_of_highest])
        if not self.rewards:
            yield Advice(self._compare(step), rank=1)
        if not self.rewards and self.acts:
            yield Advice(
                say("Log the success rate or return of evaluations during training."),
                run.log_lines.get(Role.REWARD),
                rank=2,
            )
        if self.rewards:
            yield Advice(say("Evaluate more often around step {step:,}.", step=step), rank=1)
        if not self.series or (self.trained_on and not self.rewards):
            yield Advice(
                say("Log the loss on a fixed set of samples that are not trained on."),
                run.log_lines.get(Role.LOSS),
                rank=3,
            )

    def _compare(self, step: int) -> Text:
        """How to tell two checkpoints apart."""
        if self.acts:
            return say(
                "Roll out a checkpoint from before step {step:,} and one from after it, some 20 episodes "
                "each, and compare the success rates.",
                step=step,
            )
        return say(
            "Evaluate a checkpoint from before step {step:,} and one from after it on data that were not "
            "trained on, and compare.",
            step=step,
        )


def _purpose(run: Run, lead: Finding) -> _Purpose:
    rewards = _rewards(run)
    acts = bool(run.loss_kinds & {LossKind.LIKELIHOOD, LossKind.UNKNOWN, *REINFORCED})
    if rewards:
        return _Purpose(rewards, trained_on=False, rewards=True, acts=acts)
    asked = [s for role in (Role.COMPANION, Role.LOSS) for s in run.having(role) if s.tag != lead.spike.tag]
    held_out = tuple(s for s in asked if s.held_out)
    if held_out:
        return _Purpose(held_out, trained_on=False, rewards=False, acts=acts)
    errors = tuple(s for s in asked if s.role is Role.COMPANION)
    return _Purpose(errors, trained_on=True, rewards=False, acts=acts)


def telling(run: Run) -> Iterator[Series]:
    """Yield what shows how good the model is: rewards, held-out losses, errors."""
    yield from _rewards(run)
    yield from (s for s in run.having(Role.LOSS) if s.held_out)
    yield from run.having(Role.COMPANION)


def _rewards(run: Run) -> tuple[Series, ...]:
    """The rewards that were logged more than once, as what was collected before training is not; else all.

    One that is the same from the first point to the last shows nothing of what is learnt.
    """
    logged = tuple(s for s in run.having(Role.REWARD) if s.finite.any())
    once = tuple(s for s in logged if s.finite.sum() == 1)
    return tuple(s for s in logged if np.ptp(s.values[s.finite]) > 0) or once


def _outcomes(run: Run, finding: Finding, findings: tuple[Finding, ...]) -> Iterator[Outcome]:
    loss = run.series[finding.spike.tag]
    yield outcome(loss, finding, findings)
    for series in telling(run):
        if series is not loss and series.finite.any():
            yield outcome(series, finding, findings)


def _with_excuses(
    outcomes: tuple[Outcome, ...], run: Run, findings: tuple[Finding, ...]
) -> tuple[Outcome, ...]:
    return tuple(
        replace(o, excused=_excused(o, run, findings, outcomes) or _only_seems(o, run, findings))
        for o in outcomes
    )


def _excused(
    outcome: Outcome, run: Run, findings: tuple[Finding, ...], outcomes: tuple[Outcome, ...]
) -> bool:
    """Whether it is a value loss, which grows with the returns, and no reward is worse but some no worse.

    And every surrogate of a policy that is still a number: its advantages are centred anew for each update,
    so that its level says how far that update went, and nothing of the policy.
    """
    if run.loss_kind(run.series[outcome.tag]) is LossKind.POLICY_GRADIENT:
        finding = next(f for f in findings if f.id == outcome.finding)
        return finding.spike.shape is not Shape.LOST
    if run.loss_kind(run.series[outcome.tag]) is not LossKind.VALUE:
        return False
    rewards = {o.verdict for o in outcomes if o.role is Role.REWARD and o.finding == outcome.finding}
    return OutcomeVerdict.NOT_WORSE in rewards and OutcomeVerdict.WORSE not in rewards


def _only_seems(outcome: Outcome, run: Run, findings: tuple[Finding, ...]) -> bool:
    """Whether it is measured on what is trained on and higher by a cause that does not make it worse.

    What comes later stands on the level that such a cause left.
    """
    if outcome.role is Role.REWARD or run.series[outcome.tag].held_out:
        return False
    onset = next(f.spike.onset_step for f in findings if f.id == outcome.finding)
    before = (f for f in findings if f.spike.onset_step <= onset)
    return any(_harmless_rise(f) and (f.spike.tag == outcome.tag or f.id == outcome.finding) for f in before)


def _misleads(outcome: Outcome) -> bool:
    """Whether it ended worse, which is no reason."""
    return outcome.verdict is OutcomeVerdict.WORSE and outcome.excused


def _harmless_rise(finding: Finding) -> bool:
    """Whether the loss stays up by a cause that does not make it worse."""
    return not finding.spike.recovered and finding.primary is not None and finding.primary.harmless


def _told(lead: Finding) -> Iterator[Text]:
    """That the level of the loss is not what counts."""
    if _harmless_rise(lead):
        yield say(
            "Where {tag} stands says nothing of the model: by its likely cause it is higher, not worse.",
            tag=lead.spike.tag,
        )


def _asked(
    outcomes: tuple[Outcome, ...],
    findings: tuple[Finding, ...],
    lead: Finding,
    purpose: _Purpose,
) -> Iterator[Outcome]:
    """What must be no worse for "no": around the leading finding and the last, the loss and the purpose."""
    last = max(findings, key=lambda f: (f.spike.onset_step, f.id))
    losses = {f.id: f.spike.tag for f in (lead, last)}
    shown = {o.finding for o in outcomes if o.tag in purpose.tags and not o.excused}
    for o in outcomes:
        concerns = o.finding in losses and (o.tag in purpose.tags or o.tag == losses[o.finding])
        if concerns and not (o.excused and o.finding in shown):
            yield o


def _harmless(asked: list[Outcome], purpose: _Purpose) -> bool:
    """Whether all were no worse, and around each finding something that shows the purpose was."""
    shown = {o.finding for o in asked if o.tag in purpose.tags}
    return shown == {o.finding for o in asked} and all(o.verdict is OutcomeVerdict.NOT_WORSE for o in asked)


def _stopped(run: Run, finding: Finding) -> Text | None:
    """That learning stopped with a jump; None where it went on, was over before, or cannot be told."""
    spike = finding.spike
    if spike.end_step is None:
        return None
    series = run.series[spike.tag]
    before, after = series.before(spike.onset_step), series.numbers[1][series.logged_before(spike.end_step) :]
    block = min(LONGEST, len(before) // BLOCKS, len(after) // BLOCKS)
    if block < BLOCK:
        return None
    past = trend(before, block)
    if not past.slope:
        return None
    now = trend(after[: BLOCKS * block], block)
    apart = (spike.stop - spike.start) + BLOCKS * block
    (first, _), (last, error) = past.foretold(apart - (BLOCKS - 1) * block), past.foretold(apart)
    foretold, fell = first - last, now.levels[0] - now.levels[-1]
    unsure = math.hypot(error, math.sqrt(2) * now.block_error)
    if not (foretold > SURE * unsure and foretold - fell > SURE * unsure and fell < LEAST_SHARE * foretold):
        return None
    return say(
        "{tag} stopped improving after it: over {points} logged points its trend foretold a fall of "
        "{foretold:.3g}, it fell by {fell:.3g}.",
        tag=series.tag,
        points=(BLOCKS - 1) * block,
        foretold=foretold,
        fell=fell,
    )


@dataclass(frozen=True)
class _Saved:
    """What the checkpoints say."""

    last_is_inside: bool  # the newest checkpoint was saved inside a finding
    because: tuple[Text, ...]


def _saved(run: Run, findings: tuple[Finding, ...], lead: Finding) -> _Saved:
    """Checkpoints inside findings, and where to go back to; nothing where none were found."""
    if not run.checkpoints:
        return _Saved(False, ())
    newest = max(run.checkpoints, key=lambda c: c.step)
    inside = [(c, f) for c in run.checkpoints for f in findings if _saved_within(c, f)]
    texts = (*_saved_inside(inside), *_saved_before(run, findings, lead))
    return _Saved(any(c is newest for c, _ in inside), texts)


def _saved_within(checkpoint: Checkpoint, finding: Finding) -> bool:
    spike, (first, last) = finding.spike, (finding.spike.onset_step, finding.spike.end_step)
    if spike.members:
        return False
    return first <= checkpoint.step and (last is None or checkpoint.step < last)


def _saved_inside(inside: list[tuple[Checkpoint, Finding]]) -> Iterator[Text]:
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


def _saved_before(run: Run, findings: tuple[Finding, ...], lead: Finding) -> Iterator[Text]:
    lasting = [f.spike.onset_step for f in findings if not f.spike.recovered]
    onset = min(lasting, default=lead.spike.onset_step)
    earlier = [c for c in run.checkpoints if c.step <= onset]
    if not earlier:
        yield say("No checkpoint was saved before step {onset:,}.", onset=onset)
        return
    best = max(earlier, key=lambda c: c.step)
    yield say("The last checkpoint before it is {path} (step {step:,}).", path=best.path, step=best.step)
