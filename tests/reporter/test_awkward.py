"""Values that are not finite, missing or empty never crash or warn, in any format or language."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from spikediag import reporter
from spikediag.model import CouplingVerdict, Diagnosis, Explanation, Kind, LossChange, Role, say
from tests.reporter import builders
from tests.reporter.builders import series

NAN, INF = math.nan, math.inf


def broken() -> Iterator[tuple[str, Diagnosis]]:
    big = builders.findings()[1]
    for value in (NAN, INF, -INF, 0.0):
        spike = replace(
            big.spike,
            baseline=value,
            peak_value=value,
            height=value,
            noise=value,
            sigmas=value,
            expected_by_chance=value,
        )
        tests = tuple(
            replace(
                t,
                before=value,
                during=value,
                change=value,
                low=value,
                high=value,
                margin=value,
                p_equivalent=value,
            )
            for t in big.coupling.tests
        )
        finding = replace(
            big,
            spike=spike,
            coupling=replace(big.coupling, tests=tests),
            losses=(LossChange("bc/actor_loss", value, value, value, value),),
        )
        finding = builders.explained(
            finding, components=tuple(replace(c, value=value) for c in big.why.components)
        )
        for kind in (Kind.TRANSIENT, Kind.LEVEL_SHIFT, Kind.VARIANCE, Kind.NON_FINITE):
            one = replace(finding, spike=replace(spike, kind=kind, end_step=None))
            yield f"{value}-{kind}", builders.alone(one)
    bare = replace(big, explain=lambda _: Explanation((), "unexplained"), losses=())
    none = replace(big.coupling, verdict=CouplingVerdict.NO_COMPANION, tests=(), reading=say("none"))
    yield "bare", builders.alone(replace(bare, coupling=none))
    gone = {"bc/actor_loss": series("bc/actor_loss", Role.LOSS, np.full(2_000, NAN))}
    yield "lost", builders.diagnosis(builders.seed_run(gone))


CASES = [pytest.param(diagnosis, id=name) for name, diagnosis in broken()]


@pytest.mark.parametrize("diagnosis", CASES)
def test_every_text_is_written(diagnosis: Diagnosis) -> None:
    for lang in ("en", "zh"):
        assert reporter.to_markdown(diagnosis, lang)
        assert reporter.summary(diagnosis, lang).verdict
    assert len(reporter.render(diagnosis, ["json", "tensorboard"])) == 2
    assert len(reporter.to_frame(diagnosis)) == 1 or diagnosis.findings[1:]


@pytest.mark.parametrize("diagnosis", list(itertools.islice(CASES, 0, None, 9)))
def test_every_picture_is_drawn(diagnosis: Diagnosis) -> None:
    assert len(reporter.render(diagnosis, ["png"])) == 2
