"""A sentence counts in plain English."""

import pytest

from spikediag.model import say


@pytest.mark.parametrize(
    ("steps", "said"), [(1, "1 step before"), (11, "11 steps before"), (1.1, "1.1 steps before")]
)
def test_one_step_is_no_plural(steps: float, said: str) -> None:
    assert str(say("{steps} steps before", steps=steps)) == said


def test_a_factor_of_one_stays_a_plural() -> None:
    assert str(say("{times} times its level", times=1)) == "1 times its level"
