"""The post-mortem's story, tested: could an unlucky batch have made this jump?"""

from collections.abc import Iterator

from spikediag.attribution.timing import points_high
from spikediag.model import Case, CouplingVerdict, Evidence, Kind, say
from spikediag.stats.sampling import Sampling, cantelli, largest_of, recommended_batch


def evidence(case: Case, batch: float, dataset: float) -> Iterator[Evidence]:
    """What resampling alone can explain; told beside the condition, weight 0, as it is another mechanism.

    Args:
        case: The case.
        batch: Samples in a batch.
        dataset: Samples in the dataset.
    """
    spike = case.spike
    if not spike.noise > 0 or spike.kind in {Kind.NON_FINITE, Kind.VARIANCE}:
        return
    points = len(case.run.series[spike.tag])
    reach = largest_of(points, spike.noise)
    if spike.height <= reach:
        return
    yield Evidence(
        "resampling-height",
        say(
            "An unlucky batch does not explain it: batches differ by {noise:.2g} nats (sd before the jump), "
            "the largest of {points:,} would stray {reach:.2g}; the jump is {height:.1f}, {sigmas:.0f} of "
            "these sd, a chance of at most {chance:.1g} per batch whatever the distribution.",
            noise=spike.noise,
            points=points,
            reach=reach,
            height=spike.height,
            sigmas=spike.sigmas,
            chance=cantelli(spike.height, spike.noise),
        ),
        0.0,
        spike.height,
        reach,
    )
    yield from _persistence(case)
    yield from _error(case)
    yield _size(batch, dataset)


def _persistence(case: Case) -> Iterator[Evidence]:
    points = points_high(case)
    if points >= 2:
        yield Evidence(
            "resampling-persistence",
            say(
                "It lasts {points} logged points; batches are drawn anew at every step, so an unlucky draw "
                "is over after one.",
                points=points,
            ),
            0.0,
            points,
            1,
        )


def _error(case: Case) -> Iterator[Evidence]:
    if case.coupling.verdict is CouplingVerdict.DECOUPLED:
        yield Evidence(
            "resampling-error",
            say(
                "A batch of hard samples would raise {tag} as well; it did not move.",
                tag=case.coupling.tests[0].tag,
            ),
            0.0,
            case.coupling.tests[0].change,
            case.coupling.tests[0].margin,
        )


def _size(batch: float, dataset: float) -> Evidence:
    smaller = recommended_batch(dataset).high
    return Evidence(
        "resampling-size",
        say(
            "A larger batch makes the batch mean steadier, not wilder: its sd at {batch:.0f} is {factor:.2f} "
            "of that at {smaller} (1 / sqrt(batch)), and another {finite:.2f} of it where batches are drawn "
            "without replacement.",
            batch=batch,
            factor=(smaller / batch) ** 0.5,
            smaller=smaller,
            finite=Sampling(batch, dataset, 0).finite_population,
        ),
        0.0,
        (smaller / batch) ** 0.5,
        None,
    )
