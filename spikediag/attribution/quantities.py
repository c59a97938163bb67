"""Quantities that deserve no role of their own but decide some causes, known by the words of their tags.

A tag is read in lower case, every run of other signs than letters and digits as one underscore.
"""

import re
from dataclasses import dataclass
from enum import Enum

import numpy as np

from spikediag.attribution.case import Case
from spikediag.model import Role, Run, Series, Text, Witness, say

CHANGED = 0.01  # share of its value by which a setting changes
RARELY = 0.05  # share of its points at which a setting may change
LARGEST_TIMES = 1e6  # beyond, a figure says only that there was next to nothing before
_SIGNS = re.compile(r"[^a-z0-9]+")


class Quantity(Enum):
    """What a series measures: the value is the pattern that finds it in a tag."""

    POLICY_KL = (
        r"(^|_)((old_)?approx_?kl|policy_?kl|ppo_kl|mean_kl|kl_(approx|mean|update|policy))(_|$)"
        r"|(^|_)(info|loss|learner_stats|policy|update)_kl(_div(ergence)?)?$"
    )
    CLIPPED = r"^(?!.*(val|value|vf)_clip).*clip(ped)?_?(frac(tion)?|ratio|share)(_|$)"
    RATIO = r"(^|_)((importance|policy|prob)_ratio|val_ratio|ratio_(mean|max))(_|$)"
    KL = r"(^|_)(kl|kld|kl_?div(ergence)?)(_|$)"
    Q_VALUE = (
        r"(^|_)(predicted_)?(target_)?q(s|f?[12])?(_?(values?|mean|max|min|pred))?$|(^|_)target_values?$"
    )
    TEMPERATURE = r"(^|_)((log_)?(ent(ropy)?_coef(f|ficient)?|alpha)|temperature|(?<![cg]pu_)temp)$"
    TEMPERATURE_LOSS = r"(ent_coef|entropy_coef|alpha|temperature)_loss|loss_(alpha|temperature|ent_coef)"
    STAGE = (
        r"(^|_)(data_?)?(stage|phase|mix(ture)?(_weights?)?|curriculum(_(step|level|stage|progress))?|difficulty)"
        r"(_(id|index|idx|num|no))?(_[a-z]+)?$|(^|_)((max_)?seq(uence)?_?len(gth)?|context_?len(gth)?"
        r"|tokens_per_(step|batch|update)|batch_tokens|(num_)?tokens_(in|per)_batch)(_(mean|avg))?$"
    )
    BATCH = (
        r"(^|_)((global|effective|total|train|micro)_)*batch_?size$|(^|_)(world_size|accumulation(_steps)?)$"
    )
    BUFFER = r"(^|_)(replay_?)?(buffer|memory)_?(size|len(gth)?|fill(ed)?|usage)$|(^|_)replay_(buffer|size)$"
    SEEN = r"(^|_)((n|num)_)?((input|consumed)_)?(tokens|samples)(_(seen|total|so_far|processed))?$"
    SPEED = (
        r"(^|_)(throughput|(iter(ation)?|step|batch|update)_?time|(tokens|samples|steps|iters?)_per_sec(ond)?"
        r"|tps|mfu|fps)(_|$)"
    )
    REWARD_TERM = (
        r"^(.*_)?(episode_rewards?|rewards|reward(?!_(scale|coef|norm|rate|model))|reward_(terms?|components?))_"
        r"(?!(mean|min|max|std|var|median|total|sum|step|iter|time|instantaneous)(_|$))"
        r".+|(^|_)episode_rew_.+"
    )


def spoken_tag(tag: str) -> str:
    """A tag as it is read."""
    return _SIGNS.sub("_", tag.lower()).strip("_")


def measuring(run: Run, *quantities: Quantity) -> tuple[Series, ...]:
    """The series that measure one of the quantities, in tag order.

    Losses measure losses, and the reward itself is no term of it.
    """
    return run.once(_named, *quantities)


def _named(run: Run, *quantities: Quantity) -> tuple[Series, ...]:
    others = (run.series[tag] for tag in sorted(run.series) if run.series[tag].role is not Role.LOSS)
    return tuple(s for s in others if any(_measures(s, q) for q in quantities))


def _measures(series: Series, quantity: Quantity) -> bool:
    total = quantity is Quantity.REWARD_TERM and series.role is Role.REWARD
    return not total and re.search(quantity.value, spoken_tag(series.tag)) is not None


def witnesses_of(case: Case, *quantities: Quantity) -> tuple[Witness, ...]:
    """The witnesses of the case that measure one of the quantities, those that moved first ahead."""
    tags = {series.tag for series in measuring(case.run, *quantities)}
    return tuple(witness for witness in case.witnesses.moved if witness.tag in tags)


def growth(witness: Witness) -> float:
    """How many times its level before a witness reached, whatever the signs; large where that was zero."""
    return abs(witness.at) / max(abs(witness.before), 1e-9 * abs(witness.at), 1e-300)


def grew(tag: str, times: float) -> Text:
    """How large something became, in a sentence."""
    return say("{tag} reached {times:,.0f} times its level.", tag=tag, times=min(times, LARGEST_TIMES))


@dataclass(frozen=True)
class Switch:
    """One step of a setting that is constant before and after."""

    step: int  # first logged step with the new value
    before: float
    after: float


def switches(series: Series) -> tuple[Switch, ...]:
    """The steps of a setting; none where it moves all the time, as a mean of the batch does."""
    steps, values = series.numbers
    moves = np.flatnonzero(np.abs(np.diff(values)) > CHANGED * np.maximum(np.abs(values[1:]), 1e-12))
    if len(moves) > max(1, RARELY * len(values)):
        return ()
    return tuple(Switch(int(steps[i + 1]), float(values[i]), float(values[i + 1])) for i in moves)
