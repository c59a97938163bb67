"""What the first page of a report says, decided once: every format, the terminal and TensorBoard lay it out.

About sixty lines of Markdown, for one finding or twenty. What it leaves out stands in `appendix`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spikediag import phrases
from spikediag.model import (
    UNEXPLAINED,
    Advice,
    CauseVerdict,
    CouplingVerdict,
    Diagnosis,
    Effect,
    Evidence,
    Finding,
    Outcome,
    OutcomeVerdict,
    Role,
    Searched,
    Shape,
    SmallestJump,
    Status,
    Text,
    Tier,
    Witness,
    by_gravity,
    say,
)
from spikediag.phrases import with_commas
from spikediag.reporter.blocks import QuestionRow, num
from spikediag.reporter.remedies import (
    Remedied,
    remedies,
    strongest,
    unforeseen,
    verification,
    what_to_log,
)
from spikediag.reporter.training import only_past_its_best, past_its_best, state
from spikediag.text import Value
from spikediag.wording.writer import COLON, Writer, verbatim

CLOSE_UPS = 3  # findings told in full; the rest stand in one table
SMALLER = 4  # of the others, named on the page
UNCHECKED = 2  # causes that could not be checked, named
BLIND = 3  # losses that were not judged for one reason, named
REFUTED = 7  # lines of what it is not
OUTCOMES = 2  # series that say whether it matters
TABLE = 10  # remedies
MATTERS = {True: say("Yes."), False: say("No."), None: say("Cannot be told from what was logged.")}
RECORDED = say("What the flight recorder saw")
MOVED = {
    CouplingVerdict.DECOUPLED: say("No, it stayed."),
    CouplingVerdict.PARTLY: say("Too little to explain it."),
    CouplingVerdict.COUPLED: say("Yes, it moved."),
    CouplingVerdict.UNDECIDED: say("Undecided."),
    CouplingVerdict.NO_COMPANION: say("Not logged."),
}
BETTER = say("No, it got better.")
NO_RISE = say("No, it did not rise.")
NO_NUMBER = say("It was never a number.")
WORSE = {
    OutcomeVerdict.WORSE: say("Yes, it got worse."),
    OutcomeVerdict.NOT_WORSE: say("No, it is no worse."),
    OutcomeVerdict.CANNOT_BE_TOLD: say("Cannot be told."),
}
WORSE_MEANWHILE = say("Yes, while it lasted.")
WORSE_FOR_A_TIME = say("Yes, for a time.")


@dataclass(frozen=True)
class Page:
    """The page, part by part, in the order in which it is read."""

    run: str
    headline: Text
    rows: tuple[QuestionRow, ...]  # what, error, why, does it matter, do this now
    code: str | None  # for a terminal: what to change or log, where it is no single line
    smaller: Text | None  # the other findings, in one line
    refuted: tuple[QuestionRow, ...]  # what it is not, each with its number
    remedies: tuple[Remedied, ...]  # without the first where that row has said all of it
    source: Text | None  # what the effects rest on, or why none is foretold
    scenarios: tuple[QuestionRow, ...]  # for a quick check, for real training
    verify: Advice | None
    state: tuple[QuestionRow, ...]
    to_log: tuple[Text, ...]  # what to log where no line of code is known
    code_to_log: str  # lines; empty for none


def page(diagnosis: Diagnosis, writer: Writer) -> Page:
    """Decide what the page says; `writer` only gives the names of ids in its language."""
    lead, best = diagnosis.lead, remedies(diagnosis)
    wanted = [a for a in what_to_log(diagnosis) if not (a.code or "").startswith("spikediag ")]
    foretold = next((remedy.effect for remedy in best if remedy.effect is not None), None)
    return Page(
        run=diagnosis.run.name,
        headline=run_headline(diagnosis),
        rows=tuple(_rows(diagnosis, best, writer)),
        code=_code(diagnosis, best),
        smaller=_smaller(diagnosis, writer),
        refuted=tuple(_refuted(lead, writer))[:REFUTED] if lead else (),
        remedies=tuple(r for n, r in enumerate(best[:TABLE]) if n or r.advice.remedy is not None),
        source=_source(foretold, unforeseen(diagnosis)),
        scenarios=tuple(_scenarios(lead, best)) if foretold is not None else (),
        verify=verification(diagnosis),
        state=state(diagnosis, writer),
        to_log=tuple(a.text for a in wanted if a.code is None),
        code_to_log="\n".join(dict.fromkeys(a.code for a in wanted if a.code is not None)),
    )


def run_headline(diagnosis: Diagnosis) -> Text:
    """What a person may forward: what the loss did, the error or the reward, and what would prevent most."""
    best, jumped = strongest(diagnosis), _headline(diagnosis)
    if best is None or best.effect is None:
        return jumped
    return say(
        "{jumped} What would prevent most of such jumps: {remedy}, {prevented}.",
        jumped=jumped,
        remedy=best.what,
        prevented=phrases.prevented(best.effect),
    )


def _headline(diagnosis: Diagnosis) -> Text:
    lead = diagnosis.lead
    if lead is None:
        return diagnosis.overall.summary
    return phrases.headline(lead, diagnosis)


def _source(foretold: Effect | None, unforeseen: Text | None) -> Text | None:
    if foretold is not None:
        return say(
            "Shares of such jumps in this run (below zero: more of them), foretold with 80 % intervals by a "
            "{source}. Error: times that of the same training unchanged, there. `spikediag compare` says "
            "what came of it.",
            source=foretold.source,
        )
    return (
        None
        if unforeseen is None
        else say("What a remedy would prevent is not foretold: {why}", why=unforeseen)
    )


def main_findings(diagnosis: Diagnosis) -> tuple[Finding, ...]:
    """The findings told in full, the leading one first."""
    return by_gravity(diagnosis.findings)[:CLOSE_UPS]


def witnesses(finding: Finding) -> tuple[Witness, ...]:
    """Those worth a line: not the errors, which were tested, and of twins the first."""
    tested = {test.tag for test in finding.coupling.tests}
    seen: dict[tuple[str, float], Witness] = {}
    for witness in finding.witnesses.moved:
        if witness.tag not in tested:
            seen.setdefault((f"{abs(witness.sigmas):.3g}", witness.lag.steps), witness)
    return tuple(seen.values())[:SMALLER]


def events(finding: Finding) -> tuple[CauseVerdict, ...]:
    """What may have happened at this step, likeliest first."""
    return tuple(v for v in finding.verdicts if v.tier is not Tier.CONDITION and v.cause != UNEXPLAINED)


def would_show(searched: Searched) -> Text:
    """The height from which jumps would have been found in one series, or why none would."""
    reason = searched.reason or say("No jump of any height would have been found in it.")
    if not searched.jumps:
        return say("Not judged: {reason}", reason=reason)
    found = say("{jumps}.", jumps=_apart(list(_smallest(searched.jumps))))
    if searched.constant:
        found = say("Any change: it is one number throughout.")
    return found if searched.reason is None else say("{found} {reason}", found=found, reason=searched.reason)


def _smallest(jumps: Sequence[SmallestJump]) -> Iterator[Text]:
    """Each jump, and between which steps it would have been found where that is not the same for the next."""
    for jump, after in zip(jumps, (*jumps[1:], None), strict=True):
        where = jump.first_step, jump.last_step
        if after is not None and where == (after.first_step, after.last_step):
            yield _jump(jump)
        else:
            yield say(
                "{jump}, between steps {first:,} and {last:,}",
                jump=_jump(jump),
                first=where[0],
                last=where[1],
            )


def _jump(jump: SmallestJump) -> Text:
    height, sigmas = num(jump.height, signed=True), num(jump.sigmas)
    if jump.width == 1:
        return say("{height} for one point ({sigmas} sigma)", height=height, sigmas=sigmas)
    if jump.width is None:
        return say("{height} for good ({sigmas} sigma)", height=height, sigmas=sigmas)
    return say(
        "{height} for {width:,} points ({sigmas} sigma)", height=height, width=jump.width, sigmas=sigmas
    )


def _rows(diagnosis: Diagnosis, best: tuple[Remedied, ...], writer: Writer) -> Iterator[QuestionRow]:
    lead = diagnosis.lead
    if lead is None:
        yield _verdict(diagnosis, writer)
        yield from _searched(diagnosis)
    else:
        told = str(lead.primary.mechanism) if lead.primary is not None else ""
        moved = [m for w in witnesses(lead)[:1] if str(m := phrases.moved_with(w)) not in told]
        rhythm = phrases.rhythm(lead.spike)
        more = moved if rhythm is None else [rhythm, *moved]
        yield QuestionRow(say("What jumped"), None, phrases.story(lead.spike), _told(more))
        yield _error_row(diagnosis, lead)
        yield _why(diagnosis, lead, writer)
        recorded = [text for text in lead.why.recorded if str(text) not in told]
        if recorded:
            yield QuestionRow(RECORDED, None, _told(recorded))
        yield _matters(diagnosis, best)
    yield from _blind(diagnosis)
    if best:
        label = say("Do this now") if _answers_lead(best[0], lead) else say("Against the risks")
        yield QuestionRow(label, _line(best[0]), best[0].advice.text)
    elif logged := what_to_log(diagnosis):
        yield QuestionRow(say("Do this now"), None, logged[0].text)


def _verdict(diagnosis: Diagnosis, writer: Writer) -> QuestionRow:
    """Of a run without a jump; one that has gone past its best is not called clean."""
    if only_past_its_best(diagnosis):
        return QuestionRow(say("Verdict"), say("No jump, but past its best."), past_its_best(diagnosis))
    return QuestionRow(say("Verdict"), writer.word("run", diagnosis.overall.status.value))


def _blind(diagnosis: Diagnosis) -> Iterator[QuestionRow]:
    """Losses in which no jump could have been found, and why; one that was tested as an error has its row."""
    lead = diagnosis.lead
    tested = {test.tag for test in lead.coupling.tests} if lead is not None else set()
    blind = [one for one in diagnosis.searched_losses if not one.judged and one.tag not in tested]
    if blind:
        yield QuestionRow(say("Not judged"), None, _told(list(_for_reasons(blind))))


def _for_reasons(blind: Sequence[Searched]) -> Iterator[Text]:
    """Their names, and why they were not judged, for one reason after another."""
    for reason in {str(one.reason): one.reason for one in blind}.values():
        names = [say("{tag}", tag=one.tag) for one in blind if str(one.reason) == str(reason)]
        yield say("{names}.", names=_few(names, BLIND))
        if reason is not None:
            yield reason


def _searched(diagnosis: Diagnosis) -> Iterator[QuestionRow]:
    judged = [one for one in diagnosis.searched_losses if one.judged]
    for one in sorted(judged, key=lambda s: -s.points)[:1]:
        yield QuestionRow(
            say("What would have been found"), None, say("{tag}: {what}", tag=one.tag, what=would_show(one))
        )


def _error_row(diagnosis: Diagnosis, lead: Finding) -> QuestionRow:
    reward = diagnosis.reward_for_error(lead)
    if reward is not None:
        answer = WORSE[reward.verdict]
        if reward.meanwhile is not None:
            answer = WORSE_MEANWHILE if lead.spike.recovered else WORSE_FOR_A_TIME
        return QuestionRow(say("Did the reward suffer?"), answer, _stood(reward))
    answer = MOVED[lead.coupling.verdict]
    if lead.coupling.improved:
        answer = BETTER
    elif lead.coupling.may_be_better:
        answer = NO_RISE
    elif lead.coupling.never_finite:
        answer = NO_NUMBER
    elif phrases.is_untold(lead, diagnosis):
        answer = WORSE[OutcomeVerdict.CANNOT_BE_TOLD]
    return QuestionRow(say("Did the error move?"), answer, lead.coupling.reading)


def _why(diagnosis: Diagnosis, lead: Finding, writer: Writer) -> QuestionRow:
    """How the cause made the jump, why the error does not show it, and what would change the answer."""
    likeliest = phrases.likeliest(lead)
    mechanism = likeliest.mechanism if likeliest is not None and likeliest is lead.primary else None
    said_for = [e.reading for e in likeliest.evidence if e.supports] if likeliest is not None else []
    loss = diagnosis.run.series.get(lead.spike.tag)
    still = lead.coupling.verdict is CouplingVerdict.DECOUPLED
    now = why_now(lead, writer)
    more = [] if now is None else [now]
    if still and loss is not None and diagnosis.run.has_sigma(loss) and mechanism is not None:
        plainly = say(
            "In plain words: a policy that is almost certain is badly surprised by a miss too small to show "
            "in the error."
        )
        more.insert(0, plainly)
    answer = say("{answer}.", answer=phrases.answer(lead))
    because = said_for[0] if mechanism is None and said_for else mechanism
    return QuestionRow(say("Why, most likely"), answer, because, _told(more))


def why_now(finding: Finding, writer: Writer) -> Text | None:
    """Found, ruled out, or not checkable: what is known of the step itself; None where nothing is open."""
    found = [v for v in events(finding) if v.status is Status.SUPPORTED]
    triggers = [v for v in events(finding) if v.tier is Tier.TRIGGER]
    unchecked = [
        v for v in events(finding) if v.status is Status.NOT_CHECKABLE and (v.missing or v in triggers)
    ]
    names = _few([writer.word("cause", v.cause) for v in unchecked]) if unchecked else None
    if found and names is None:
        return None
    if found:
        return say("What could not be checked, and might change this answer: {causes}.", causes=names)
    if names is None:
        return say(
            "Nothing that was logged changed at this step; a fragile run breaks when chance has it. "
            "{count} triggers were checked.",
            count=len(triggers),
        )
    if finding.primary_cause == UNEXPLAINED:
        return say("What could not be checked: {causes}.", causes=names)
    return say("Why just then is open; what could not be checked: {causes}.", causes=names)


def _few(names: Sequence[Text], most: int = UNCHECKED) -> Text:
    """The first names, and how many more there are."""
    told, more = names[:most], len(names) - most
    return (
        say("{names} and {more} more", names=with_commas(told), more=more) if more > 1 else with_commas(names)
    )


def _matters(diagnosis: Diagnosis, best: tuple[Remedied, ...]) -> QuestionRow:
    """How the loss, the error and the reward stood after it, what that cannot tell, and what it costs."""
    overall, lead = diagnosis.overall, diagnosis.lead
    readings = {str(o.reading) for o in overall.outcomes}
    beside = [text for text in overall.because if not any(r in str(text) for r in readings)]
    said = None if lead is None else diagnosis.reward_for_error(lead)
    harmed = bool(overall.matters) and said is not None and said.verdict is OutcomeVerdict.WORSE
    shown = [
        o
        for o in _telling(diagnosis)
        if o is not said and not (harmed and o.verdict is OutcomeVerdict.CANNOT_BE_TOLD)
    ][:OUTCOMES]
    alone = lead is not None and all(o.finding == lead.id for o in shown)
    parts = [_ended(o) if alone else _elsewhere(o) for o in shown]
    rising = lead is not None and lead.spike.shape in {Shape.LOST, Shape.TREND} and not lead.spike.is_fall
    answer = say("Not so far.") if rising and overall.matters is False else MATTERS[overall.matters]
    elsewhere = None if lead is None else diagnosis.worse_by_another(lead)
    if elsewhere is not None:
        answer = say("Yes, because of {id}.", id=verbatim(elsewhere.finding))
    if harmed or (said is not None and not parts and overall.matters is not None):
        parts = [say("The reward says so."), *parts]
    return QuestionRow(say("Does it matter?"), answer, _told(parts), _told([*beside[:2], *_price(best)]))


def _telling(diagnosis: Diagnosis) -> Iterator[Outcome]:
    """What ended worse, wherever; else of each role how the first series ended around the leading finding.

    A loss that stands higher though the run is no worse for it tells nothing.
    """
    overall, lead, roles = diagnosis.overall, diagnosis.lead, set()
    order = sorted(
        diagnosis.told_outcomes(), key=lambda o: (o.finding != (lead and lead.id), o.role is Role.LOSS)
    )
    if overall.matters:
        yield from (o for o in order if o.harms)
    for o in order:
        misleads = o.verdict is OutcomeVerdict.WORSE and (overall.matters is False or o.excused)
        if o.finding == (lead and lead.id) and o.role not in roles and not misleads:
            roles.add(o.role)
            if not (overall.matters and o.verdict is OutcomeVerdict.WORSE) and not _is_idle(o, roles):
                yield o


def _is_idle(outcome: Outcome, roles: set[Role]) -> bool:
    """Whether it only says that the loss is no worse, after an error or a reward has said more."""
    return outcome.role is Role.LOSS and len(roles) > 1 and outcome.verdict is OutcomeVerdict.NOT_WORSE


def _price(best: tuple[Remedied, ...]) -> Iterator[Text]:
    """That the state behind the jumps may cost more than they do, where the study saw it."""
    floored = next((r for r in best if r.advice.remedy == "sigma-floor" and r.effect is not None), None)
    if floored is not None and floored.effect is not None and floored.effect.error_high < 1:
        yield say(
            "The state behind it may: in the study a {what} ended at {error} times the error.",
            what=floored.what,
            error=phrases.error_after(floored.effect),
        )


def _stood(outcome: Outcome) -> Text:
    """Its levels, below an answer that says the rest."""
    if outcome.verdict is not OutcomeVerdict.CANNOT_BE_TOLD:
        return _ended(outcome)
    stood = {"tag": say("{tag}", tag=outcome.tag), "before": num(outcome.before), "after": num(outcome.after)}
    return say("{tag}: {before} before, {after} after.", **stood)


def _ended(outcome: Outcome) -> Text:
    levels: dict[str, Value] = {
        "tag": outcome.tag,
        "before": num(outcome.before),
        "after": num(outcome.after),
        "foretold": num(outcome.foretold),
        "margin": num(outcome.margin),
    }
    if outcome.meanwhile is not None:
        return say(
            "{tag} was worse meanwhile: {before} before, {then} then; {after} after.",
            then=num(outcome.meanwhile),
            **levels,
        )
    if not math.isfinite(outcome.after) and outcome.verdict is OutcomeVerdict.WORSE:
        return outcome.reading
    match outcome.verdict:
        case OutcomeVerdict.WORSE:
            return say(
                "{tag} ended worse: {before} before, {after} after, where {foretold} was foretold.", **levels
            )
        case OutcomeVerdict.NOT_WORSE:
            return say("{tag} ended no worse: {before} before, {after} after (margin {margin}).", **levels)
        case _:
            return say("Whether {tag} ended worse cannot be told: {before} before, {after} after.", **levels)


def _elsewhere(outcome: Outcome) -> Text:
    return say("{id}{colon}{ended}", id=verbatim(outcome.finding), colon=COLON, ended=_ended(outcome))


def _answers_lead(best: Remedied, lead: Finding | None) -> bool:
    """Whether a remedy answers the cause of the leading finding, rather than a risk of the run."""
    judged = (v for v in lead.verdicts if v.status is Status.SUPPORTED) if lead is not None else ()
    return any(best.advice.id == advice.id for v in judged for advice in v.advice)


def _line(best: Remedied) -> Text | None:
    """The line to change, and the file in which it stands; None where no single line does it."""
    if best.line is None or "\n" in best.line:
        return None
    change = best.advice.change
    if change is None or change.line is None or change.place is None:
        return say("{line}.", line=best.line)
    return say("{line} in {place}.", line=best.line, place=change.place)


def _code(diagnosis: Diagnosis, best: tuple[Remedied, ...]) -> str | None:
    """The code of what to do now, where it is not a single line of the row itself."""
    if not best:
        return next((a.code for a in what_to_log(diagnosis)), None)
    return None if _line(best[0]) is not None else best[0].line


def _smaller(diagnosis: Diagnosis, writer: Writer) -> Text | None:
    """The other findings in one line, the gravest named."""
    others = by_gravity(diagnosis.findings)[1:]
    if not others:
        return None
    named = _apart([phrases.glimpse(f, writer.word("kind", f.spike.kind.value)) for f in others[:SMALLER]])
    if len(others) > SMALLER:
        return say(
            "Besides, {count:,} lesser findings: {named}, and {rest:,} more.",
            count=len(others),
            named=named,
            rest=len(others) - SMALLER,
        )
    return say("Besides: {named}.", named=named)


def _apart(parts: Sequence[Text]) -> Text:
    """Parts with commas of their own."""
    first, *rest = parts
    return say("{first}; {rest}", first=first, rest=_apart(rest)) if rest else first


def _refuted(lead: Finding, writer: Writer) -> Iterator[QuestionRow]:
    """What it is not, one line each with its number; causes that the same rules out share a line."""
    groups: dict[str, tuple[Text, list[Text]]] = {}
    for verdict in lead.verdicts:
        if verdict.status is Status.RULED_OUT and verdict.cause != UNEXPLAINED:
            against = _against(verdict, lead)
            if against is not None:
                groups.setdefault(str(against), (against, []))[1].append(writer.word("cause", verdict.cause))
    yield from (QuestionRow(with_commas(names), None, against) for against, names in groups.values())
    for one in lead.primary.evidence if lead.primary is not None else ():
        if one.what == "resampling-height" and isinstance(one.reference, float):
            strays = say(
                "the largest of them would stray by {reach}, the jump is {height}.",
                reach=num(one.reference),
                height=num(float(one.observed or 0)),
            )
            yield QuestionRow(say("an unlucky draw of the batch"), None, strays)


def _against(verdict: CauseVerdict, lead: Finding) -> Text | None:
    """What rules a cause out; that the error did not move, in the fewest words."""
    speaking = sorted((e for e in verdict.evidence if e.weight < 0), key=lambda e: e.weight)
    if not speaking:
        return None
    first = speaking[0]
    return _flat(lead) if _is_coupling(first, lead) else first.reading


def _is_coupling(evidence: Evidence, lead: Finding) -> bool:
    return str(evidence.reading) == str(lead.coupling.reading)


def _flat(lead: Finding) -> Text:
    test = lead.coupling.tests[0] if lead.coupling.tests else None
    if test is None:
        return lead.coupling.reading
    moved = {"tag": say("{tag}", tag=test.tag), "change": num(test.change, signed=True)}
    if test.needed is None:
        return say("it would raise {tag} too, which changed by {change}.", **moved)
    return say(
        "it would raise {tag} by {needed}, which changed by {change}.",
        **moved,
        needed=num(test.needed, signed=True),
    )


def _scenarios(lead: Finding | None, best: tuple[Remedied, ...]) -> Iterator[QuestionRow]:
    """What to do for a quick check of the data, and for a training that is to be used."""
    if lead is not None and lead.coupling.tests:
        learnt = say(
            "{tag} tells whether the data can be learnt, and the jumps do not hide it; to be rid of them, "
            "change the first line alone.",
            tag=lead.coupling.tests[0].tag,
        )
        yield QuestionRow(say("For a quick check"), None, learnt)
    more = next((r.effect for r in best if r.advice.remedy == "more-data"), None)
    if more is not None:
        useful = say(
            "change the first line and use all the data there are; more data alone may prevent {prevented} "
            "of the jumps. Judge the policy on held-out data or on the robot.",
            prevented=phrases.prevented(more),
        )
        yield QuestionRow(say("For real training"), None, useful)


def _told(parts: Sequence[Text]) -> Text | None:
    """Sentences after each other; None for none."""
    if len(parts) < 2:
        return parts[0] if parts else None
    return say("{said} {more}", said=parts[0], more=_told(parts[1:]))
