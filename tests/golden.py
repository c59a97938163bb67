"""Whether two reports say the same: words exactly, numbers within a tolerance, pictures by what they show.

Processors and libraries round differently, and one rounding more or less in the eleventh digit is no news.

    numbers in JSON       1 part in 10,000, or 1e-9 of nothing; integers exactly
    numbers in sentences  one unit of the last printed digit; integers exactly, but for percentages
    pictures              what one shows, the other shows within a few pixels
"""

import io
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

RELATIVE = 1e-4
NOTHING = 1e-9  # a change of exactly zero comes out as 1e-17 elsewhere
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e[+-]?\d{1,3})?(?: ?%)?(?!\w)")  # not in F1 or a hash
SIZE = 0.01  # a caption that another font renderer sets a pixel higher
DOT = 4  # pixels: a picture is compared as dots of 4 by 4, each with the 8 around it
COLOUR = 64  # of 255: what lies outside the colours near it by more is not there
FEW = 0.002  # share of dots: Matplotlib 3.8 against 3.11 has 0.0005, one thin curve less 0.0045


def differences(kept: Path, new: Path) -> list[str]:
    """Everything that two report folders do not agree on, one line each; empty when they say the same."""
    names = [sorted(path.name for path in folder.iterdir()) for folder in (kept, new)]
    if names[0] != names[1]:
        return [f"files: {names[0]} != {names[1]}"]
    return [
        f"{name}: {line}"
        for name in names[0]
        for line in of_files(name, (kept / name).read_bytes(), (new / name).read_bytes())
    ]


def of_files(name: str, kept: bytes, new: bytes) -> Iterator[str]:
    """What two files of that name do not agree on."""
    if kept == new or name.startswith("."):
        return
    if name.endswith(".png"):
        yield from of_pictures(kept, new)
    elif name.endswith(".json"):
        yield from of_values(json.loads(kept), json.loads(new), "")
    else:
        yield from of_texts(kept.decode(), new.decode())


def of_values(kept: object, new: object, where: str) -> Iterator[str]:
    """What two JSON documents do not agree on; keys count in their order."""
    if isinstance(kept, dict) and isinstance(new, dict) and list(kept) == list(new):
        for key in kept:
            yield from of_values(kept[key], new[key], f"{where}.{key}")
    elif isinstance(kept, list) and isinstance(new, list) and len(kept) == len(new):
        for position, pair in enumerate(zip(kept, new, strict=True)):
            yield from of_values(*pair, f"{where}[{position}]")
    elif isinstance(kept, str) and isinstance(new, str):
        yield from (f"{where}: {line}" for line in of_texts(kept, new))
    elif isinstance(kept, float) and isinstance(new, float):
        if not math.isclose(kept, new, rel_tol=RELATIVE, abs_tol=NOTHING):
            yield f"{where}: {kept!r} != {new!r}"
    elif type(kept) is not type(new) or kept != new:
        yield f"{where}: {kept!r:.80} != {new!r:.80}"


def of_texts(kept: str, new: str) -> Iterator[str]:
    """The lines that two texts do not agree on."""
    if kept.count("\n") != new.count("\n"):
        yield f"{kept.count(chr(10))} lines != {new.count(chr(10))}"
        return
    for one, other in zip(kept.split("\n"), new.split("\n"), strict=True):
        same_words = NUMBER.sub("0", one) == NUMBER.sub("0", other)
        pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=False)
        if not same_words or not all(_same_number(*pair) for pair in pairs):
            yield f"{one!r} != {other!r}"


def _same_number(one: str, other: str) -> bool:
    value, unit = _printed(one)
    again, other_unit = _printed(other)
    return abs(value - again) <= max(unit, other_unit) * (1 + 1e-9)


def _printed(number: str) -> tuple[float, float]:
    """The value of a printed number, and what one unit of its last digit is worth; 0 for a count."""
    share = number.endswith("%")
    digits, _, exponent = number.rstrip("% ").replace(",", "").partition("e")
    places = len(digits.partition(".")[2])
    counted = not places and not exponent and not share
    scale = 10.0 ** int(exponent or 0)
    return float(digits) * scale, 0.0 if counted else scale * 10.0**-places


def of_pictures(kept: bytes, new: bytes) -> Iterator[str]:
    """Whether two PNG files show the same."""
    one, other = (Image.open(io.BytesIO(content)).convert("RGB") for content in (kept, new))
    if max(abs(one.width / other.width - 1), abs(one.height / other.height - 1)) > SIZE:
        yield f"{one.width} x {one.height} pixels != {other.width} x {other.height}"
        return
    missing = max(_missing(one, other), _missing(other, one))
    if missing > FEW:
        yield f"{missing:.2%} of one picture is not in the other"


def _missing(one: Image.Image, other: Image.Image) -> float:
    """Share of the dots of one picture whose colour the other has nowhere near."""
    one, other = one.reduce(DOT), other.reduce(DOT)
    frame = (0, 0, min(one.width, other.width), min(one.height, other.height))
    colours = np.asarray(one.crop(frame), dtype=int)
    near = other.crop(frame)
    darkest, brightest = (
        np.asarray(near.filter(extreme(3)), dtype=int)
        for extreme in (ImageFilter.MinFilter, ImageFilter.MaxFilter)
    )
    return float((np.maximum(darkest - colours, colours - brightest).max(axis=2) > COLOUR).mean())
