"""All that stands behind the page, each thing once: what was said before is not said again."""

import math
import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from spikediag import phrases
from spikediag.model import (
    UNEXPLAINED,
    CauseVerdict,
    CompanionTest,
    Condition,
    Diagnosis,
    Fact,
    Finding,
    LossKind,
    Origin,
    Outcome,
    Role,
    Run,
    Series,
    Spike,
    Status,
    Text,
    Tier,
    by_gravity,
    say,
)
from spikediag.phrases import with_commas
from spikediag.reporter import page
from spikediag.reporter.blocks import (
    Block,
    Bullets,
    Cell,
    Code,
    Paragraph,
    Picture,
    QuestionRow,
    Section,
    Table,
    num,
    table,
)
from spikediag.reporter.remedies import remedies
from spikediag.text import Value
from spikediag.wording import escape
from spikediag.wording.numbers import p_value, percent, size
from spikediag.wording.writer import Writer, verbatim

ROWS = 50  # findings in the table; JSON has them all
CALIBRATION = say(
    "Probabilities are those of short trainings with one injected fault each, of this kind of loss "
    "(benchmarks/attribution)."
)
OPTIONS = {"--batch-size", "--dataset-size", "--action-dim"}


@dataclass
class Said:
    """Which sentences a report has said already."""

    sentences: set[str] = field(default_factory=set)

    def all_of(self, text: Text | None) -> None:
        """Take a sentence, and every sentence inside it, as said."""
        if text is not None:
            self.sentences.add(str(text))
            for value in text.values.values():
                if isinstance(value, Text):
                    self.all_of(value)

    def once(self, text: Text | None) -> Text | None:
        """The sentence where it is new, else None."""
        if text is None or str(text) in self.sentences:
            return None
        self.all_of(text)
        return text


def close_up_name(finding: Finding) -> str:
    """What its picture is called: `finding-2` for F2."""
    return f"finding-{finding.id.removeprefix('F')}"


def appendix(diagnosis: Diagnosis, first: page.Page, writer: Writer) -> tuple[Section, ...]:
    """Every part that has something to say; `first` is the page, which is not repeated."""
    said = Said()
    for text in _of_page(first):
        said.all_of(text)
    parts = (
        (say("Findings"), _findings(diagnosis, writer)),
        (page.RECORDED, _recorded(diagnosis, said)),
        (say("Causes"), _causes(diagnosis, said, writer)),
        (say("What the likelihood says of the jump"), _algebra(diagnosis, said, writer)),
        (say("What makes the run fragile"), _conditions(diagnosis, said, writer)),
        (say("What each remedy does"), _advice(diagnosis, said)),
        (say("How every series ended"), _outcomes(diagnosis, said, writer)),
        (say("What was checked"), _checks(diagnosis, said, writer)),
        (say("What was read, and how to reproduce this report"), _provenance(diagnosis, said, writer)),
    )
    return tuple(Section(title, blocks) for title, of in parts if (blocks := tuple(of)))


def _of_page(first: page.Page) -> Iterator[Text | None]:
    yield first.headline
    for row in (*first.rows, *first.refuted, *first.scenarios, *first.state):
        yield from row.told
    for remedy in first.remedies:
        yield remedy.what
        yield remedy.price
    yield from first.to_log
    yield first.verify.text if first.verify is not None else None


def _findings(diagnosis: Diagnosis, writer: Writer) -> Iterator[Block]:
    if not diagnosis.findings:
        return
    gravest = by_gravity(diagnosis.findings)[:ROWS]
    listed_ = sorted(gravest, key=lambda f: (f.spike.onset_step, f.id))
    if len(listed_) > 1:
        yield _findings_table(listed_, writer)
    if len(diagnosis.findings) > ROWS:
        left = len(diagnosis.findings) - ROWS
        yield Paragraph(say("{count:,} smaller ones stand in the JSON report only.", count=left))
    main = page.main_findings(diagnosis)
    yield _losses(main, writer)
    yield from _errors(main, writer)
    yield from _witnesses(main, writer)
    yield from (Picture(close_up_name(f), phrases.caption(f)) for f in main)


