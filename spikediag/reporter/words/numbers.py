"""Numbers as people read them: as many digits as the size of a value deserves."""

import math


def number(value: float | None, *, signed: bool = False) -> str:
    """Four digits at most: -14.8, 0.1032, 1,230, 3.2e-07; a question mark for what is not there."""
    if value is None:
        return "?"
    if not math.isfinite(value):
        return {math.inf: "+∞", -math.inf: "−∞"}.get(value, "NaN")  # noqa: RUF001  # the typographic minus
    sign = "+" if signed else ""
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e6 or size < 1e-4:
        return f"{value:{sign}.2e}"
    if size >= 1000:
        return f"{value:{sign},.0f}"
    return f"{value:{sign}.{3 - max(0, math.floor(math.log10(size)) + 1) if size >= 1 else 4}f}"


def share(value: float) -> str:
    """A probability as a percentage that never claims certainty: 86 %, <1 %, >99 %."""
    if value < 0.01:
        return "<1 %"
    return ">99 %" if value > 0.99 else f"{value:.0%}".replace("%", " %")


def size(count: int) -> str:
    """Bytes in decimal units: 412 B, 412 kB, 61 MB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count} B"
