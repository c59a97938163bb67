"""The one voice for a spike: what it did, from where to where, when, and how sure that is.

Every report, summary and check that describes a spike says it with these sentences.
"""

import math
from collections.abc import Sequence
from typing import assert_never

from spikediag.model import (
    NEAR,
    UNEXPLAINED,
    CauseVerdict,
    Copy,
    Coupling,
    CouplingVerdict,
    Diagnosis,
    Effect,
    Finding,
    Kind,
    Lag,
    LossChange,
    OutcomeVerdict,
    Role,
    Shape,
    Spike,
    Status,
    Text,
    Witness,
    say,
)
from spikediag.text import Value
from spikediag.wording.numbers import number, percent
from spikediag.wording.writer import verbatim

HIGHEST, LOWEST = say("highest"), say("lowest")
STAYED = say("did not come back")
IMPROVED = say("the error got better")
NO_RISE = say("the error did not rise")
NO_NUMBER = say("the error was never a number either")
UNCOUNTED = 1e6  # times the noise
ALL_ALONG, OFTEN = 20, 100.0  # usual bursts, or bursts in 10,000 points, from which they come all along
RAREST = 0.001  # such jumps by chance; how much rarer a jump is than that, nobody has the data to say
ERROR = {
    CouplingVerdict.DECOUPLED: say("the error did not move"),
    CouplingVerdict.PARTLY: say("the error moved, but too little to explain it"),
    CouplingVerdict.COUPLED: say("the error moved too"),
    CouplingVerdict.UNDECIDED: say("whether the error moved is undecided"),
    CouplingVerdict.NO_COMPANION: say("no independent error metric is logged"),
}
UNTOLD = say("whether the error moved cannot be told")
SUFFERED = {
    OutcomeVerdict.WORSE: say("the reward got worse"),
    OutcomeVerdict.NOT_WORSE: say("the reward did not suffer"),
    OutcomeVerdict.CANNOT_BE_TOLD: say("whether the reward suffered cannot be told"),
}
SUFFERED_MEANWHILE = say("the reward was worse while it lasted")
SUFFERED_FOR_A_TIME = say("the reward was worse for a time")


def spike_clause(spike: Spike) -> Text:
    """What the series did, as half a sentence: "bc/mse leapt by +39.1 at step 15,510 and ..."."""
    match spike.shape:
        case Shape.BURST:
            return _burst_clause(spike)
        case Shape.LEVEL:
            return _level_clause(spike)
        case Shape.TREND:
            return _trend_clause(spike)
        case Shape.NOISE:
            return _noise_clause(spike)
        case Shape.LOST:
            return _lost_clause(spike)
        case _:
            assert_never(spike.shape)


def _burst_clause(spike: Spike) -> Text:
    if spike.usual or spike.kind is Kind.TRAIN:
        return _bursts_clause(spike)
    if spike.recovered and spike.height >= 0:
        return say(
            "{tag} leapt by {height} {when} and {end}",
            tag=spike.tag,
            height=_height(spike),
            when=_when(spike),
            end=_end(spike),
        )
    return _level_clause(spike)


def _bursts_clause(spike: Spike) -> Text:
    told: dict[str, Value] = {"tag": spike.tag, "height": _height(spike), "step": spike.peak_step}
    if not spike.usual:
        return say(
            "{tag} jumped {count:,} times, at most by {height} at step {step:,}", **told, count=spike.count
        )
    if _comes_all_along(spike):
        return say(
            "{tag} jumps all along, as such losses do: {count:,} times, at most by {height} at step {step:,}",
            **told,
            count=spike.count,
        )
    if spike.count > 1:
        return say(
            "{tag} leapt {count} times, at most by {height} at step {step:,}, as noise like its own may do",
            **told,
            count=spike.count,
        )
    return say("{tag} leapt by {height} at step {step:,}, as noise like its own may do", **told)


def _comes_all_along(spike: Spike) -> bool:
    """Whether bursts are so many, or so close together, that they are how the loss is."""
    often = spike.count > 1 and spike.rate is not None and spike.rate >= OFTEN
    return often or spike.count >= ALL_ALONG


