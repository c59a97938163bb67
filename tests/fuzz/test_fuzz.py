"""A few inputs of each target, always the same; what was found once stays among them."""

import pytest

from tests.fuzz.__main__ import one
from tests.fuzz.targets import TARGETS

FIRST = {
    "diagnoses": 4,
    "injections": 1,
    "sweeps": 3,
    "events": 60,
    "logs": 40,
    "programs": 30,
    "resumed": 10,
    "pieces": 20,
    "databases": 20,
    "mlruns": 20,
    "settings": 12,
    "policies": 12,
}
FOUND = (  # by target and number, what an earlier version did not survive
    ("diagnoses", 38),  # the median of two numbers at the edge of 64 bits
    ("diagnoses", 77),  # noise in units of the rounding of 0
    ("diagnoses", 1646),  # a shift at which no member of a train was logged
    ("logs", 7_005_313),  # a quote without end in the header of a table with a row for each value
    ("logs", 77_011_327),  # a leap among the last points, where nothing behind it is left
    ("logs", 77_018_628),  # leaps beside which there is no other point
    ("pieces", 1537),  # a header of several lines, where a piece of the table began
    ("databases", 1854),  # bytes that are no text in what SQLite says of a damaged schema
)


@pytest.mark.parametrize("name", FIRST)
def test_the_first_inputs_of_every_target(name: str) -> None:
    for number in range(FIRST[name]):
        one(name, number)


@pytest.mark.parametrize(("name", "number"), FOUND)
def test_what_was_found_once(name: str, number: int) -> None:
    one(name, number)


def test_every_target_is_tried() -> None:
    assert FIRST.keys() == TARGETS.keys()
