"""batch-ratio: the batch is a large part of the dataset, and every sample is used thousands of times."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

from spikediag.attribution import resampling, study
from spikediag.attribution.memorisation import against_memorisation, memorisation
from spikediag.attribution.protocol import Judgement, cause
from spikediag.attribution.settings import batch_and_dataset, sampling
from spikediag.attribution.sharpness import sharp_evidence
from spikediag.model import Advice, Case, CouplingVerdict, Evidence, FactName, Kind, Role, Tier, say


@cause
@dataclass(frozen=True)
class BatchRatio:
    """The batch is more than half of the dataset, so every sample is used thousands of times.

    What it means:
        At a fixed number of steps, passes over each sample = steps x batch / dataset. With a batch above
        half of the dataset the policy memorises the samples, a likelihood loss then pays for ever
        smaller sigma, and 1 / (2 sigma^2) turns an error too small to see into tens of nats. It is a
        condition: it makes the run fragile and says nothing about why it broke at this very step. It is
        *not* that large batches vary more: the mean of a larger batch varies less.

    Evidence for:
        A ratio above 50 %; hundreds of passes or more before the jump; a loss below what one sigma can
        reach at this error; an error metric that stays flat.

    Evidence against:
        A ratio of 20 % or less; few passes; an error that rises with the loss (a hard batch).

    What to do:
        Put a floor under sigma, clip the gradient, or take a batch of 10 to 20 % of the dataset; more data at
        the same batch is no cure. Verify by training again and `spikediag compare`.
    """

    id: str = "batch-ratio"
    prior: float = 0.1
    flagged_above: float = 0.50  # batch / dataset
    safe_below: float = 0.20
    many_passes: float = 1000.0
    few_passes: float = 100.0

    def judge(self, case: Case) -> Judgement:
        """Weigh ratio, passes, sharpness and coupling; test the sampling-variance story apart."""
        drawn = sampling(case.run, case.spike.peak_step)
        both = batch_and_dataset(case.run)
        if both is None:
            return Judgement(
                Tier.CONDITION, tuple(_drawn_anew(case)), checkable=False, missing=(_unknown(case),)
            )
        batch, dataset = both[0].number or 1.0, both[1].number or 1.0
        ratio = batch / dataset
        flagged = ratio > self.flagged_above
        evidence = [self._ratio(ratio, case)]
        if flagged:
            evidence += [*self._passes(case), *_sharp(case), *_coupled(case), *_kind(case)]
            evidence += [*resampling.evidence(case, batch, dataset), _measured()]
        return Judgement(
            tier=Tier.CONDITION,
            evidence=tuple(evidence),
            decisive=flagged and case.coupling.verdict is not CouplingVerdict.COUPLED,
            ruled_out=ratio <= self.safe_below,
            advice=against_memorisation(case, batch, dataset) if flagged else (),
            mechanism=memorisation(case, drawn) if flagged else None,
            ceiling=study.prevented(study.SMALL_BATCH),
        )

    def _ratio(self, ratio: float, case: Case) -> Evidence:
        batch, dataset = case.run.fact(FactName.BATCH_SIZE), case.run.fact(FactName.DATASET_SIZE)
        if ratio > self.flagged_above:
            reading = say(
                "Batch {batch} of {dataset} samples is {ratio:.0%}, above {limit:.0%}: flagged "
                "({batch_source}; {dataset_source}).",
                batch=batch.value,
                dataset=dataset.value,
                ratio=ratio,
                limit=self.flagged_above,
                batch_source=batch.source,
                dataset_source=dataset.source,
            )
            return Evidence("ratio-above-half", reading, 1.0, ratio, self.flagged_above)
        reading = say(
            "Batch {batch} of {dataset} samples is {ratio:.1%}, not above {limit:.0%} ({batch_source}; "
            "{dataset_source}).",
            batch=batch.value,
            dataset=dataset.value,
            ratio=ratio,
            limit=self.flagged_above,
            batch_source=batch.source,
            dataset_source=dataset.source,
        )
        return Evidence(
            "ratio-below-half", reading, -2.0 if ratio <= self.safe_below else -1.0, ratio, self.flagged_above
        )

    def _passes(self, case: Case) -> Iterator[Evidence]:
        before, whole = sampling(case.run, case.spike.peak_step), sampling(case.run)
        if before is None or whole is None or before.steps <= 0:
            return
        weight = (
            0.5 if before.passes >= self.many_passes else -1.0 if before.passes < self.few_passes else 0.0
        )
        if before.passes >= self.many_passes:
            reading = say(
                "Every sample is used {whole:,.0f} times ({batch:.0f} x {steps:,.0f} / {dataset:.0f}), "
                "{passes:,.0f} times before the jump, all alike to within {spread:.1%}: none was neglected, "
                "all were memorised.",
                whole=whole.passes,
                batch=whole.batch,
                steps=whole.steps,
                dataset=whole.dataset,
                passes=before.passes,
                spread=before.passes_sd / before.passes,
            )
        else:
            reading = say(
                "Every sample was used {passes:,.0f} times before the jump, of {whole:,.0f} in all: few for "
                "memorising (from {many:,.0f} on).",
                passes=before.passes,
                whole=whole.passes,
                many=self.many_passes,
            )
        yield Evidence("passes", reading, weight, before.passes, self.many_passes)


def _sharp(case: Case) -> Iterator[Evidence]:
    """A tiny sigma follows from the passes: it confirms the condition and is not independent of it."""
    for evidence in sharp_evidence(case):
        yield replace(evidence, weight=0.4 * evidence.weight)


def _coupled(case: Case) -> Iterator[Evidence]:
    if case.coupling.verdict is CouplingVerdict.DECOUPLED:
        yield Evidence("error-flat", case.coupling.reading, 0.3, "decoupled", "decoupled")
    elif case.coupling.verdict is CouplingVerdict.COUPLED:
        yield Evidence("error-moved", case.coupling.reading, -1.5, "coupled", "decoupled")


def _measured() -> Evidence:
    """What is known of the ratio apart from this run; it bounds how sure anybody can be."""
    reading = say(
        "In the measured study a batch of 15 % of the dataset prevented {prevented:.0%} of the spikes, and "
        "five times the data at the same batch none: it is the large batch that counts, the ratio is its "
        "sign.",
        prevented=study.prevented(study.SMALL_BATCH),
    )
    return Evidence("study", reading, 0.0, study.SPIKES[study.SMALL_BATCH], study.SPIKES[study.REFERENCE])


def _kind(case: Case) -> Iterator[Evidence]:
    if case.spike.kind in {Kind.TRANSIENT, Kind.TRAIN}:
        return
    reading = say(
        "Sharp-sigma spikes come back within some hundred steps; this is a {kind}.",
        kind=case.spike.kind.value,
    )
    weight = -2.0 if case.spike.kind is Kind.NON_FINITE else -0.7
    yield Evidence("lasting", reading, weight, case.spike.kind.value, Kind.TRANSIENT.value)


def _drawn_anew(case: Case) -> Iterator[Evidence]:
    rewards = [s.tag for s in case.run.having(Role.REWARD)]
    if rewards:
        reading = say(
            "{tag} is logged: the data are collected during training, not drawn from a fixed set.",
            tag=rewards[0],
        )
        yield Evidence("no-fixed-dataset", reading, -1.0, rewards[0], None)


def _unknown(case: Case) -> Advice:
    names = [n for n in (FactName.BATCH_SIZE, FactName.DATASET_SIZE) if case.run.fact(n).number is None]
    flags = " ".join(f"--{name.replace('_', '-')} N" for name in names)
    text = say(
        "{names} unknown: give it on the command line or in spikediag.toml.", names=" and ".join(names)
    )
    return Advice(text, f"spikediag analyze {shlex.quote(case.run.path)} {flags}")
