"""`spikediag analyze`: the post-mortem of one or several runs."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikediag.cli.exits import Exit
from spikediag.cli.facts import ActionDim, BatchSize, DatasetSize, Given, OtherFacts, given
from spikediag.cli.folders import claim
from spikediag.cli.output import write_report
from spikediag.cli.runs import Failure, attempt, diagnose, quietly
from spikediag.cli.summary import summary
from spikediag.cli.terminal import note, progress, show

if TYPE_CHECKING:
    from spikediag.parser import RunSource


def analyze(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Run folders, event files, or folders of runs.")
    ],
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where the reports go, a folder for each run.")
    ] = Path("reports"),
    formats: Annotated[
        str, typer.Option("--format", "-f", metavar="NAME,...", help="Formats to write.")
    ] = "md,png,json",
    lang: Annotated[str, typer.Option("--lang", help="Language of the report: en or zh.")] = "en",
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print the diagnosis as JSON and write nothing; an array for several runs."
        ),
    ] = False,
    batch_size: BatchSize = None,
    dataset_size: DatasetSize = None,
    action_dim: ActionDim = None,
    fact: OtherFacts = None,
) -> int:
    """Write the post-mortem of each run: what jumped, whether the error moved with it, why, and what to do.

    Exits with 0 when a run was diagnosed, with or without a finding, and with 2 when none could be.
    """
    facts = given(batch_size, dataset_size, action_dim, fact)
    if as_json:
        return _print_json(runs, facts)
    job = partial(_report, facts=facts, out=out, formats=_names(formats), lang=lang, taken=set())
    diagnosed = sum(_announce(outcome) for outcome in attempt(runs, job))
    return Exit.DONE if diagnosed else Exit.UNUSABLE


def _names(formats: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in formats.split(",") if name.strip()))


def _print_json(runs: Sequence[Path], facts: Given) -> int:
    from spikediag import reporter

    documents = []
    for outcome in attempt(runs, partial(quietly, facts=facts)):
        if isinstance(outcome, Failure):
            note(outcome.sentence)
        else:
            documents.append(reporter.to_dict(outcome))
    if not documents:
        return Exit.UNUSABLE
    whole = documents[0] if len(documents) == 1 else documents
    typer.echo(json.dumps(whole, indent=2, allow_nan=False))
    return Exit.DONE


def _report(
    run: "RunSource", *, facts: Given, out: Path, formats: Sequence[str], lang: str, taken: set[str]
) -> None:
    from spikediag import reporter

    with progress(3) as begin:
        diagnosis = diagnose(run, facts, begin)
        begin(f"writing the report of {run.path}")
        folder = claim(out, run.path, diagnosis.run.name, taken)
        write_report(folder, run.path, reporter.render(diagnosis, formats, lang))
    page = folder / "report.md" if "md" in formats else folder
    show(summary(diagnosis, page, lang))


def _announce(outcome: Failure | None) -> bool:
    if outcome is None:
        return True
    note(outcome.sentence)
    return False
