"""Numbers read many at once are what Python's own reader makes of each."""

import math
import random
import struct
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikediag.parser import decimals as module
from spikediag.parser.decimals import MARGIN, decimals
from tests.conftest import examples

ODD = (
    "NaN", "nan", "Infinity", "-inf", "null", "true", '"1"', "", "-", "--1", "+1", "-0", "-0.0", ".", "1.",
    ".5", "00", "-.5", "1.5.5", "1e5", "1e-05", "-1.5e-05", "1e-5", "1e-99", "1e+05", "1.e-03", "e-05",
    "5e-0x", " 1", "1_0", "123456789", "12345678901234567", "12345678901234567.5", "1700000000.123456",
    "0." + "0" * 20 + "123", "0." + "9" * 24, "9" * 400, "1." + "0" * 30, "18446744073709551615",
    "9999.99999999999999", "\x000", "٣",
)  # fmt: skip


def expected(text: str) -> bytes | None:
    try:
        value = float(text.encode())
    except ValueError:
        return None
    return struct.pack("<d", math.nan if math.isnan(value) else value)


def read(texts: Sequence[str], between: str = ",") -> list[bytes | None]:
    """The bits of each number; None where there is none."""
    written = [text.encode() for text in texts]
    content = b"9" * MARGIN + between.encode().join(written) + b"9" * MARGIN
    lengths = np.array([len(text) for text in written], dtype=np.int64)
    ends = MARGIN + np.cumsum(lengths) + len(between) * np.arange(len(texts))
    values, none = decimals(content, ends - lengths, ends)
    bits = [struct.pack("<d", math.nan if math.isnan(value) else value) for value in values.tolist()]
    return [None if at in set(none.tolist()) else found for at, found in enumerate(bits)]


@pytest.mark.parametrize("between", ["", ",", ".", "-", "0", "e-05"])
def test_odd_texts_are_read_as_python_reads_them_whatever_stands_between(between: str) -> None:
    assert read(ODD, between) == [expected(text) for text in ODD]


@pytest.mark.parametrize("has_extended", [module.HAS_EXTENDED, False])
def test_numbers_in_the_middle_between_two_doubles_are_rounded_once(monkeypatch, has_extended: bool) -> None:
    monkeypatch.setattr(module, "HAS_EXTENDED", has_extended)
    rng = random.Random(1)
    texts = []
    for _ in range(2000):
        middle = Fraction(2 * rng.randrange(1 << 52, 1 << 53) + 1, 1 << rng.randrange(40, 62))
        places = rng.randrange(1, 17)
        near = round(middle * 10**places) + rng.choice((-1, 0, 0, 1))
        whole, rest = divmod(near, 10**places)
        texts.append(f"{whole}.{rest:0{places}}")
    assert read(texts) == [expected(text) for text in texts]


@examples(200)
@given(
    st.lists(
        st.one_of(
            st.floats().map(repr),
            st.floats(-1e6, 1e6).map(repr),
            st.floats(width=32).map(repr),
            st.integers(-(10**24), 10**24).map(str),
            st.from_regex(r"-?[0-9]{1,20}\.[0-9]{1,26}(e-[0-9]{2})?", fullmatch=True),
            st.text("0123456789.-e", max_size=26),
        ),
        min_size=1,
        max_size=50,
    )
)
def test_any_numbers_are_read_as_python_reads_them(texts: list[str]) -> None:
    assert read(texts) == [expected(text) for text in texts]
