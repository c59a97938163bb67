"""One run in the numbers by which it is held beside earlier ones."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikediag.model import Diagnosis, Role
from spikediag.stats.excursions import excursions, ruler
from spikediag.stats.spike_score import spike_score

END = 0.1  # share of the run that is its end


@dataclass(frozen=True)
class Sample:
    """One run in the numbers that are compared."""

    points: int  # of the loss
    spikes: int  # excursions above 8 robust sigmas of the noisiest earlier run: one ruler for all
    score: float  # OLMo 2 spike score, percent
    scored: int  # points that could be scored
    excursions: int  # distinct excursions that the score counts
    jump: float  # largest, loss units; 0 when there is none
    level: float  # median of the last tenth, loss units


def common_loss(diagnoses: Sequence[Diagnosis]) -> str | None:
    """The loss that all runs have: the one that leads most findings, then the first by name."""
    sets = [{s.tag for s in d.run.having(Role.LOSS) if np.isfinite(s.values).any()} for d in diagnoses]
    leads = Counter(f.spike.tag for d in diagnoses for f in d.findings)
    return min(set.intersection(*sets), key=lambda tag: (-leads[tag], tag), default=None)


def ruler_of(diagnoses: Sequence[Diagnosis], tag: str) -> float:
    """The height above which the loss spikes, by the noise of these runs."""
    return ruler(d.run.series[tag].values for d in diagnoses)


def sample(diagnosis: Diagnosis, tag: str, height: float) -> Sample:
    """The numbers of one run; spikes are rises above `height`."""
    values = diagnosis.run.series[tag].values
    finite = values[np.isfinite(values)]
    found = excursions(values, height)
    score = spike_score(values)
    end = finite[-max(1, math.ceil(END * len(finite))) :]
    return Sample(
        points=len(values),
        spikes=len(found),
        score=score.percent,
        scored=score.judged,
        excursions=score.excursions,
        jump=max((e.height for e in found), default=0.0),
        level=float(np.median(end)),
    )
