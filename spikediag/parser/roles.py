"""Which role each tag plays, what kind of loss it is, why, and the series that follow from it.

The order of trust: `spikediag.toml` beside the run, the preset of the library that the tags reveal, general
rules.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from spikediag.model import (
    Fact,
    LossKind,
    Measure,
    Role,
    Series,
    Text,
    Transform,
    say,
)
from spikediag.parser.library_presets import GENERAL, Preset, RoleAssignment, normalise, presets
from spikediag.parser.track import Track
from spikediag.stats.ranks import rank_correlation

TWIN = 0.999  # rank correlation of differences; above it a companion is the loss in other units
SOME = 20  # losses that a companion is compared with
ENOUGH, RECENT = 30, 5000  # points to judge that: at least, at most
STATED = say("spikediag.toml")
OPEN = (Measure.UNKNOWN, Measure.POLICY, Measure.TOTAL)  # measures that leave the kind of a loss open
OBJECTIVES = {  # what a configuration calls its loss, or its model
    LossKind.LIKELIHOOD: re.compile(r"(gaussian_?)?nll(_?loss)?|neg_?log_?likelihood|gmm|mle"),
    LossKind.CROSS_ENTROPY: re.compile(
        r"(sparse_?|categorical_?|binary_?|softmax_?)*cross_?entropy(_?loss)?|bce(_?with_?logits)?(_?loss)?|ce"
        r"|focal(_?loss)?|\w+for(causallm|maskedlm|conditionalgeneration|\w+classification|pretraining|ctc)"
        r"|\w+lmheadmodel"
    ),
    LossKind.KL_REGULARISED: re.compile(r"(dr_)?grpo|dpo|ipo|kto|orpo|bnpo|dapo|simpo|rloo|sigmoid"),
    LossKind.REGRESSION: re.compile(r"mse(_?loss)?|l[12](_?loss)?|mae|(smooth_?l1|huber)(_?loss)?"),
    LossKind.DENOISING: re.compile(
        r"diffusion|ddpm|flow(_?matching)?|score(_?matching)?|epsilon|v_prediction"
    ),
}


def assign_roles(
    tags: Iterable[str],
    preset: Preset | None,
    overrides: Mapping[str, Role],
    kinds: Mapping[str, LossKind] | None = None,
) -> dict[str, RoleAssignment]:
    """Assign a role to every tag, and a kind to every loss that reveals it.

    Args:
        tags: Of the run.
        preset: Of its library.
        overrides: Roles that the user states, each of a known tag.
        kinds: Kinds of loss that the user states; what has one is a loss.
    """
    known = tuple(tags)
    assigned = {tag: _assigned(tag, preset) for tag in known}
    for tag in known:
        if assigned[tag].role is not Role.LOG_STD and (base := _statistic_of(tag, assigned)):
            assigned[tag] = RoleAssignment(Role.OTHER, why=say("a statistic of {tag}", tag=base))
    assigned = _beside(assigned, Role.COMPANION, Measure.SQUARED_ERROR, Measure.POLICY, Measure.NLL)
    assigned = _beside(assigned, Role.LOSS, Measure.NLL, Measure.UNKNOWN, Measure.TOTAL)
    assigned = _by_company(assigned, preset)
    for tag, role in overrides.items():
        assigned[tag] = _overridden(assigned[tag], role)
    for tag, kind in (kinds or {}).items():
        assigned[tag] = replace(_overridden(assigned[tag], Role.LOSS), kind=kind)
    return assigned


def build_series(tag: str, track: Track, assigned: RoleAssignment, file: str = "") -> Series:
    """Build the series of a tag, its numbers as they were logged, times the unit they were logged in."""
    return Series(
        tag,
        assigned.role,
        track.steps,
        track.values * assigned.scale if assigned.scale != 1.0 else track.values,
        track.walls,
        assigned.measure,
        assigned.reduction,
        assigned.why,
        assigned.transform,
        assigned.kind,
        file=file,
    )


def without_twins(found: Mapping[str, Series]) -> dict[str, Series]:
    """Take the companion role from series that are a loss in other units; such a loss is that error."""
    kept = dict(found)
    losses = [s for s in found.values() if s.role is Role.LOSS]
    for tag, companion in found.items():
        if companion.role is Role.COMPANION:
            near = [loss for loss in losses if len(losses) <= SOME or loss.group == companion.group]
            twin = next((loss for loss in near[:SOME] if _same_shape(loss, companion)), None)
            if twin:
                why = say("moves exactly as {tag} does, so it is no independent error", tag=twin.tag)
                kept[tag] = replace(companion, role=Role.OTHER, reason=why, copy_of=twin.tag)
                if twin.kind is LossKind.UNKNOWN and companion.measure is Measure.SQUARED_ERROR:
                    kept[twin.tag] = replace(kept[twin.tag], kind=LossKind.REGRESSION)
    return kept


def with_objective(found: Mapping[str, Series], objective: Fact | None) -> dict[str, Series]:
    """Let the configuration say what a loss is whose tags leave it open.

    Args:
        found: The series of a run.
        objective: The fact of that name.
    """
    word = str(objective.value).lower().replace("-", "_") if objective else ""
    kind = next((kind for kind, words in OBJECTIVES.items() if words.fullmatch(word)), LossKind.UNKNOWN)
    if objective is None or kind is LossKind.UNKNOWN:
        return dict(found)
    told = say("the configuration states {value} ({source})", value=word, source=objective.source)
    return {
        tag: replace(s, kind=kind, reason=say("{why}; {more}", why=s.reason, more=told))
        if s.role is Role.LOSS and s.kind is LossKind.UNKNOWN and s.measure is Measure.UNKNOWN
        else s
        for tag, s in found.items()
    }


def _assigned(tag: str, preset: Preset | None) -> RoleAssignment:
    name = normalise(tag)
    for source in (preset, presets()[GENERAL]):
        for rule in source.rules if source else ():
            if rule.fits(name):
                return replace(rule.meaning, why=_why(rule.meaning, source.name if source else ""))
    return RoleAssignment(Role.OTHER, why=say("no rule knows this tag"))


def _why(meaning: RoleAssignment, source: str) -> Text:
    given = Text(meaning.reason, {}) if meaning.reason else None
    if source == GENERAL:
        told = say("general rule: {why}", why=given) if given else say("general rule for such tags")
    else:
        told = say("{library} preset: {why}", library=source, why=given)
        told = told if given else say("{library} preset", library=source)
    done = _DONE.get(meaning.transform)
    return say("{why}; {more}", why=told, more=done) if done else told


_DONE = {
    Transform.NEGATED: say("read with its sign turned, so that up is more entropy"),
    Transform.LN: say("a standard deviation; its logarithm is reckoned with"),
}


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
    more = {
        Measure.NLL: say("logged beside a squared error"),
        Measure.TOTAL: say("logged beside the likelihood in it"),
    }[after]
    kind = LossKind.LIKELIHOOD if after is Measure.NLL else LossKind.UNKNOWN
    return {
        tag: replace(one, measure=after, kind=kind, why=say("{why}; {more}", why=one.why, more=more))
        if one.refine and one.measure is before and group[tag] in groups and _is_plain(tag, after)
        else one
        for tag, one in assigned.items()
    }


def _is_plain(tag: str, measure: Measure) -> bool:
    return measure is not Measure.TOTAL or tag.rpartition("/")[2].lower() == "loss"


def _by_company(assigned: dict[str, RoleAssignment], preset: Preset | None) -> dict[str, RoleAssignment]:
    """Say of each loss that its tag leaves open what kind it is, by the other tags of the run."""
    names = {tag: normalise(tag) for tag in assigned}
    left = {tag for tag, one in assigned.items() if one.role is Role.LOSS and one.measure in OPEN}
    left = {tag for tag in left if assigned[tag].kind is LossKind.UNKNOWN}
    told = dict(assigned)
    for rule in (*(preset.kinds if preset else ()), *presets()[GENERAL].kinds):
        found = rule.losses({names[tag] for tag in left}, set(names.values()))
        for tag in {tag for tag in left if names[tag] in found}:
            told[tag] = replace(assigned[tag], kind=rule.kind)
            left.remove(tag)
    return told


def _overridden(one: RoleAssignment, role: Role) -> RoleAssignment:
    return replace(one, why=STATED) if one.role is role else RoleAssignment(role, why=STATED)


def _same_shape(loss: Series, companion: Series) -> bool:
    own, its = loss.shared(companion)
    recent = (own >= len(loss) - RECENT) & (its >= len(companion) - RECENT)
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is left out below
        one, two = np.diff(loss.values[own[recent]]), np.diff(companion.values[its[recent]])
    fine = np.isfinite(one) & np.isfinite(two)
    one, two = one[fine], two[fine]
    if len(one) < ENOUGH or not one.any() or not two.any():
        return False
    # Ranks: one common leap must not make two independent series look alike.
    return abs(rank_correlation(one, two)) > TWIN
