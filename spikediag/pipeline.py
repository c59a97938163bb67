"""From a run to its diagnosis: the only module that knows all stages."""

from collections.abc import Mapping, Sequence
from functools import partial

from spikediag import attribution, coupling, detectors, outcome, witnesses
from spikediag.checks import checks
from spikediag.errors import NoLossError
from spikediag.model import Diagnosis, Explanation, Finding, Incident, Role, Run, Searched, Series, Spike, say
from spikediag.version import VERSION

LARGEST = 1e60  # beyond what 32 bits hold; ratios of what is smaller, and their squares, stay numbers
WATCHED = frozenset(Role) - {Role.EPOCH, Role.SAMPLES, Role.OTHER}


def diagnose(run: Run) -> Diagnosis:
    """Find the jumps of every loss, test whether the error followed, and say why.

    Raises:
        NoLossError: no series of the run is understood as a loss.
    """
    if next(run.having(Role.LOSS), None) is None:
        raise NoLossError(
            say(
                "{name}: no tag is understood as a loss (tags in all: {count}); `spikediag tags` shows how "
                "each was understood and how to override it.",
                name=run.name,
                count=len(run.series),
            )
        )
    run = run.within(LARGEST).revealed()
    found = {loss.tag: detectors.search(loss) for loss in run.having(Role.LOSS)}
    spikes = _with_announced(run, {tag: of_series for tag, (of_series, _) in found.items()})
    searched = tuple(power for _, power in found.values())
    others = tuple(s for s in run.series.values() if s.role in WATCHED and s.tag not in found)
    findings = _findings(run, spikes)
    conditions = attribution.conditions(run, findings)
    aftermath = outcome.assess(run, findings)
    return Diagnosis(
        run=run,
        findings=findings,
        conditions=conditions,
        overall=attribution.conclude(
            run, findings, conditions, aftermath, searched, past_best=outcome.past_best(run)
        ),
        list_checks=partial(checks, run, findings, len(others)),
        version=VERSION,
        searched=searched,
        search_others=partial(_power, others),
        foresee=partial(attribution.foresee, run, findings),
    )


def _power(others: Sequence[Series]) -> tuple[Searched, ...]:
    return tuple(map(detectors.search_power, others))


def find(run: Run) -> tuple[Run, tuple[Finding, ...]]:
    """Only what `diagnose` finds, without what it says of the run; and the run as it was searched.

    These findings do not hold the run: who watches a training keeps them while its points go by.
    """
    run = run.within(LARGEST).revealed()
    spikes = {loss.tag: detectors.detect(loss, falls=True) for loss in run.having(Role.LOSS)}
    return run, tuple(f.settled for f in _findings(run, _with_announced(run, spikes)))


def _with_announced(run: Run, spikes: Mapping[str, tuple[Spike, ...]]) -> Mapping[str, tuple[Spike, ...]]:
    """Add what is found where the run announces a change: there one look needs less than a search."""
    places = attribution.announced(run)
    if not places.noisier and not places.moved:
        return spikes
    found = {
        tag: detectors.at_announced(run.series[tag], places.noisier, places.moved, known)
        for tag, known in spikes.items()
    }
    return {tag: tuple(sorted((*known, *found[tag]), key=_start)) for tag, known in spikes.items()}


def _start(spike: Spike) -> int:
    return spike.start


def _findings(run: Run, spikes: Mapping[str, tuple[Spike, ...]]) -> tuple[Finding, ...]:
    table = witnesses.SeriesTable(run)
    incidents = enumerate(detectors.group(run, spikes), 1)
    return tuple(_finding(f"F{n}", incident, table, spikes) for n, incident in incidents)


def _finding(
    name: str, incident: Incident, table: witnesses.SeriesTable, spikes: Mapping[str, tuple[Spike, ...]]
) -> Finding:
    run, spike = table.run, incident.spike
    return Finding(
        id=name,
        spike=spike,
        coupling=coupling.couple(spike, run, spikes[spike.tag]),
        explain=partial(_explain, run, spikes),
        losses=incident.losses,
        ask=partial(witnesses.ask_every_series, table, spike, spikes[spike.tag]),
    )


def _explain(run: Run, spikes: Mapping[str, tuple[Spike, ...]], finding: Finding) -> Explanation:
    case = attribution.Case(run, finding.spike, finding.coupling, spikes, finding.witnesses)
    return attribution.explain(case)