def _level_clause(spike: Spike) -> Text:
    height, end = _height(spike), _end(spike)
    if spike.height < 0:
        return say(
            "{tag} fell by {height} {when} and {end}",
            tag=spike.tag,
            height=height,
            when=_when(spike),
            end=end,
        )
    return say(
        "{tag} rose by {height} {when} and {end}",
        tag=spike.tag,
        height=height,
        when=_when(spike),
        end=end,
    )


def _when(spike: Spike) -> Text:
    """The step at which it begins; of a burst that is highest long after, that step too."""
    if spike.shape is Shape.BURST and spike.peak - spike.start >= NEAR:
        return say(
            "from step {step:,} on ({extreme} at step {peak:,})",
            step=spike.onset_step,
            extreme=_extreme(spike),
            peak=spike.peak_step,
        )
    return say("at step {step:,}", step=spike.onset_step)


def _end(spike: Spike) -> Text:
    if spike.end_step is None:
        return STAYED
    if spike.back_at is not None and abs(spike.baseline) < spike.margin:
        return say(
            "came back to {back} by step {end:,} ({before} before)",
            back=verbatim(number(spike.back_at)),
            end=spike.end_step,
            before=verbatim(number(spike.baseline)),
        )
    return say(
        "came back to within {margin} of its level by step {end:,}",
        margin=verbatim(number(spike.margin)),
        end=spike.end_step,
    )


def _trend_clause(spike: Spike) -> Text:
    if spike.recovered:
        return _level_clause(spike)
    if spike.kind is Kind.DIVERGENCE:
        return say("{tag} diverged from step {step:,} on", tag=spike.tag, step=spike.onset_step)
    if spike.height < 0:
        return say(
            "{tag} drifted down by {height} from step {step:,} on",
            tag=spike.tag,
            height=_height(spike),
            step=spike.onset_step,
        )
    return say(
        "{tag} drifted up by {height} from step {step:,} on",
        tag=spike.tag,
        height=_height(spike),
        step=spike.onset_step,
    )


def _noise_clause(spike: Spike) -> Text:
    times = verbatim(number((spike.noise + spike.height) / spike.noise)) if spike.noise > 0 else None
    if spike.end_step is None:
        return say(
            "{tag} became {times} times as noisy from step {step:,} on",
            tag=spike.tag,
            times=times,
            step=spike.onset_step,
        )
    return say(
        "{tag} was {times} times as noisy from step {step:,} to step {end:,}",
        tag=spike.tag,
        times=times,
        step=spike.onset_step,
        end=spike.end_step,
    )


def _lost_clause(spike: Spike) -> Text:
    if spike.end_step is None and not math.isfinite(spike.baseline):
        return say("{tag} was never a number, from step {step:,} on", tag=spike.tag, step=spike.onset_step)
    if spike.end_step is None:
        return say("{tag} stopped being a number at step {step:,}", tag=spike.tag, step=spike.onset_step)
    return say(
        "{tag} was not a number at step {step:,}, and was one again by step {end:,}",
        tag=spike.tag,
        step=spike.onset_step,
        end=spike.end_step,
    )


def story(spike: Spike) -> Text:
    """From where to where, and how often chance alone would do this: two or three sentences."""
    told = level_change(spike)
    if spike.shape is not Shape.LOST:
        told = say("{levels} {chance}", levels=told, chance=_chance(spike))
    if spike.provisional:
        return say("{story} It lies in the last points of the log: what follows may change it.", story=told)
    if spike.kind is Kind.DIVERGENCE:
        return say(
            "{story} It went on when the log ended: should it stop, it becomes a drift or a level shift.",
            story=told,
        )
    return told


def _chance(spike: Spike) -> Text:
    if spike.usual and _comes_all_along(spike):
        return say("Such bursts are usual for this loss.")
    if spike.expected_by_chance >= 1:
        return say("The noise of this loss is too uneven to tell how often chance alone would do this.")
    if spike.expected_by_chance <= RAREST:
        return say("By chance alone not one in 1,000 such runs would show it.")
    return say(
        "By chance alone a run like this would show {chance:.2g} such jumps.",
        chance=spike.expected_by_chance,
    )


def times(sigmas: float) -> Text:
    """How many times the noise; where there was next to none, the figure would only say that."""
    if abs(sigmas) < UNCOUNTED:
        return verbatim(number(abs(sigmas)))
    return say("more than 1,000,000")


