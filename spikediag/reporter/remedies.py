"""What to change, as one table: the line, what it would prevent in this run, its price, and what for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from spikediag.model import (
    Advice,
    CauseVerdict,
    Diagnosis,
    Effect,
    Finding,
    Remedy,
    Role,
    Status,
    Text,
    Tier,
    by_gravity,
    say,
)

COMPARE = "spikediag compare "
BOTH, CHECK, REAL, NEITHER = say("both"), say("a quick check"), say("real training"), say("neither")
NONE = say("none was seen")
NAMED = MappingProxyType(
    {
        "sigma-floor": (
            say("floor under sigma"),
            BOTH,
            say("the loss can no longer fall below its floor: judge by the error"),
        ),
        "grad-clip": (say("clip the gradient norm"), BOTH, NONE),
        "beta2": (say("lower Adam's beta2"), BOTH, NONE),
        "smaller-batch": (
            say("smaller batch"),
            CHECK,
            say("fewer samples a step, and a noisier gradient"),
        ),
        "action-noise": (say("noise in the actions"), BOTH, say("the policy learns blurred actions")),
        "lr-decay": (
            say("learning rate that decays"),
            REAL,
            say("the length of the run must be known beforehand"),
        ),
        "drop-dimension": (
            say("degenerate action left out"),
            BOTH,
            say("that action needs a head of its own"),
        ),
        "weighted-sampling": (
            say("sampling weighted by error"),
            NEITHER,
            say("the data loader must be changed"),
        ),
        "more-data": (say("more data"), REAL, say("the data must be collected; no sure cure by itself")),
    }
)


@dataclass(frozen=True)
class Remedied:
    """One row of the table.

    Attributes:
        what: Its name, or the advice itself where it has none.
        line: The line to change, in the user's own setting name where that was read; else code to paste.
        effect: What it would do to the spikes of this run; None where nothing measured tells.
        price: What it costs.
        use: A quick check, real training, both or neither.
    """

    advice: Advice
    what: Text
    line: str | None = None
    effect: Effect | None = None
    price: Text | None = None
    use: Text | None = None


def remedies(diagnosis: Diagnosis) -> tuple[Remedied, ...]:
    """What helps against the leading finding and the risks of the run, best first; then what helps others."""
    known = {remedy.id: remedy for remedy in diagnosis.remedies}
    return tuple(
        _remedied(advice, known.get(advice.remedy or ""))
        for advice in advised(diagnosis)
        if not (advice.code or "").startswith(COMPARE)
    )


def strongest(diagnosis: Diagnosis) -> Remedied | None:
    """The best remedy of a run that nothing set off, where even its interval prevents something."""
    lead = diagnosis.lead
    if lead is None or lead.primary is None or lead.primary.tier is Tier.TRIGGER:
        return None
    best = next((one for one in remedies(diagnosis) if one.effect is not None), None)
    return best if best is not None and best.effect is not None and best.effect.low > 0 else None


def unforeseen(diagnosis: Diagnosis) -> Text | None:
    """Why no effect is foretold for any remedy of the leading finding; None where one is."""
    shown = {row.advice.remedy for row in remedies(diagnosis)}
    of_table = [r for r in diagnosis.remedies if r.applies and r.id in NAMED and r.id in shown]
    if diagnosis.lead is None or not of_table or any(r.effect is not None for r in of_table):
        return None
    return of_table[0].reason


def verification(diagnosis: Diagnosis) -> Advice | None:
    """How to find out whether a change helped."""
    return next((a for a in advised(diagnosis) if (a.code or "").startswith(COMPARE)), None)


def advised(diagnosis: Diagnosis) -> tuple[Advice, ...]:
    """Every remedy once, log lines apart; those whose effect is foretold in the order of it."""
    lead = diagnosis.lead
    others = (f for f in by_gravity(diagnosis.findings) if f is not lead)
    places = {r.id: n for n, r in enumerate(diagnosis.remedies) if r.effect is not None}
    first = _once((*_of_causes(lead), *_of_conditions(diagnosis)), places)
    then = _once((a for finding in others for a in _of_causes(finding)), places)
    apart = {a.id for a in what_to_log(diagnosis)}
    return tuple(a for a in _distinct((*first, *then)) if a.logs is None and a.id not in apart)


def what_to_log(diagnosis: Diagnosis) -> tuple[Advice, ...]:
    """What to log to decide what could not be checked, each once."""
    wanted = _once((a for f in by_gravity(diagnosis.findings) for v in f.verdicts for a in v.missing), {})
    risks = (a for a in _of_conditions(diagnosis) if a.logs is not None)
    tested = diagnosis.lead is not None and diagnosis.lead.coupling.tests
    asked = _distinct((*wanted, *diagnosis.overall.would_tell, *risks))
    return tuple(a for a in asked if not (tested and a.logs is Role.COMPANION))


def _remedied(advice: Advice, remedy: Remedy | None) -> Remedied:
    """A row; what is foretold of a remedy is foretold of its dose, not of another one."""
    change = advice.change
    line = (change and change.line) or advice.code
    if advice.remedy is None or advice.remedy not in NAMED:
        return Remedied(advice, advice.text, line)
    what, use, price = NAMED[advice.remedy]
    same = remedy is not None and remedy.advice.change == change
    return Remedied(advice, what, line, remedy.effect if remedy is not None and same else None, price, use)


def _of_causes(finding: Finding | None) -> Iterator[Advice]:
    if finding is not None:
        yield from (a for v in finding.verdicts if _answers(v, finding) for a in v.advice)


def _of_conditions(diagnosis: Diagnosis) -> Iterator[Advice]:
    there = {Status.SUPPORTED, Status.PLAUSIBLE}
    yield from (a for c in diagnosis.conditions if c.status in there for a in c.advice)


def _answers(verdict: CauseVerdict, finding: Finding) -> bool:
    return verdict.status is Status.SUPPORTED or verdict.cause == finding.primary_cause


def _once(advice: Iterable[Advice], places: dict[str, int]) -> tuple[Advice, ...]:
    """In order of rank; of the same advice with other numbers, that of the gravest finding.

    Args:
        advice: The gravest finding's first.
        places: Of remedies whose effect is foretold, the best first; they stand in this order.
    """
    ranked = sorted(advice, key=lambda a: a.rank)
    foretold = sorted((a for a in ranked if a.remedy in places), key=lambda a: places[a.remedy or ""])
    order = iter(foretold)
    return _distinct(next(order) if a.remedy in places else a for a in ranked)


def _distinct(advice: Iterable[Advice]) -> tuple[Advice, ...]:
    seen: dict[str, Advice] = {}
    for a in advice:
        seen.setdefault(a.id, a)
    return tuple(seen.values())
