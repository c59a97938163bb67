"""Which role each tag plays, why, and the series that follow from it.

The order of trust: `spikediag.toml` beside the run, the preset of the library that the tags reveal, general
rules.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from spikediag.model import FloatArray, Measure, Role, Series, Transform
from spikediag.parser.library_presets import GENERAL, Preset, RoleAssignment, normalise, presets
from spikediag.parser.track import Track

TWIN = 0.999  # rank correlation of differences; above it a companion is the loss in other units
SOME = 20  # losses that a companion is compared with
ENOUGH, RECENT = 30, 5000  # points to judge that: at least, at most


def assign_roles(
    tags: Iterable[str], preset: Preset | None, overrides: Mapping[str, Role]
) -> dict[str, RoleAssignment]:
    """Assign a role to every tag; `overrides` are the user's, each of a known tag."""
    known = tuple(tags)
    assigned = {tag: _assigned(tag, preset) for tag in known}
    for tag in known:
        if assigned[tag].role is not Role.LOG_STD and (base := _statistic_of(tag, assigned)):
            assigned[tag] = RoleAssignment(Role.OTHER, reason=f"a statistic of {base}")
    assigned = _beside(assigned, Role.COMPANION, Measure.SQUARED_ERROR, Measure.POLICY, Measure.NLL)
    assigned = _beside(assigned, Role.LOSS, Measure.NLL, Measure.UNKNOWN, Measure.TOTAL)
    for tag, role in overrides.items():
        assigned[tag] = _overridden(assigned[tag], role)
    return assigned


def build_series(tag: str, track: Track, assigned: RoleAssignment) -> Series:
    """Build the series of a tag, its numbers converted as its role demands."""
    values = track.values * assigned.scale if assigned.scale != 1.0 else track.values
    values, done = _transformed(values, assigned.transform)
    return Series(
        tag,
        assigned.role,
        track.steps,
        values,
        track.walls,
        assigned.measure,
        assigned.reduction,
        "; ".join(text for text in (assigned.reason, done) if text),
        assigned.transform,
    )


def without_twins(found: Mapping[str, Series]) -> dict[str, Series]:
    """Take the companion role from series that are a loss in other units."""
    kept = dict(found)
    losses = [s for s in found.values() if s.role is Role.LOSS]
    for tag, companion in found.items():
        if companion.role is Role.COMPANION:
            near = [loss for loss in losses if len(losses) <= SOME or loss.group == companion.group]
            twin = next((loss.tag for loss in near[:SOME] if _same_shape(loss, companion)), None)
            if twin:
                reason = f"moves exactly as {twin} does, so it is no independent error"
                kept[tag] = replace(companion, role=Role.OTHER, reason=reason)
    return kept


def _assigned(tag: str, preset: Preset | None) -> RoleAssignment:
    name = normalise(tag)
    for source in (preset, presets()[GENERAL]):
        for rule in source.rules if source else ():
            if rule.fits(name):
                return _with_source(rule.meaning, source.name if source else "")
    return RoleAssignment(Role.OTHER, reason="no rule knows this tag")


def _with_source(meaning: RoleAssignment, source: str) -> RoleAssignment:
    why = f"{source} preset" if source != GENERAL else "general rule"
    told = f": {meaning.reason}" if meaning.reason else f" for {meaning.role.replace('_', ' ')} tags"
    return replace(meaning, reason=why + told)


def _statistic_of(tag: str, assigned: Mapping[str, RoleAssignment]) -> str | None:
    """Return the tag that this one is the mean, spread or extreme of, if that is logged itself."""
    for ending in ("mean", "std", "min", "max"):
        for mark in "-/_":
            if tag.endswith(mark + ending) and tag[: -len(ending) - 1] in assigned:
                return tag[: -len(ending) - 1]
    return None


def _beside(
    assigned: dict[str, RoleAssignment], role: Role, sibling: Measure, before: Measure, after: Measure
) -> dict[str, RoleAssignment]:
    """Say more of a loss where its group also logs a `role` with the measure `sibling`.

    A policy loss beside a squared error is a likelihood; a plain `loss` beside a likelihood contains it.
    """
    group = {tag: tag.rpartition("/")[0] for tag in assigned}
    groups = {group[tag] for tag, one in assigned.items() if one.role is role and one.measure is sibling}
    why = {Measure.NLL: "logged beside a squared error", Measure.TOTAL: "logged beside the likelihood in it"}
    return {
        tag: replace(one, measure=after, reason=f"{one.reason}; {why[after]}")
        if one.refine and one.measure is before and group[tag] in groups and _is_plain(tag, after)
        else one
        for tag, one in assigned.items()
    }


def _is_plain(tag: str, measure: Measure) -> bool:
    return measure is not Measure.TOTAL or tag.rpartition("/")[2].lower() == "loss"


def _overridden(one: RoleAssignment, role: Role) -> RoleAssignment:
    if one.role is role:
        return replace(one, reason="spikediag.toml")
    return RoleAssignment(role, reason="spikediag.toml")


def _transformed(values: FloatArray, transform: Transform) -> tuple[FloatArray, str]:
    if transform is Transform.NEGATED:
        return -values, "sign turned, so that up is more entropy"
    if transform is Transform.LN:
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
    return float(one @ two) / (math.sqrt(float(one @ one) * float(two @ two)) or 1.0)
