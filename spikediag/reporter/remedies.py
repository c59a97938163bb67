"""What to change, as one table: the line, what it did where it was measured, its price, and what for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType

from spikediag import study
from spikediag.model import (
    Advice,
    CauseVerdict,
    Diagnosis,
    Fact,
    Finding,
    Origin,
    Run,
    Status,
    Text,
    by_gravity,
    say,
)
from spikediag.study import Remedy
from spikediag.wording.writer import verbatim

READ = frozenset(
    {
        Origin.SETTINGS,
        Origin.HPARAMS,
        Origin.TEXT,
        Origin.BESIDE,
        Origin.ABOVE,
        Origin.ABOVE_TWO,
        Origin.ABOVE_THREE,
    }
)  # from somebody's configuration: it has a name of their own, and a place to change it
COMPARE = "spikediag compare "
BOTH, CHECK, REAL, NEITHER = say("both"), say("a quick check"), say("real training"), say("neither")
NONE = say("none was seen")
STUDIED = MappingProxyType(
    {
        Remedy.FLOOR: (
            say("floor under sigma"),
            BOTH,
            say("the loss can no longer fall below its floor: judge by the error"),
        ),
        Remedy.CLIP: (say("clip the gradient norm"), BOTH, NONE),
        Remedy.BETA2: (say("lower Adam's beta2"), BOTH, NONE),
        Remedy.SMALL_BATCH: (
            say("smaller batch"),
            CHECK,
            say("fewer samples a step, and a noisier gradient"),
        ),
        Remedy.DECAY: (
            say("learning rate that decays"),
            REAL,
            say("the length of the run must be known beforehand"),
        ),
        Remedy.WEIGHTED: (say("sampling weighted by error"), NEITHER, say("the data loader must be changed")),
        Remedy.MORE_SAMPLES: (say("more data"), REAL, say("the data must be collected; no cure by itself")),
    }
)


@dataclass(frozen=True)
class Remedied:
    """One row of the table.

    Attributes:
        what: Its name, or the advice itself where it was not studied.
        line: The line to change, in the user's own setting name where that was read; else code to paste.
        left: Share of the jumps that were left where it was measured, with its 95 % interval.
        error: The error at the end, where it was measured.
        price: What it costs.
        use: A quick check, real training, both or neither.
    """

    advice: Advice
    what: Text
    line: str | None = None
    left: Text | None = None
    error: Text | None = None
    price: Text | None = None
    use: Text | None = None


def remedies(diagnosis: Diagnosis) -> tuple[Remedied, ...]:
    """What helps against the leading finding and the risks of the run, best first; then what helps others."""
    return tuple(
        _remedied(diagnosis.run, advice)
        for advice in advised(diagnosis)
        if not (advice.code or "").startswith(COMPARE)
    )


def verification(diagnosis: Diagnosis) -> Advice | None:
    """How to find out whether a change helped."""
    return next((a for a in advised(diagnosis) if (a.code or "").startswith(COMPARE)), None)


def reference_error() -> Text:
    """The error at the end without any remedy, where remedies were measured."""
    return _error(Remedy.NONE)


def advised(diagnosis: Diagnosis) -> tuple[Advice, ...]:
    """Every remedy once, log lines apart."""
    lead = diagnosis.lead
    others = (f for f in by_gravity(diagnosis.findings) if f is not lead)
    first = _once((*_of_causes(lead), *_of_conditions(diagnosis)))
    then = _once(a for finding in others for a in _of_causes(finding))
    apart = {_key(a) for a in log_lines(diagnosis)}
    return tuple(a for a in _distinct((*first, *then)) if _key(a) not in apart)


def log_lines(diagnosis: Diagnosis) -> tuple[Advice, ...]:
    """What to log to decide what could not be checked, each once."""
    wanted = _once(a for f in by_gravity(diagnosis.findings) for v in f.verdicts for a in v.missing)
    return _distinct((*wanted, *diagnosis.overall.would_tell))


def setting_line(run: Run, advice: Advice) -> str | None:
    """`std_min: 1e-05 → 0.06`, where the setting that the advice changes was read; else None."""
    if advice.setting is None:
        return None
    name, value = advice.setting
    fact = run.fact(name)
    if fact.origin not in READ:
        return None
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    was = f"{fact.value:g}" if isinstance(fact.value, float) else str(fact.value)
    return None if was == shown else f"{_own_name(fact)}: {was} → {shown}"


def setting_place(run: Run, advice: Advice) -> str | None:
    """The file in which that setting stands."""
    if setting_line(run, advice) is None or advice.setting is None:
        return None
    return run.fact(advice.setting[0]).source.rpartition(": ")[0] or None


def _own_name(fact: Fact) -> str:
    return fact.source.rpartition(": ")[2]


def _remedied(run: Run, advice: Advice) -> Remedied:
    line = setting_line(run, advice) or advice.code
    if advice.remedy is None:
        return Remedied(advice, advice.text, line)
    what, use, price = STUDIED[Remedy(advice.remedy)]
    if advice.measured is None:
        return Remedied(advice, what, line, price=price)
    remedy = Remedy(advice.remedy)
    return Remedied(advice, what, line, _left(remedy), _error(remedy), price, use)


def _left(remedy: Remedy) -> Text:
    ratio = study.ratio(remedy)
    return say("{left:.0%} ({low:.0%} to {high:.0%})", left=ratio.value, low=ratio.low, high=ratio.high)


def _error(remedy: Remedy) -> Text:
    return verbatim(f"{median(row.mse for row in study.trainings(remedy)):.2g}")


def _of_causes(finding: Finding | None) -> Iterator[Advice]:
    if finding is not None:
        yield from (a for v in finding.verdicts if _answers(v, finding) for a in v.advice)


def _of_conditions(diagnosis: Diagnosis) -> Iterator[Advice]:
    there = {Status.SUPPORTED, Status.PLAUSIBLE}
    yield from (a for c in diagnosis.conditions if c.status in there for a in c.advice)


def _answers(verdict: CauseVerdict, finding: Finding) -> bool:
    return verdict.status is Status.SUPPORTED or verdict.cause == finding.primary_cause


def _once(advice: Iterable[Advice]) -> tuple[Advice, ...]:
    """In order of rank; of the same advice with other numbers, that of the gravest finding."""
    return _distinct(sorted(advice, key=lambda a: a.rank))


def _distinct(advice: Iterable[Advice]) -> tuple[Advice, ...]:
    seen: dict[str, Advice] = {}
    for a in advice:
        seen.setdefault(_key(a), a)
    return tuple(seen.values())


def _key(advice: Advice) -> str:
    return advice.remedy or advice.text.template
