"""Decimal numbers in text, many at once, each to its last bit.

Eight digits are read as one 64-bit word. A number of at most 19 digits is then a whole number below 2^64 over
a power of ten up to 10^27; an 80-bit float holds both exactly, so their quotient is rounded once to its 64
bits and once more to a double. That gives the nearest double unless the quotient lies in the middle between
two (W. D. Clinger, "How to read floating point numbers accurately", 1990,
https://doi.org/10.1145/93542.93557). Python reads those, what is written in another way, and everything on a
machine without such floats.
"""

import numpy as np
from numpy.typing import NDArray

from spikediag.model import FloatArray, IntArray

WORD = 8  # bytes
MARGIN = 32  # bytes of anything that stand before the first number and behind the last
HAS_EXTENDED = np.finfo(np.longdouble).nmant == 63 and np.dtype(np.longdouble).itemsize == 16
ONES, HIGHEST = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
ZEROS, POINTS = np.uint64(0x3030303030303030), np.uint64(0x2E2E2E2E2E2E2E2E)
OVER_NINE = np.uint64(0x7676767676767676)  # lifts what is above 9 to the highest bit of its byte
LAST = np.array([0, *((1 << 64) - (1 << 8 * (8 - n)) for n in range(1, 9))], dtype=np.uint64)
PAIRS = (  # of digits, of pairs and of fours: which bits hold them, and how two become one
    (np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64((10 << 8) + 1), np.uint64(8)),
    (np.uint64(0x00FF00FF00FF00FF), np.uint64((100 << 16) + 1), np.uint64(16)),
    (np.uint64(0x0000FFFF0000FFFF), np.uint64((10_000 << 32) + 1), np.uint64(32)),
)
MOST_BEFORE, MOST_BEHIND, MOST = 16, 24, 18  # digits before the point, behind it, and of both
TOP = 1000  # what must stand before the last 16 digits of a number below 10^19
TENS = 10 ** np.arange(MOST + 1, dtype=np.uint64)
POWERS = np.cumprod([1, *[10] * 27], dtype=np.longdouble)
MIDDLE, BELOW = np.uint64(1 << 10), np.uint64((1 << 11) - 1)  # of the bits that a double has not


def decimals(content: bytes, begins: IntArray, ends: IntArray) -> tuple[FloatArray, IntArray]:
    """Read the numbers that lie in stretches of a text.

    Args:
        content: The text, with `MARGIN` bytes around them.
        begins: Of each stretch, (n,).
        ends: Of each stretch, (n,).

    Returns:
        The numbers, (n,), and which stretches hold none.
    """
    values, is_read = np.empty(len(begins)), np.zeros(len(begins), dtype=np.bool_)
    if HAS_EXTENDED:
        values, is_read = _plain(content, begins, ends, np.zeros(len(begins), dtype=np.int64))
        rest = np.flatnonzero(~is_read)
        small, exponents = _exponents(content, ends[rest])
        rest = rest[small]
        values[rest], is_read[rest] = _plain(content, begins[rest], ends[rest] - 4, exponents)
    none = []
    for at in np.flatnonzero(~is_read).tolist():
        try:
            values[at] = float(content[begins[at] : ends[at]])
        except ValueError:
            none.append(at)
    return values, np.array(none, dtype=np.int64)


def words(content: bytes) -> NDArray[np.uint64]:
    """The eight bytes from each place of a text on, the first of them the lowest."""
    return np.ndarray((len(content) - WORD + 1,), "<u8", content, 0, (1,))


def _plain(
    content: bytes, begins: IntArray, ends: IntArray, exponents: IntArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Read digits with or without a point, divided by a power of ten; and say which could be read."""
    text = words(content)
    negative = (text[begins] & np.uint64(0xFF)) == ord("-")
    first = begins + negative
    before = _point(text, first, ends)
    behind = np.maximum(ends - first - before - 1, 0)
    fits = (before > 0) & (before <= MOST_BEFORE) & (behind <= MOST_BEHIND)
    whole = _digits(text, first + before, before, fits)
    fraction = _digits(text, ends, behind, fits)
    fits &= (whole == 0) | (before + behind <= MOST)
    digits = whole * TENS[np.minimum(behind, MOST)] + fraction
    places = behind + exponents
    fits &= places < len(POWERS)
    quotient = digits.astype(np.longdouble) / POWERS[np.where(fits, places, 0)]
    fits &= (quotient.view(np.uint64)[::2] & BELOW) != MIDDLE
    values = quotient.astype(np.float64)
    np.negative(values, out=values, where=negative)
    return values, fits


def _point(text: NDArray[np.uint64], first: IntArray, ends: IntArray) -> IntArray:
    """Digits before the point of each number, or before its end; more than are read where there are more."""
    found = _first_point(text[first])
    far = np.flatnonzero((found == WORD) & (ends - first > WORD))
    found[far] += _first_point(text[first[far] + WORD])
    lengths = ends - first
    return np.where(found < np.minimum(lengths, 2 * WORD), found, lengths)


def _first_point(word: NDArray[np.uint64]) -> IntArray:
    """Which byte of each word is the first point; 8 where none is."""
    other = word ^ POINTS
    is_point = (other - ONES) & ~other & HIGHEST
    lowest = is_point & (~is_point + np.uint64(1))
    return ((((lowest - np.uint64(1)) & HIGHEST) >> np.uint64(7)) * ONES >> np.uint64(56)).astype(np.int64)


def _digits(
    text: NDArray[np.uint64], ends: IntArray, counts: IntArray, fits: NDArray[np.bool_]
) -> NDArray[np.uint64]:
    """The whole numbers of so many digits that end there; what is none, or too large, no longer `fits`."""
    total = np.zeros(len(ends), dtype=np.uint64)
    for passed in range(0, MOST_BEHIND, WORD):
        some = np.flatnonzero(fits & (counts > passed))
        if not len(some):
            break
        visible = LAST[np.minimum(counts[some] - passed, WORD)]
        word = (text[ends[some] - passed - WORD] ^ ZEROS) & visible
        is_number = ((word + OVER_NINE) | word) & HIGHEST == 0
        for mask, factor, shift in PAIRS:
            word = (word & mask) * factor >> shift
        if passed == 2 * WORD:
            is_number &= word < TOP
        fits[some] &= is_number
        total[some] += word * TENS[passed]
    return total


def _exponents(content: bytes, ends: IntArray) -> tuple[NDArray[np.bool_], IntArray]:
    """Which numbers end in `e-` and two digits, and what these say, one for each."""
    last = words(content)[ends - WORD]
    tens, units = (last >> np.uint64(48) & np.uint64(0xFF)), last >> np.uint64(56)
    small = last >> np.uint64(32) & np.uint64(0xFFFF) == int.from_bytes(b"e-", "little")
    for digit in tens, units:
        small &= (digit >= ord("0")) & (digit <= ord("9"))
    said = tens.astype(np.int64) * 10 + units.astype(np.int64) - 11 * ord("0")
    return small, said[small]