def _findings_table(findings: Sequence[Finding], writer: Writer) -> Table:
    head = say(
        " | kind | series | begins at | highest at | back at | before | peak | jump | "
        "expected by chance | did the error move? | cause"
    )
    rows = tuple(_finding_row(f, writer) for f in findings)
    return table(writer, head, rows, *range(3, 10))


def _finding_row(f: Finding, writer: Writer) -> tuple[Cell, ...]:
    spike = f.spike
    return (
        verbatim(f.id),
        _kind(spike, writer),
        _name(spike.tag),
        say("{step:,}", step=spike.onset_step),
        say("{step:,}", step=spike.peak_step),
        None if spike.end_step is None else say("{step:,}", step=spike.end_step),
        num(spike.baseline),
        num(spike.peak_value),
        num(spike.height, signed=True),
        verbatim("< 0.001") if spike.expected_by_chance <= phrases.RAREST else num(spike.expected_by_chance),
        writer.word("coupling", f.coupling.verdict.value),
        writer.word("cause", f.primary_cause),
    )


def _kind(spike: Spike, writer: Writer) -> Text:
    """The kind, how many, and whether such bursts are usual or may still turn out otherwise."""
    kind = writer.word("kind", spike.kind.value)
    if spike.count > 1:
        kind = say("{name} ({count:,})", name=kind, count=spike.count)
    if spike.usual:
        return say("{name}, usual for this loss", name=kind)
    return say("{name}, at the end of the log", name=kind) if spike.provisional else kind


def _losses(main: Sequence[Finding], writer: Writer) -> Table:
    rows = tuple(
        (
            verbatim(f.id),
            _name(loss.tag),
            num(loss.before),
            num(loss.peak),
            num(loss.after),
            num(loss.sigmas),
        )
        for f in main
        for loss in f.losses
    )
    head = say("finding | loss | before | highest | after | jump in standard deviations")
    return table(writer, head, rows, 2, 3, 4, 5)


def _errors(main: Sequence[Finding], writer: Writer) -> Iterator[Block]:
    tests = [(f, test) for f in main for test in f.coupling.tests]
    if not tests:
        return
    head = say("finding | error | before | during | change | 90 % interval | margin | did it move?")
    yield table(writer, head, tuple(_error_row(f, test, writer) for f, test in tests), 2, 3, 4, 5, 6)
    _, first = tests[0]
    yield Paragraph(
        say(
            "Margin: {reason}. A change as small as this, had the error risen by the margin: p {p}.",
            reason=first.margin_reason,
            p=verbatim(p_value(first.p_equivalent)),
        )
    )


def _error_row(f: Finding, test: CompanionTest, writer: Writer) -> tuple[Cell, ...]:
    name = say("{tag} (held out)", tag=test.tag) if test.held_out else _name(test.tag)
    interval = say("{low} … {high}", low=num(test.low, signed=True), high=num(test.high, signed=True))
    return (
        verbatim(f.id),
        name,
        num(test.before),
        num(test.during),
        num(test.change, signed=True),
        interval,
        say("±{margin}", margin=num(test.margin)),
        moved(test, writer),
    )


def moved(test: CompanionTest, writer: Writer) -> Text:
    """What one test found, and what it cannot see."""
    verdict = writer.word("coupling", test.verdict.value)
    if test.tested is not None and test.moved is not None:
        verdict = say(
            "{verdict}, at {moved:,} of {tested:,}", verdict=verdict, moved=test.moved, tested=test.tested
        )
    return verdict if test.blind is None else say("{verdict}. {blind}", verdict=verdict, blind=test.blind)


def _witnesses(main: Sequence[Finding], writer: Writer) -> Iterator[Block]:
    head = say("finding | what else moved | before | then | in standard deviations | when | as far elsewhere")
    rows = tuple(
        (
            verbatim(f.id),
            _name(w.tag),
            num(w.before),
            num(w.at),
            phrases.moved_by(w),
            phrases.order(w.lag),
            phrases.elsewhere(w),
        )
        for f in main
        for w in page.witnesses(f)
    )
    if rows:
        yield table(writer, head, rows, 2, 3, 4)
    copies = {str(t): t for f in main for c in f.witnesses.copies if (t := phrases.copy_of(f.spike.tag, c))}
    if notes := (*_silent(main), *copies.values()):
        yield Bullets(tuple(QuestionRow(text) for text in notes))