def level_change(spike: Spike) -> Text:
    """From where to where, one sentence."""
    before, after = verbatim(number(spike.baseline)), verbatim(number(spike.level_after))
    peak, sigmas = verbatim(number(spike.peak_value)), times(spike.sigmas)
    match spike.shape:
        case Shape.BURST if spike.count > 1:
            return say(
                "{count:,} jumps, the highest from {before} to {peak}, {sigmas} times the noise before it.",
                count=spike.count,
                before=before,
                peak=peak,
                sigmas=sigmas,
            )
        case Shape.BURST:
            return say(
                "From {before} to {peak}, {sigmas} times the noise before it.",
                before=before,
                peak=peak,
                sigmas=sigmas,
            )
        case Shape.LEVEL | Shape.TREND:
            return say(
                "From a level of {before} to one of {after} ({extreme} point {peak}), "
                "{sigmas} times the noise before it.",
                before=before,
                after=after,
                extreme=_extreme(spike),
                peak=peak,
                sigmas=sigmas,
            )
        case Shape.NOISE:
            return say(
                "Its standard deviation went from {before} to {after}.",
                before=verbatim(number(spike.noise)),
                after=verbatim(number(spike.noise + spike.height)),
            )
        case Shape.LOST if math.isfinite(spike.baseline):
            return say("Before, it stood at {before}.", before=before)
        case Shape.LOST:
            return say("Before, it was no number either.")
        case _:
            assert_never(spike.shape)


def rhythm(spike: Spike) -> Text | None:
    """How often the members of a train come, and whether ever more often; None for any other spike."""
    if spike.kind is not Kind.TRAIN or spike.rate is None:
        return None
    trend = {
        True: say("they come ever more often"),
        False: say("they do not come more often with time"),
        None: say("whether they come more often with time cannot be told"),
    }[spike.rate_grows]
    rate = verbatim(number(spike.rate))
    return say("That is {rate} in every 10,000 logged points; {trend}.", rate=rate, trend=trend)


def mark(spike: Spike) -> Text:
    """The few words beside the curve in a close-up: "+39.1 at step 15,530, 99.6 sigma"."""
    height, sigmas = _signed(spike), times(spike.sigmas)
    match spike.shape:
        case Shape.BURST:
            return say(
                "{height} at step {step:,}, {sigmas} sigma",
                height=height,
                step=spike.peak_step,
                sigmas=sigmas,
            )
        case Shape.LEVEL | Shape.TREND:
            return say(
                "{height} from step {step:,} on, {sigmas} sigma",
                height=height,
                step=spike.onset_step,
                sigmas=sigmas,
            )
        case Shape.NOISE:
            return say(
                "standard deviation {height} from step {step:,} on", height=height, step=spike.onset_step
            )
        case Shape.LOST if spike.end_step is not None:
            return say(
                "NaN or Inf from step {step:,} to step {end:,}", step=spike.onset_step, end=spike.end_step
            )
        case Shape.LOST:
            return say("NaN or Inf from step {step:,} on", step=spike.onset_step)
        case _:
            assert_never(spike.shape)


def change_label(finding: Finding, loss: LossChange) -> Text:
    """The few words above the curve of one loss of a finding: "F2: -14.8 to 24.3, 109 sigma".

    The sigmas are those of the two numbers: of a new level, not of its highest point.
    """
    spike, leads = finding.spike, loss.tag == finding.spike.tag
    if spike.shape is Shape.LOST or (leads and spike.shape is Shape.NOISE):
        return say("{id}: {harm}", id=verbatim(finding.id), harm=mark(spike))
    level = leads and spike.shape in {Shape.LEVEL, Shape.TREND}
    return say(
        "{id}: {before} to {peak}, {sigmas} sigma",
        id=verbatim(finding.id),
        before=verbatim(number(loss.before)),
        peak=verbatim(number(spike.level_after if level else loss.peak)),
        sigmas=times(loss.sigmas),
    )


def caption(finding: Finding) -> Text:
    """Its number, kind and step, above a close-up; of a train, the step of its highest member."""
    spike = finding.spike
    if spike.kind is Kind.TRAIN:
        return say(
            "{id}: {kind}, the highest of {count:,} at step {step:,}",
            id=verbatim(finding.id),
            kind=spike.kind.value,
            count=spike.count,
            step=spike.peak_step,
        )
    return say(
        "{id}: {kind} at step {step:,}",
        id=verbatim(finding.id),
        kind=spike.kind.value,
        step=spike.onset_step,
    )


