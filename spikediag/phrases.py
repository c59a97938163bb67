"""Clauses that several stages say, each written once: how large the batch is, what a loss did."""

from math import isfinite
from typing import assert_never

from spikediag.model import Batch, Kind, Shape, Spike, Text, say

SMALL_SHARE = 0.2  # below, a share is given with a decimal


def batch_share(batch: Batch) -> Text:
    """The batch of one update as a share of the dataset, and where both were read."""
    if batch.ratio < SMALL_SHARE:
        return say(
            "Batch {batch:.0f} of {dataset:.0f} samples is {ratio:.1%} ({batch_source}; {dataset_source})",
            batch=batch.samples,
            dataset=batch.dataset,
            ratio=batch.ratio,
            batch_source=batch.samples_source,
            dataset_source=batch.dataset_source,
        )
    return say(
        "Batch {batch:.0f} of {dataset:.0f} samples is {ratio:.0%} ({batch_source}; {dataset_source})",
        batch=batch.samples,
        dataset=batch.dataset,
        ratio=batch.ratio,
        batch_source=batch.samples_source,
        dataset_source=batch.dataset_source,
    )


def spike_clause(spike: Spike) -> Text:
    """One sentence on what a series did: from where, how far, when, and whether it came back."""
    if spike.shape is Shape.LOST or not isfinite(spike.height):
        return _lost(spike)
    if spike.kind is Kind.TRAIN:
        return _train(spike)
    match spike.shape:
        case Shape.NOISE:
            return _noise(spike)
        case Shape.BURST | Shape.LEVEL | Shape.TREND:
            return _rise(spike)
        case _:
            assert_never(spike.shape)


def _lost(spike: Spike) -> Text:
    if spike.end_step is not None:
        return say(
            "{tag} was not a number from step {step:,} on and was one again at step {end:,}.",
            tag=spike.tag,
            step=spike.onset_step,
            end=spike.end_step,
        )
    return say("{tag} stopped being a number at step {step:,}.", tag=spike.tag, step=spike.onset_step)


def _train(spike: Spike) -> Text:
    return say(
        "{tag} jumped {count} times between steps {first:,} and {last:,}, at most by {height:.3g} at step "
        "{step:,} (from {before:.3g} to {peak:.3g}, {sigmas:.0f} times its noise).",
        tag=spike.tag,
        count=spike.count,
        first=spike.onset_step,
        last=spike.end_step if spike.end_step is not None else spike.peak_step,
        height=spike.height,
        step=spike.peak_step,
        before=spike.baseline,
        peak=spike.peak_value,
        sigmas=spike.sigmas,
    )


def _noise(spike: Spike) -> Text:
    if spike.end_step is None:
        return say(
            "The scatter of {tag} grew by {height:.3g} at step {step:,} (a standard deviation of {noise:.3g} "
            "before) and stayed so until the log ended.",
            tag=spike.tag,
            height=spike.height,
            step=spike.onset_step,
            noise=spike.noise,
        )
    return say(
        "The scatter of {tag} grew by {height:.3g} at step {step:,} (a standard deviation of {noise:.3g} "
        "before) and was as before by step {end:,}.",
        tag=spike.tag,
        height=spike.height,
        step=spike.onset_step,
        noise=spike.noise,
        end=spike.end_step,
    )


def _rise(spike: Spike) -> Text:
    if spike.end_step is None:
        return say(
            "{tag} rose by {height:.3g} at step {step:,} (from {before:.3g}, {sigmas:.0f} times its noise) "
            "and had not come back when the log ended.",
            tag=spike.tag,
            height=spike.height,
            step=spike.onset_step,
            before=spike.baseline,
            sigmas=spike.sigmas,
        )
    return say(
        "{tag} rose by {height:.3g} at step {step:,} (from {before:.3g} to {peak:.3g}, {sigmas:.0f} times "
        "its noise) and came back by step {end:,}.",
        tag=spike.tag,
        height=spike.height,
        step=spike.onset_step,
        before=spike.baseline,
        peak=spike.peak_value,
        sigmas=spike.sigmas,
        end=spike.end_step,
    )
