"""Which role each tag plays, why, and the series that follow from it.

The order of trust: `spikediag.toml` beside the run, the preset of the library that the tags reveal, general
rules.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from spikediag.model import FloatArray, Measure, Reduction, Role, Series
from spikediag.parser.library_presets import GENERAL, Preset, Rule, normalise, presets
from spikediag.parser.track import Track

TWIN = 0.999  # rank correlation of differences; above it a companion is the loss in other units
SOME = 20  # losses that a companion is compared with
ENOUGH, RECENT = 30, 5000  # points to judge that: at least, at most


@dataclass(frozen=True)
class Part:
    """The role of one tag and how its numbers are to be read."""

    role: Role
    measure: Measure = Measure.UNKNOWN
    reduction: Reduction = Reduction.UNKNOWN
    convert: str = ""
    scale: float = 1.0
    reason: str = ""
    refine: bool = False  # what stands beside the tag may say more of it


def cast(tags: Iterable[str], preset: Preset | None, overrides: Mapping[str, Role]) -> dict[str, Part]:
    """Assign a role to every tag."""
    known = tuple(tags)
    parts = {tag: _part(tag, preset) for tag in known}
    for tag in known:
        if parts[tag].role is not Role.LOG_STD and (base := _statistic_of(tag, parts)):
            parts[tag] = Part(Role.OTHER, reason=f"a statistic of {base}")
    parts = _beside(parts, Role.COMPANION, Measure.SQUARED_ERROR, Measure.POLICY, Measure.NLL)
    parts = _beside(parts, Role.LOSS, Measure.NLL, Measure.UNKNOWN, Measure.TOTAL)
    for tag, role in overrides.items():
        if tag in parts:
            parts[tag] = _overridden(parts[tag], role)
    return parts


def series(tag: str, track: Track, part: Part) -> Series:
    """Build the series of a tag, its numbers converted as its role demands."""
    values, done = _converted(track.values * part.scale if part.scale != 1.0 else track.values, part.convert)
    reason = "; ".join(text for text in (part.reason, done) if text)
    return Series(tag, part.role, track.steps, values, track.walls, part.measure, part.reduction, reason)


def without_twins(found: Mapping[str, Series]) -> dict[str, Series]:
    """Take the companion role from series that are a loss in other units."""
    kept = dict(found)
    losses = [s for s in found.values() if s.role is Role.LOSS]
    for tag, companion in found.items():
        if companion.role is Role.COMPANION:
            near = [loss for loss in losses if len(losses) <= SOME or _group(loss.tag) == _group(tag)]
            twin = next((loss.tag for loss in near[:SOME] if _same_shape(loss, companion)), None)
            if twin:
                reason = f"moves exactly as {twin} does, so it is no independent error"
                kept[tag] = replace(companion, role=Role.OTHER, reason=reason)
    return kept


def _part(tag: str, preset: Preset | None) -> Part:
    name = normalise(tag)
    for source in (preset, presets()[GENERAL]):
        for rule in source.rules if source else ():
            if rule.tag.fullmatch(name):
                return _from_rule(rule, source.name if source else "")
    return Part(Role.OTHER, reason="no rule knows this tag")


def _from_rule(rule: Rule, source: str) -> Part:
    why = f"{source} preset" if source != GENERAL else "general rule"
    reason = f"{why}: {rule.reason}" if rule.reason else f"{why} for {rule.role.value.replace('_', ' ')} tags"
    return Part(rule.role, rule.measure, rule.reduction, rule.convert, rule.scale, reason, rule.refine)


def _statistic_of(tag: str, parts: Mapping[str, Part]) -> str | None:
    """Return the tag that this one is the mean, spread or extreme of, if that is logged itself."""
    for ending in ("mean", "std", "min", "max"):
        for mark in "-/_":
            if tag.endswith(mark + ending) and tag[: -len(ending) - 1] in parts:
                return tag[: -len(ending) - 1]
    return None


def _beside(
    parts: dict[str, Part], role: Role, sibling: Measure, before: Measure, after: Measure
) -> dict[str, Part]:
    """Say more of a loss where its group also logs a `role` with the measure `sibling`.

    A policy loss beside a squared error is a likelihood; a plain `loss` beside a likelihood contains it.
    """
    groups = {_group(tag) for tag, part in parts.items() if part.role is role and part.measure is sibling}
    why = {Measure.NLL: "logged beside a squared error", Measure.TOTAL: "logged beside the likelihood in it"}
    return {
        tag: replace(part, measure=after, reason=f"{part.reason}; {why[after]}")
        if part.refine and part.measure is before and _group(tag) in groups and _is_plain(tag, after)
        else part
        for tag, part in parts.items()
    }


def _group(tag: str) -> str:
    return tag.rpartition("/")[0]


def _is_plain(tag: str, measure: Measure) -> bool:
    return measure is not Measure.TOTAL or tag.rpartition("/")[2].lower() == "loss"


def _overridden(part: Part, role: Role) -> Part:
    if part.role is role:
        return replace(part, reason="spikediag.toml")
    return Part(role, reason="spikediag.toml")


def _converted(values: FloatArray, convert: str) -> tuple[FloatArray, str]:
    if convert == "negate":
        return -values, "sign turned, so that up is more entropy"
    if convert == "ln":
        positive = np.where(values > 0, values, math.nan)
        return np.log(positive), "natural logarithm of the logged standard deviation"
    return values, ""


def _same_shape(loss: Series, companion: Series) -> bool:
    steps = np.intersect1d(loss.steps[-RECENT:], companion.steps[-RECENT:], assume_unique=True)
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is left out below
        one = np.diff(loss.values[np.searchsorted(loss.steps, steps)])
        two = np.diff(companion.values[np.searchsorted(companion.steps, steps)])
    fine = np.isfinite(one) & np.isfinite(two)
    one, two = one[fine], two[fine]
    if len(one) < ENOUGH or not one.any() or not two.any():
        return False
    # Ranks: one common leap must not make two independent series look alike.
    return abs(_correlation(_ranks(one), _ranks(two))) > TWIN


def _ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - counts / 2)[inverse]


def _correlation(one: FloatArray, two: FloatArray) -> float:
    one, two = one - one.mean(), two - two.mean()
    return float(one @ two / math.sqrt(float(one @ one) * float(two @ two)))