def headline(finding: Finding, diagnosis: Diagnosis | None = None) -> Text:
    """One line that a person may forward: what the loss did, and whether the error followed.

    Args:
        finding: What was found.
        diagnosis: That it is of, once there is one: where there is no error, its reward is what tells.
    """
    error = _error(finding.coupling)
    reward = None if diagnosis is None else diagnosis.reward_for_error(finding)
    if reward is not None:
        error = SUFFERED[reward.verdict] if reward.meanwhile is None else _meanwhile(finding.spike)
    elif diagnosis is not None and is_untold(finding, diagnosis):
        error = UNTOLD
    what = spike_clause(finding.spike)
    if diagnosis is not None and _ended_worse(finding, diagnosis):
        what = say("{what}, and ended worse", what=what)
    told = say("{what}; {error}.", what=what, error=error)
    elsewhere = None if diagnosis is None else diagnosis.worse_by_another(finding)
    if diagnosis is None or elsewhere is None:
        return told
    other = next(f for f in diagnosis.findings if f.id == elsewhere.finding)
    return say(
        "{headline} What matters is {id} at step {step:,}: {tag} ended worse.",
        headline=told,
        id=verbatim(other.id),
        step=_where(other.spike),
        tag=elsewhere.tag,
    )


def _ended_worse(finding: Finding, diagnosis: Diagnosis) -> bool:
    """Whether the loss came back, but to a level that is worse than its trend foretold."""
    told = (o for o in diagnosis.overall.outcomes if (o.finding, o.tag) == (finding.id, finding.spike.tag))
    return finding.spike.recovered and any(o.harms for o in told)


def _meanwhile(spike: Spike) -> Text:
    return SUFFERED_MEANWHILE if spike.recovered else SUFFERED_FOR_A_TIME


def is_untold(finding: Finding, diagnosis: Diagnosis) -> bool:
    """Whether an error is logged, but not so that it can answer."""
    logged = any(diagnosis.run.having(Role.COMPANION))
    return finding.coupling.verdict is CouplingVerdict.NO_COMPANION and logged


def _error(coupling: Coupling) -> Text:
    if coupling.improved:
        return IMPROVED
    if coupling.pooled is not None:
        return say(
            "{error} over its {jumps} jumps taken together",
            error=NO_RISE if coupling.may_be_better else ERROR[coupling.verdict],
            jumps=coupling.pooled,
        )
    if coupling.may_be_better:
        return NO_RISE
    if coupling.never_finite:
        return NO_NUMBER
    return ERROR[coupling.verdict]


def prevented(effect: Effect) -> Text:
    """The share of the spikes that a remedy would prevent: "81% (45% to 94%)"."""
    return say(
        "{prevented:.0%} ({low:.0%} to {high:.0%})",
        prevented=effect.prevented,
        low=effect.low,
        high=effect.high,
    )


def error_after(effect: Effect) -> Text:
    """What a remedy did to the error of the trainings that were studied: "0.79 (0.035 to 0.97)"."""
    return say(
        "{error:.2f} ({low:.2f} to {high:.2f})",
        error=effect.error,
        low=effect.error_low,
        high=effect.error_high,
    )


def glimpse(finding: Finding, kind: Text) -> Text:
    """A finding in a few words: "F1 train of spikes in bc/actor_loss (35), at most +26.6 at step 13,010"."""
    spike = finding.spike
    named: dict[str, Value] = {
        "id": verbatim(finding.id),
        "name": kind,
        "tag": spike.tag,
        "step": _where(spike),
    }
    if spike.shape is Shape.LOST:
        return say("{id}, {name} in {tag} at step {step:,}", **named)
    if spike.kind is Kind.TRAIN:
        return say(
            "{id}, {name} in {tag} ({count:,}), at most {height} at step {step:,}",
            **named,
            count=spike.count,
            height=_height(spike),
        )
    if spike.shape is Shape.BURST:
        return say("{id}, {name} in {tag}, {height} at step {step:,}", **named, height=_signed(spike))
    return say("{id}, {name} in {tag}, {height} from step {step:,} on", **named, height=_signed(spike))


