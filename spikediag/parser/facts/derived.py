"""Facts that follow from what was logged, marked as derived by a confidence below 1."""

from collections.abc import Iterable, Iterator, Mapping
from math import prod

import numpy as np

from spikediag.model import FactName, FloatArray, Origin, Role, Series, StepUnit
from spikediag.parser.facts.claims import Claim, by_trust
from spikediag.parser.library_presets import normalise

BY_SAMPLES = " vs samples"
STEADY = 0.02  # relative difference of the two halves of a training, above which there is no one rate
FEWEST = 5  # points to judge that


def logged(series: Mapping[str, Series]) -> Iterator[Claim]:
    """Claim what scalars state outright: a batch size, the fill of a replay buffer, samples beside steps."""
    yield from _on_two_axes(series)
    for tag, one in sorted(series.items()):
        finite = one.values[np.isfinite(one.values)]
        if one.role is not Role.SAMPLES or not len(finite):
            continue
        name = normalise(tag)
        whole = finite[finite == np.round(finite)]
        if name.endswith("batch_size") and len(whole) and whole[-1] > 0:
            constant = bool((finite == finite[0]).all())
            yield _batch(
                whole[-1], f"scalar {tag}" + ("" if constant else ", last value"), 1.0 if constant else 0.7
            )
        beside = any(t != tag and normalise(t).endswith("replay_buffer_size") for t in series)
        if "offline" in name and beside:  # the demonstrations that an on-line learner began with
            continue
        if name.endswith(("replay_buffer_size", "dataset_num_frames", "dataset_size")) and len(whole):
            source = f"scalar {tag}, last value"
            yield Claim(FactName.DATASET_SIZE, int(whole[-1]), source, Origin.LOGGED, 0.9)


def _batch(samples: float, source: str, confidence: float) -> Claim:
    """Claim a batch size that was logged: what an update saw, workers and accumulation counted in."""
    return Claim(FactName.BATCH_SIZE, int(samples), source, Origin.LOGGED, confidence, of_all_workers=True)


def _on_two_axes(series: Mapping[str, Series]) -> Iterator[Claim]:
    """Claim Megatron's batch size: it writes every tag again with samples for steps."""
    for tag in sorted(series):
        twin = series.get(tag + BY_SAMPLES)
        if twin is None or len(twin) != len(series[tag]) or len(twin) < 2:
            continue
        per_step = np.diff(twin.steps) / np.diff(series[tag].steps)
        if per_step[-1] == round(per_step[-1]):
            constant = bool((per_step == per_step[0]).all())
            yield _batch(
                per_step[-1],
                f"axes of {tag}" + ("" if constant else ", at the end"),
                0.95 if constant else 0.7,
            )
            return


def derived(series: Mapping[str, Series], claims: Iterable[Claim], step_unit: StepUnit) -> Iterator[Claim]:
    """Claim the effective batch and the size of the dataset where they follow from other facts."""
    best = {name: ranked[0] for name, ranked in by_trust(claims).items()}
    effective = None if FactName.EFFECTIVE_BATCH_SIZE in best else _effective_batch(best)
    if effective:
        yield effective
    updates = effective or best.get(FactName.EFFECTIVE_BATCH_SIZE) or best.get(FactName.BATCH_SIZE)
    batch = _count(updates)
    epochs = [one for one in series.values() if one.role is Role.EPOCH and len(one) >= FEWEST]
    for epoch in sorted(epochs, key=lambda one: one.tag):
        yield from _from_samples(series, epoch)
        if batch and step_unit is StepUnit.STEP:
            steps = _rate(epoch.values, epoch.steps.astype(np.float64))
            if steps:
                source = f"derived: {steps:.6g} steps per {epoch.tag} x batch {batch}"
                yield Claim(FactName.DATASET_SIZE, round(steps * batch), source, Origin.GUESSED, 0.7)


def _effective_batch(best: Mapping[FactName, Claim]) -> Claim | None:
    stated = best.get(FactName.BATCH_SIZE)
    batch = _count(stated)
    if stated is None or batch is None:
        return None
    whole = FactName.EFFECTIVE_BATCH_SIZE
    if stated.of_all_workers:
        return Claim(whole, batch, f"derived: {stated.source}", Origin.DERIVED, 0.95)
    factors = {
        "accumulation": _count(best.get(FactName.GRADIENT_ACCUMULATION)),
        "world size": _count(best.get(FactName.WORLD_SIZE)),
    }
    known = {name: factor for name, factor in factors.items() if factor}
    if not known:
        return None
    product = " x ".join([f"batch {batch}", *(f"{name} {factor}" for name, factor in known.items())])
    sure = 0.95 if len(known) == len(factors) else 0.8
    return Claim(whole, batch * prod(known.values()), f"derived: {product}", Origin.DERIVED, sure)


def _count(claim: Claim | None) -> int | None:
    return claim.value if claim and isinstance(claim.value, int) else None


def _from_samples(series: Mapping[str, Series], epoch: Series) -> Iterator[Claim]:
    """Claim the samples per epoch for every counter of samples."""
    for samples in series.values():
        counts = normalise(samples.tag).endswith(("samples", "samples_so_far"))
        if samples.role is Role.SAMPLES and counts and (size := _per_epoch(samples, epoch)):
            source = f"derived: {samples.tag} per {epoch.tag}"
            yield Claim(FactName.DATASET_SIZE, size, source, Origin.DERIVED, 0.9)


def _per_epoch(samples: Series, epoch: Series) -> int | None:
    _, a, b = np.intersect1d(samples.steps, epoch.steps, assume_unique=True, return_indices=True)
    rate = _rate(epoch.values[b], samples.values[a])
    return round(rate) if rate and rate >= 1 else None


def _rate(epochs: FloatArray, counts: FloatArray) -> float | None:
    """Return how much `counts` grows per epoch, from whole epochs if these are counted in whole numbers."""
    fine = np.isfinite(epochs) & np.isfinite(counts)
    epochs, counts = epochs[fine], counts[fine]
    if len(epochs) < FEWEST or (np.diff(epochs) < 0).any() or epochs[-1] <= epochs[0]:
        return None
    if (epochs == np.round(epochs)).all():
        first = np.flatnonzero(np.diff(epochs) > 0) + 1  # where an epoch begins
        if len(first) < 3:
            return None
        epochs, counts = epochs[first], counts[first]
    half = len(epochs) // 2
    rate, early, late = (
        float(counts[b] - counts[a]) / max(float(epochs[b] - epochs[a]), 1e-9)
        for a, b in ((0, -1), (0, half), (half, -1))
    )
    return rate if rate > 0 and abs(early - late) <= STEADY * rate else None
