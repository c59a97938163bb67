"""The facts of one run: every source asked in turn."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from spikediag.model import Fact, FactName, Origin, Series, SourceFile, StepUnit, Text
from spikediag.parser.facts.claims import Claim, claims_in, settle
from spikediag.parser.facts.config_files import config_files
from spikediag.parser.facts.derived import derived, logged
from spikediag.parser.facts.free_text import claims_in_texts, console_logs
from spikediag.parser.log_files import LogFile
from spikediag.parser.sources import EVENTS

OLDER = 0.9  # confidence in what an earlier session wrote of itself


@dataclass(frozen=True)
class CollectedFacts:
    """The facts, the files beside the run that stated some, and which files were left out."""

    facts: Mapping[FactName, Fact]
    files: tuple[SourceFile, ...]
    notes: tuple[Text, ...]


def collect_facts(
    stated: tuple[Claim, ...],
    files: tuple[LogFile, ...],
    series: Mapping[str, Series],
    step_unit: StepUnit,
    *,
    folder: Path | None,
    inside: Path | None,
) -> CollectedFacts:
    """Collect the facts of a run from everything that knows some.

    Args:
        stated: what the user said.
        files: the run's log files, in order of time.
        series: what was read from them.
        step_unit: what the x-axis counts.
        folder: the folder that holds the log files; None where nothing lies beside them.
        inside: the folder the user named, when that lies above.
    """
    configs = list(config_files(folder, inside, [f.path for f in files])) if folder else []
    logs = list(console_logs(folder)) if folder else []
    claims = [*stated, *logged(series), *_written(files)]
    claims.extend(claim for one in (*configs, *logs) for claim in one.claims)
    claims.extend(derived(series, tuple(claims), step_unit))
    return CollectedFacts(
        settle(claims),
        tuple(one.source for one in (*configs, *logs) if one.source),
        tuple(one.left_out for one in configs if one.left_out),
    )


def _written(files: tuple[LogFile, ...]) -> Iterator[Claim]:
    """Claim what the log files say in hyper-parameters and text; the newest session counts most."""
    newest = True
    for file in reversed(files):
        summaries = file.summaries
        claims = [
            *claims_in(summaries.hparams, _speaker(file), Origin.HPARAMS),
            *claims_in_texts(summaries.texts),
        ]
        for claim in claims:
            older = replace(claim, source=f"{claim.source} of {file.label}", confidence=OLDER)
            yield claim if newest else older
        newest = newest and not claims


def _speaker(file: LogFile) -> str:
    """What to call the hyper-parameters of a file: there is one plugin for those of event files."""
    return "hparams" if file.source == EVENTS else file.label
