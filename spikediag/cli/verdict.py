"""What `check` prints: each run with its outcome, what is forbidden, what could not be judged."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spikediag.cli.terminal import printable
from spikediag.cli.terminal import show as display

if TYPE_CHECKING:
    from rich.text import Text

    from spikediag.model import Finding
    from spikediag.policy import Gate, Ruling

STYLES = {"passed": "bold green", "failed": "bold red", "not_judged": "bold magenta"}


def show(gate: "Gate") -> None:
    """Print a check on stdout."""
    for line in _lines(gate):
        display(line, wrap=False)


def _lines(gate: "Gate") -> "Iterator[Text]":
    from rich.text import Text

    for ruling in gate.rulings:
        yield from _ruling(ruling)
    for unread in gate.unread:
        yield _headline("not_judged", unread.path)
        yield Text(f"  {printable(unread.reason)}")
    for a in gate.stale:
        steps = f"steps {a.first_step:,} to {a.last_step:,}"
        why = f", {a.reason}" if a.reason else ""
        yield Text(printable(f"stale in the baseline: {a.tag}, {a.kind}, {steps}{why}"), "yellow")
    outcomes = [ruling.outcome.value for ruling in gate.rulings] + ["not_judged"] * len(gate.unread)
    counts = [f"{outcomes.count(o)} {o.replace('_', ' ')}" for o in STYLES if o in outcomes]
    if partial := sum(ruling.partial for ruling in gate.rulings):
        counts.append(f"{partial} of those passed not judged in full (--strict fails on that)")
    yield Text.assemble((", ".join(counts) or "nothing was checked", STYLES[gate.outcome.value]))


def _ruling(ruling: "Ruling") -> "Iterator[Text]":
    from rich.text import Text

    from spikediag.policy import describe
    from spikediag.policy.outputs.words import plain

    remark = "  (not judged in full)" if ruling.partial else ""
    yield _headline(ruling.outcome.value, ruling.diagnosis.run.path + remark)
    for breach in ruling.breaches:
        yield Text.assemble(
            ("  forbidden   ", "red"), plain(breach.reading), (f"  [{', '.join(breach.rules)}]", "dim")
        )
    for gap in ruling.gaps:
        yield Text.assemble(("  not judged  ", "magenta"), plain(gap.reading), (f"  [{gap.rule}]", "dim"))
    for pardon in ruling.pardons:
        why = f"  ({printable(pardon.acceptance.reason)})" if pardon.acceptance.reason else ""
        yield Text.assemble(("  accepted    ", "green"), plain(pardon.breach.reading), why)
    for finding in _passed(ruling):
        yield Text.assemble(("  let through ", "dim"), plain(describe(finding)))
    for measure in ruling.measures:
        yield Text.assemble(("  history     ", "dim"), plain(measure))


def _passed(ruling: "Ruling") -> "Iterator[Finding]":
    """The findings that the policy has nothing against."""
    breaches = (*ruling.breaches, *(pardon.breach for pardon in ruling.pardons))
    said = [*(b.finding for b in breaches), *(gap.finding for gap in ruling.gaps)]
    return (f for f in ruling.diagnosis.findings if all(f is not spoken_of for spoken_of in said))


def _headline(outcome: str, name: str) -> "Text":
    from rich.text import Text

    return Text.assemble((f"{outcome.replace('_', ' ').upper():<11}", STYLES[outcome]), printable(name))