def _silent(findings: Sequence[Finding]) -> Iterator[Text]:
    """Of which of them no other series moved, those that were asked of as many in one sentence."""
    ids: dict[int, list[Text]] = defaultdict(list)
    for f in findings:
        if f.witnesses.asked and not f.witnesses.moved:
            ids[f.witnesses.asked].append(verbatim(f.id))
    for asked, those in ids.items():
        yield say(
            "{id}: of {asked} other series none moved farther than it does elsewhere.",
            id=with_commas(those),
            asked=asked,
        )


def _causes(diagnosis: Diagnosis, said: Said, writer: Writer) -> Iterator[Block]:
    main = page.main_findings(diagnosis)
    if not main or not main[0].verdicts:
        return
    yield _matrix(main, writer)
    shown = [v for f in main for v in page.events(f) if phrases.chance(v) is not None]
    if any(v.calibrated for v in shown):
        yield Paragraph(CALIBRATION)
    for text in [v.uncalibrated for v in shown if v.uncalibrated is not None][:1]:
        yield Paragraph(say("Words stand where none was measured: {reason}", reason=text))
    known: set[tuple[str, str]] = set()
    for finding in main:
        rows = tuple(_evidence(finding, said, known, writer))
        known |= {(v.cause, e.reading.template) for v in finding.verdicts for e in v.evidence}
        if rows:
            yield Paragraph(say("Evidence on {id}:", id=verbatim(finding.id)))
            yield Bullets(rows)


def _matrix(main: Sequence[Finding], writer: Writer) -> Table:
    """Findings across, causes down."""
    causes = dict.fromkeys(v.cause for f in main for v in f.verdicts if v.cause != UNEXPLAINED)
    head = (say("cause"), *(verbatim(f.id) for f in main))
    rows = []
    for cause in causes:
        cells: list[Cell] = [writer.word("cause", cause)]
        for f in main:
            verdict = next((v for v in f.verdicts if v.cause == cause), None)
            cells.append(None if verdict is None else _standing(verdict, writer))
        rows.append(tuple(cells))
    return Table(head, tuple(rows))


def _standing(verdict: CauseVerdict, writer: Writer) -> Text:
    status, chance = writer.word("status", verdict.status.value), phrases.chance(verdict)
    named_by_word = chance is not None and verdict.tier is Tier.CONDITION
    if chance is None or named_by_word:
        return status
    return say("{verdict} ({chance})", verdict=status, chance=chance)


def _evidence(
    finding: Finding, said: Said, known: set[tuple[str, str]], writer: Writer
) -> Iterator[QuestionRow]:
    """What is new on each cause; of a later finding only what the first has not said in other numbers."""
    for verdict in finding.verdicts:
        if verdict.cause == UNEXPLAINED:
            continue
        new = [
            (_side(e.weight), text)
            for e in verdict.evidence
            if (verdict.cause, e.reading.template) not in known
            and str(e.reading) != str(finding.coupling.reading)
            and (text := said.once(e.reading))
        ]
        for side, text in new:
            name = writer.word("cause", verdict.cause)
            yield QuestionRow(say("{name}, {side}", name=name, side=side), None, text)


def _side(weight: float) -> Text:
    return say("for") if weight > 0 else say("against") if weight < 0 else say("beside it")


def _recorded(diagnosis: Diagnosis, said: Said) -> Iterator[Block]:
    """Of every finding that was recorded, but for what the page says of the leading one."""
    told = [(f, text) for f in diagnosis.findings for one in f.why.recorded if (text := said.once(one))]
    if told:
        yield Bullets(tuple(QuestionRow(verbatim(finding.id), None, text) for finding, text in told))


def _algebra(diagnosis: Diagnosis, said: Said, writer: Writer) -> Iterator[Block]:
    lead = diagnosis.lead
    if lead is None:
        return
    lines = tuple(QuestionRow(text) for one in lead.why.algebra if (text := said.once(one)))
    if lines:
        yield Bullets(lines)
    if lead.why.components:
        rows = tuple((c.name, num(c.value, signed=True)) for c in lead.why.components)
        yield table(writer, say("part of the jump | nats"), rows, 1)


