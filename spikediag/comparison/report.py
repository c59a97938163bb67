"""A comparison as plain values, schema `spikediag.comparison/1`."""

import math
from typing import Any

from spikediag.comparison.values import Change, Comparison, Side
from spikediag.model import Text
from spikediag.wording import language
from spikediag.wording.writer import PLAIN, Writer

SCHEMA = "spikediag.comparison/1"


def to_dict(comparison: Comparison) -> dict[str, Any]:
    """Strict JSON: what is unknown or not finite is null."""
    c = comparison
    return {
        "schema": SCHEMA,
        "before": _side(c.before),
        "after": _side(c.after),
        "axis": {"unit": c.unit, "start": c.start, "end": c.end},
        "spike_height": _number(c.height),
        "verdict": {
            "outcome": c.outcome.value,
            "summary": plain(c.summary),
            "detectable_ratio": _number(c.detectable),
            "cost": c.cost.value,
            "notes": [plain(note) for note in c.notes],
        },
        "rate_ratio": {
            "value": _number(c.ratio.value),
            "low": _number(c.ratio.low),
            "high": _number(c.ratio.high),
            "p": _number(c.ratio.p),
            "dispersion": _number(c.ratio.dispersion),
        },
        "loss": _change(c.loss),
        "companion": None if c.companion is None else _change(c.companion),
        "settings": [
            {"name": s.name, "before": s.before, "after": s.after, "why": plain(s.why)} for s in c.settings
        ],
        "conditions": [
            {
                "condition": k.condition,
                "before": {"status": k.before or None, "reading": _maybe(k.before_reading)},
                "after": {"status": k.after or None, "reading": _maybe(k.after_reading)},
            }
            for k in c.conditions
        ],
    }


def plain(text: Text) -> str:
    """A sentence without markup."""
    return Writer(language.load("en"), PLAIN).text(text)


def _maybe(text: Text | None) -> str | None:
    return None if text is None else plain(text)


def _side(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "runs": [t.name for t in side.trials],
        "spikes": list(side.counts.events),
        "exposure": list(side.counts.exposures),
        "largest_spike": _number(side.largest),
        "diverged": [t.diverged for t in side.trials],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "tag": change.tag,
        "before": _number(change.before),
        "after": _number(change.after),
        "low": _number(change.low),
        "high": _number(change.high),
        "basis": plain(change.basis),
    }


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
