"""Numbers as people read them: as many digits as they need, never more certainty than there is."""

import math


def number(value: float | None, *, signed: bool = False) -> str:
    """Three digits: -14.8, 24.0, 0.103, 1,230, 3.2e-07; a question mark for what is not there."""
    if value is None:
        return "?"
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Inf" if value > 0 else "-Inf")
    sign = "+" if signed and value != 0 else ""
    size = abs(value)
    if 999.5 <= size < 1e9:
        return f"{float(f'{value:.3g}'):{sign},.0f}"
    if 0.9995 <= size < 999.5:
        return f"{value:{sign}#.3g}".rstrip(".")
    return f"{value:{sign}.3g}"


def percent(value: float) -> str:
    """A probability as a percentage that never claims certainty: 86 %, <1 %, >99 %."""
    if value < 0.01:
        return "<1 %"
    return ">99 %" if value > 0.99 else f"{value * 100:.0f} %"


def p_value(value: float) -> str:
    """A p-value with its sign of relation: "= 0.012"; "< 0.001", as no tail is known further out."""
    return "< 0.001" if value < 0.001 else f"= {value:.2g}"


def size(count: int) -> str:
    """Bytes in decimal units: 412 B, 412 kB, 61 MB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count} B"
