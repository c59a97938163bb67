"""Every source of facts of one run, asked in turn."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spikediag.model import Fact, FactName, Origin, Series, StepUnit
from spikediag.parser.event_files.event_file import EventFile
from spikediag.parser.facts.claims import Claim, settle
from spikediag.parser.facts.config_files import configuration
from spikediag.parser.facts.console_log import printed
from spikediag.parser.facts.derived import derived, logged
from spikediag.parser.facts.fact_keys import claims_in
from spikediag.parser.facts.text_tags import claims_in_texts

OLDER = 0.9  # confidence in what an earlier session wrote of itself


@dataclass(frozen=True)
class Gathered:
    """The facts, the configuration files they came from, and which files were left out."""

    facts: Mapping[FactName, Fact]
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def gather(
    stated: list[Claim],
    files: tuple[EventFile, ...],
    series: Mapping[str, Series],
    step_unit: StepUnit,
    *,
    folder: Path,
    inside: Path | None,
) -> Gathered:
    """Collect the facts of a run from everything that knows some.

    Args:
        stated: what the user said.
        files: the run's event files, in order of time.
        series: what was read from them.
        step_unit: what the x-axis counts.
        folder: the folder that holds the event files.
        inside: the folder the user named, when that lies above.
    """
    found = list(configuration(folder, inside))
    claims = [*stated, *logged(series), *_written(files)]
    claims.extend(claim for one in found for claim in one.claims)
    logs = list(printed(folder))
    claims.extend(claim for log in logs for claim in log.claims)
    claims.extend(derived(series, settle(claims), step_unit))
    return Gathered(
        settle(claims),
        (*(one.path for one in found if one.claims), *(log.path for log in logs)),
        tuple(f"{one.left_out}." for one in found if one.left_out),
    )


def _written(files: tuple[EventFile, ...]) -> Iterator[Claim]:
    """Claim what the event files say in hyper-parameters and text; the newest session counts most."""
    newest = True
    for file in reversed(files):
        rest = file.rest
        claims = [*claims_in(rest.hparams, "hparams", Origin.HPARAMS), *claims_in_texts(rest.texts)]
        for claim in claims:
            source = claim.source if newest else f"{claim.source} of {file.label}"
            yield Claim(claim.name, claim.value, source, claim.origin, 1.0 if newest else OLDER)
        newest = newest and not claims