def _where(spike: Spike) -> int:
    """The step by which a finding is named: of a burst where it is highest, else where it begins."""
    return spike.peak_step if spike.shape is Shape.BURST else spike.onset_step


def with_commas(words: Sequence[Text]) -> Text:
    """Words with commas between them."""
    first, *rest = words
    return say("{first}, {rest}", first=first, rest=with_commas(rest)) if rest else first


def chance(verdict: CauseVerdict) -> Text | None:
    """How probable a cause is: a figure where that is known to mean something, else a word, or None."""
    if verdict.status not in {Status.SUPPORTED, Status.PLAUSIBLE} or verdict.cause == UNEXPLAINED:
        return None
    if verdict.calibrated and verdict.probability is not None:
        return verbatim(percent(verdict.probability))
    return say("likely") if verdict.status is Status.SUPPORTED else say("possible")


def likeliest(finding: Finding) -> CauseVerdict | None:
    """The primary cause; without one, what is likeliest though not established, if anything is."""
    open_ = [v for v in finding.verdicts if v.open and v.cause != UNEXPLAINED]
    return max(open_, key=lambda v: (v is finding.primary, v.calibrated * v.share, v.share), default=None)


def answer(finding: Finding) -> Text:
    """The primary cause and how probable it is; without one, what is likeliest though not established."""
    verdict = likeliest(finding)
    if verdict is None:
        return say("{cause}", cause=finding.primary_cause)
    told = say("{cause} ({chance})", cause=verdict.cause, chance=chance(verdict))
    if verdict is finding.primary:
        return told
    return say("{cause}; likeliest, but not established: {other}", cause=finding.primary_cause, other=told)


def order(lag: Lag) -> Text:
    """Whether a series moved first, with the loss or later, and how sure that is: half a sentence."""
    low, high = sorted((lag.low, lag.high), key=abs)
    if lag.leads and math.isfinite(high):
        return say(
            "{steps:,.0f} steps before ({low:,.0f} to {high:,.0f})", steps=lag.steps, low=low, high=high
        )
    if lag.leads:
        return say("{steps:,.0f} steps before, or more", steps=lag.steps)
    if lag.follows:
        return say(
            "{steps:,.0f} steps after ({low:,.0f} to {high:,.0f})", steps=-lag.steps, low=-low, high=-high
        )
    if math.isfinite(high) and -lag.low == lag.high:
        return say("with it (±{reach:,.0f} steps)", reach=lag.high)
    return say("before or after, it cannot be told")


def elsewhere(witness: Witness) -> Text:
    """How often it goes as far where the loss does not jump."""
    if witness.chance is None:
        return say("not known, too few calm windows ({windows})", windows=witness.windows)
    return say("in {moved} of {windows} calm windows", moved=witness.moved, windows=witness.windows)


def moved_by(witness: Witness) -> Text:
    """How far it moved, in robust standard deviations of what it was before."""
    return say("constant before") if witness.was_constant else times(witness.sigmas)


def moved_with(witness: Witness) -> Text:
    """What one witness says, in a line."""
    return say(
        "{tag} went from {before} to {at}, {order}; as far elsewhere: {elsewhere}.",
        tag=witness.tag,
        before=verbatim(number(witness.before)),
        at=verbatim(number(witness.at)),
        order=order(witness.lag),
        elsewhere=elsewhere(witness),
    )


def copy_of(loss: str, copy: Copy) -> Text:
    """What the loss is made of, or what is made of it."""
    numbers = {"factor": verbatim(number(copy.factor)), "offset": verbatim(number(copy.offset, signed=True))}
    if copy.is_multiple:
        return say(
            "{loss} is {factor} x {tag}: their jump is the same one.", loss=loss, tag=copy.tag, **numbers
        )
    return say(
        "{loss} is {factor} x {tag} {offset}: their jump is the same one.", loss=loss, tag=copy.tag, **numbers
    )


def _height(spike: Spike) -> Text:
    """How far it went: signed for a rise, so that none reads as a fall, and plain for a fall."""
    falls = math.isfinite(spike.height) and spike.height < 0
    return verbatim(number(abs(spike.height)) if falls else number(spike.height, signed=True))


def _signed(spike: Spike) -> Text:
    return verbatim(number(spike.height, signed=True))


def _extreme(spike: Spike) -> Text:
    return LOWEST if spike.height < 0 else HIGHEST
