"""The pytest fixture `assert_no_spikes`: a training is tested like any other code."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from spikediag.model import Diagnosis, Run
    from spikediag.policy.result import RunResult


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
        from spikediag.errors import UsageError  # noqa: PLC0415  # pytest starts with this module
        from spikediag.policy import load  # noqa: PLC0415
        from spikediag.policy.result import CheckOutcome  # noqa: PLC0415
        from spikediag.policy.rules import judge  # noqa: PLC0415

        try:
            chosen = load(request.config.rootpath, policy or {})
        except UsageError as error:
            pytest.fail(str(error), pytrace=False)
        diagnosis = _diagnosed(run, facts)
        result = judge(diagnosis, chosen)
        if result.outcome is not CheckOutcome.PASSED:
            pytest.fail(_sentence(result), pytrace=False)
        return diagnosis

    return check


def _diagnosed(run: "str | Path | Run | Diagnosis", facts: dict[str, str | float | bool]) -> "Diagnosis":
    from spikediag import api, model  # noqa: PLC0415

    return run if isinstance(run, model.Diagnosis) else api.diagnose(run, source=None, **facts)


def _sentence(result: "RunResult") -> str:
    from spikediag.policy.outputs.wording import on_one_line  # noqa: PLC0415
    from spikediag.wording.escape import unobeyed_lines  # noqa: PLC0415
    from spikediag.wording.writer import in_english  # noqa: PLC0415

    gaps = [f"not judged: {in_english(gap.reading)}" for gap in result.gaps]
    lines = [in_english(breach.reading) for breach in result.breaches] + gaps
    name = f"{on_one_line(result.diagnosis.run.name)}: {result.outcome.replace('_', ' ')}"
    return unobeyed_lines("\n  ".join([name, *lines]))