def _conditions(diagnosis: Diagnosis, said: Said, writer: Writer) -> Iterator[Block]:
    rows = tuple(
        (
            writer.word("condition", c.condition),
            writer.word("health", c.status.value),
            _worth(diagnosis, c),
            text,
        )
        for c in diagnosis.conditions
        if (text := said.once(c.reading))
    )
    if rows:
        head = say("risk | present? | share of such jumps that taking it away would prevent (80 %) | reading")
        yield table(writer, head, rows, 2)


def _worth(diagnosis: Diagnosis, condition: Condition) -> Cell:
    remedy = diagnosis.worth(condition) if diagnosis.lead is not None else None
    there = condition.status in {Status.SUPPORTED, Status.PLAUSIBLE}
    return phrases.prevented(remedy.effect) if there and remedy is not None and remedy.effect else None


def _advice(diagnosis: Diagnosis, said: Said) -> Iterator[Block]:
    """The sentence behind each line of the table on the page, and code too long for it."""
    every = remedies(diagnosis)
    lines = tuple(
        QuestionRow(text) if one.what is one.advice.text else QuestionRow(one.what, None, text)
        for one in every
        if (text := said.once(one.advice.text)) is not None
    )
    if lines:
        yield Bullets(lines)
    yield from (Code(one.line) for one in every if one.line is not None and "\n" in one.line)


def _outcomes(diagnosis: Diagnosis, said: Said, writer: Writer) -> Iterator[Block]:
    overall = diagnosis.overall
    rows = tuple(_outcome_row(o, writer) for o in overall.outcomes)
    if rows:
        head = say(
            "finding | series | before | worst during | after | foretold | "
            "change for the worse, 90 % interval | margin | did it end worse?"
        )
        yield table(writer, head, rows, 2, 3, 4, 5, 6, 7)
    readings = {str(o.reading) for o in overall.outcomes}
    beside = [t for t in overall.because if not any(r in str(t) for r in readings) and said.once(t)]
    if beside:
        yield Bullets(tuple(QuestionRow(text) for text in beside))
    tell = [text for a in overall.would_tell if (text := said.once(a.text))]
    if tell:
        yield Paragraph(say("What would tell whether it matters:"))
        yield Bullets(tuple(QuestionRow(text) for text in tell))


def _outcome_row(o: Outcome, writer: Writer) -> tuple[Cell, ...]:
    levels = (verbatim(o.finding), _name(o.tag), num(o.before), num(o.during), num(o.after))
    verdict = writer.word("outcome", o.verdict.value)
    if not math.isfinite(o.foretold):
        return (*levels, None, None, None, verdict)
    interval = say("{low} … {high}", low=num(o.low, signed=True), high=num(o.high, signed=True))
    return (*levels, num(o.foretold), interval, num(o.margin), verdict)


def _checks(diagnosis: Diagnosis, said: Said, writer: Writer) -> Iterator[Block]:
    """Checks that say the same share a row; so do series in which the same would have been found."""
    groups: dict[tuple[bool, str], list[Text]] = defaultdict(list)
    reasons = {}
    for check in diagnosis.checks:
        if check.id == UNEXPLAINED:
            continue
        groups[check.ran, str(check.reason)].append(writer.word("check", check.id))
        reasons[str(check.reason)] = check.reason
    rows = tuple(
        (
            with_commas(names),
            say("yes") if ran else say("no"),
            said.once(reasons[reason]) or say("said above"),
        )
        for (ran, reason), names in groups.items()
    )
    if rows:
        yield table(writer, say("check | ran? | what was done, or why not"), rows)
    alike: dict[str, list[str]] = defaultdict(list)
    shown = {}
    for one in diagnosis.searched_series:
        text = page.would_show(one)
        alike[f"{one.points} {text}"].append(one.tag)
        shown[f"{one.points} {text}"] = (say("{n:,}", n=one.points), text)
    if alike:
        head = say("series | points | jumps that would have been found, from this height on")
        found = tuple(
            (with_commas([_name(tag) for tag in tags]), shown[key][0], said.once(shown[key][1]))
            for key, tags in alike.items()
        )
        yield table(writer, head, found, 1)


