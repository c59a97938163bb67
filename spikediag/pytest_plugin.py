"""The pytest fixture `assert_no_spikes`: a training is tested like any other code."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from spikediag.model import Diagnosis, Run
    from spikediag.policy import Ruling


@pytest.fixture
def assert_no_spikes(request: pytest.FixtureRequest) -> "Callable[..., Diagnosis]":
    """Fail when a training run has a loss spike that the policy forbids.

    `assert_no_spikes(run, policy=None, **facts)` takes a path, a Run or a Diagnosis, and returns the
    diagnosis. The policy is that of the project under test (spikediag.toml or pyproject.toml); `policy`
    overrides single keys: `{"min_height": 2.0}`. A run that could not be judged fails too.
    """

    def check(
        run: "str | Path | Run | Diagnosis",
        policy: dict[str, object] | None = None,
        **facts: str | float | bool,
    ) -> "Diagnosis":
        __tracebackhide__ = True
        from spikediag.policy import Outcome, judge, load  # noqa: PLC0415  # pytest starts with this module

        diagnosis = _diagnosed(run, facts)
        ruling = judge(diagnosis, load(request.config.rootpath, policy or {}))
        if ruling.outcome is not Outcome.PASSED:
            pytest.fail(_sentence(ruling), pytrace=False)
        return diagnosis

    return check


def _diagnosed(run: "str | Path | Run | Diagnosis", facts: dict[str, str | float | bool]) -> "Diagnosis":
    from spikediag import api, model  # noqa: PLC0415

    return run if isinstance(run, model.Diagnosis) else api.diagnose(run, **facts)


def _sentence(ruling: "Ruling") -> str:
    from spikediag.policy.outputs.words import plain, shown  # noqa: PLC0415

    gaps = [f"not judged: {plain(gap.reading)}" for gap in ruling.gaps]
    lines = [plain(breach.reading) for breach in ruling.breaches] + gaps
    return "\n  ".join([f"{shown(ruling.diagnosis.run.name)}: {ruling.outcome.replace('_', ' ')}", *lines])
