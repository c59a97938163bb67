"""Numbers as people read them."""

import math

import pytest

from spikediag.wording.numbers import number, percent, size


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-14.83, "-14.8"),
        (24.0, "24.0"),
        (999.4, "999"),
        (999.7, "1,000"),
        (1234.5, "1,230"),
        (1_160_000, "1,160,000"),
        (0.10325, "0.103"),
        (0.28, "0.28"),
        (0.0, "0"),
        (3.21e-7, "3.21e-07"),
        (4e12, "4e+12"),
        (math.nan, "NaN"),
        (math.inf, "Inf"),
        (-math.inf, "-Inf"),
        (None, "?"),
    ],
)
def test_number(value: float | None, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(39.1, "+39.1"), (-0.02, "-0.02"), (0.0, "0"), (1500, "+1,500")]
)
def test_signed(value: float, shown: str) -> None:
    assert number(value, signed=True) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.861, "86 %"), (0.999, ">99 %"), (0.001, "<1 %"), (0.0, "<1 %")]
)
def test_share_never_claims_certainty(value: float, shown: str) -> None:
    assert percent(value) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(412, "412 B"), (411_424, "411 kB"), (61_000_000, "61 MB"), (2e9, "2 GB")]
)
def test_size(count: int, shown: str) -> None:
    assert size(count) == shown