def _provenance(diagnosis: Diagnosis, said: Said, writer: Writer) -> Iterator[Block]:
    run = diagnosis.run
    yield Code(command(run, writer.language.code))
    library = say("{library}", library=run.library)
    yield Paragraph(
        say(
            "Written by spikediag {version}. Tags recognised as those of: {library}. "
            "The steps count: {unit}.",
            version=verbatim(diagnosis.version),
            library=library,
            unit=writer.word("unit", run.step_unit.value),
        )
    )
    if run.facts:
        head = say("fact | value | source | other sources say")
        yield table(writer, head, tuple(_fact_row(fact) for _, fact in sorted(run.facts.items())), 1)
    columns = say("series | role | points | steps | why this role")
    series = tuple(_series_row(run, run.series[tag], said, writer) for tag in sorted(run.series))
    yield table(writer, columns, series, 2)
    if run.files:
        files = tuple((_name(f.path), verbatim(size(f.size)), _name(f.sha256)) for f in run.files)
        yield table(writer, say("file | size | SHA-256"), files, 1)
    yield from _oddities(run, writer)


def _fact_row(fact: Fact) -> tuple[Cell, ...]:
    source: Text = _name(fact.source)
    if 0 < fact.confidence < 1:
        source = say(
            "{source} (confidence {share})", source=fact.source, share=verbatim(percent(fact.confidence))
        )
    conflicts = with_commas([_name(c) for c in fact.conflicts]) if fact.conflicts else None
    return _name(fact.name), say("{value}", value=fact_value(fact)), source, conflicts


def fact_value(fact: Fact) -> Value:
    """The value of a fact: text as code, numbers without trailing zeros, None as unknown."""
    return verbatim(f"{fact.value:.10g}") if isinstance(fact.value, float) else fact.value


def _series_row(run: Run, series: Series, said: Said, writer: Writer) -> tuple[Cell, ...]:
    role = writer.word("role", series.role.value)
    if series.role is Role.LOSS and run.loss_kind(series) is not LossKind.UNKNOWN:
        kind = writer.word("loss_kind", run.loss_kind(series).value)
        role = say("{role}, {kind_of_loss}", role=role, kind_of_loss=kind)
    steps = None
    if len(series):
        steps = say("{first:,} to {last:,}", first=int(series.steps[0]), last=int(series.steps[-1]))
    return (
        _name(series.tag),
        role,
        say("{n:,}", n=len(series)),
        steps,
        said.once(series.reason) if str(series.reason) else None,
    )


def _oddities(run: Run, writer: Writer) -> Iterator[Block]:
    rewinds = tuple(
        QuestionRow(
            say(
                "The step counter went from {before:,} to {after:,}, {gap:,.0f} s later.",
                before=r.from_step,
                after=r.to_step,
                gap=r.wall_gap,
            )
        )
        for r in run.rewinds
    )
    if rewinds:
        yield Bullets(rewinds)
    if run.damage:
        rows = tuple(
            (_name(d.file), say("{offset:,}", offset=d.offset), say("{n:,}", n=d.length), d.what)
            for d in run.damage
        )
        yield table(writer, say("damaged file | from byte | bytes | what became of it"), rows, 1, 2)
    if run.notes:
        yield table(writer, say("what reading decided"), tuple((note,) for note in run.notes))


def command(run: Run, lang: str) -> str:
    """The command line that writes this report again, with the facts that were given on it."""
    words = ["spikediag", "analyze", shlex.quote(escape.visible(run.path, limit=1000))]
    words += [] if lang == "en" else ["--lang", lang]
    for name, fact in sorted(run.facts.items()):
        option = f"--{name.replace('_', '-')}"
        if fact.origin is not Origin.COMMAND_LINE:
            continue
        if option in OPTIONS:
            words.append(f"{option} {fact.value}")
        else:
            words.append(f"--fact {shlex.quote(escape.visible(f'{name}={fact.value}'))}")
    return " ".join(words)


def _name(tag: str) -> Text:
    return say("{tag}", tag=tag)
