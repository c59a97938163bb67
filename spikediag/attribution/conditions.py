"""What makes a run break easily, spike or not: every condition, in the order a reader should meet them.

No family of plugins: a condition has no page, no prior and no rival, so a function each, called by name, says
it all.
"""

import math
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from spikediag.attribution import advice, remedies
from spikediag.attribution.causes.lr_change import habit_in
from spikediag.attribution.nll_algebra import SATURATION, Certificate
from spikediag.attribution.nll_levels import log_std_series, per_sum
from spikediag.attribution.run_facts import (
    MANY_PASSES,
    batch_share,
    constant_rate_stated,
    dims,
    sampling,
    squashed,
)
from spikediag.model import (
    REINFORCED,
    Advice,
    Condition,
    Degenerate,
    FactName,
    Finding,
    FloatArray,
    LossKind,
    Measure,
    Reduction,
    Role,
    Run,
    Series,
    Status,
    Text,
    say,
)
from spikediag.stats.medians import median
from spikediag.stats.nll import certified_dimensions, isotropic_floor, squash_gain
from spikediag.stats.sampling import FLAGGED_ABOVE, RECOMMENDED, batches_to_see_all, distinct_share

OF_POLICIES = REINFORCED | {LossKind.LIKELIHOOD}  # trainings whose rate may follow how far the policy moves
EXPLODED = 10.0  # gradient norm, times its median
DECAYED = 0.99  # of the highest rate
LAST_SHARE = 0.1  # of the log, for the level at the end
FEWEST_POINTS = 10
FEWEST_NORMS = 50
NOISE_GREW = 3.0  # times its first level, from which exploration runs away
LARGEST_LOG = 50.0
AT_BOUND = 0.999  # of the bound of a squashed action, from which its logarithms run away
INSIDE = 0.99  # of it, where targets are safe
UNSEEN_ERROR, USUAL_SIGMA = 1e-4, 0.03  # of an action; before it is squashed
WIDE_GAP = 1.25  # nats: in the randomised study no recipe spiked, as it was drawn, with a smaller one
REMOVED_BY = MappingProxyType(
    {
        "batch-ratio": "smaller-batch",
        "degenerate-dimension": "drop-dimension",
        "sigma-collapse": "sigma-floor",
        "constant-rate": "lr-decay",
        "long-memory": "beta2",
        "no-clipping": "grad-clip",
    }
)
HOW = {
    Degenerate.CONSTANT: say("it is constant"),
    Degenerate.MOSTLY_CONSTANT: say("most of its values are the same"),
    Degenerate.TWO_VALUES: say("it has two values only"),
}


def conditions(run: Run, findings: tuple[Finding, ...]) -> tuple[Condition, ...]:
    """Judge every condition of a run; `SUPPORTED` means it is there.

    Args:
        run: The run.
        findings: What was found in it; empty for a calm run.
    """
    judged = (
        _batch_ratio(run),
        _passes(run),
        _sigma_collapse(run, findings),
        _degenerate_dimension(run),
        _floor_below_zero(run),
        _tanh_squash(run),
        _noise_grows(run),
        _constant_rate(run),
        _long_memory(run),
        _no_clipping(run),
        _no_companion(run),
        _no_log_std(run),
    )
    return tuple(replace(c, removed_by=REMOVED_BY.get(c.condition)) for c in judged if c is not None)


def _batch_ratio(run: Run) -> Condition | None:
    """How large a part of the dataset one batch is, and the rule that it breaks or keeps.

    None for losses of which it was not measured that the rule holds.
    """
    if not run.loss_kinds & {LossKind.LIKELIHOOD, LossKind.UNKNOWN}:
        return None
    batch = run.batch
    if batch is None:
        return _unknown_ratio(run)
    share, ratio = batch_share(batch), batch.ratio
    if ratio > FLAGGED_ABOVE:
        reading = say(
            "{share}, above {limit:.0%}: flagged; 10 to 20 % is recommended.",
            share=share,
            limit=FLAGGED_ABOVE,
        )
        both = (remedies.smaller_batch(run), remedies.more_data(run))
        return Condition("batch-ratio", Status.SUPPORTED, reading, ratio, both)
    if ratio > RECOMMENDED[1]:
        reading = say(
            "{share}: below the limit of {limit:.0%}, above the recommended 10 to 20 %.",
            share=share,
            limit=FLAGGED_ABOVE,
        )
        smaller = remedies.smaller_batch(run)
        return Condition("batch-ratio", Status.PLAUSIBLE, reading, ratio, (smaller,))
    reading = say("{share}: within the rule (at most {limit:.0%}).", share=share, limit=RECOMMENDED[1])
    return Condition("batch-ratio", Status.RULED_OUT, reading, ratio)


def _unknown_ratio(run: Run) -> Condition:
    sizes = (FactName.BATCH_SIZE, FactName.DATASET_SIZE)
    names = tuple(name for name in sizes if run.fact(name).number is None)
    reading = say("Unknown: {names} not found beside the run.", names=", ".join(names))
    return Condition("batch-ratio", Status.NOT_CHECKABLE, reading, None, (advice.give_facts(run, *names),))


def _passes(run: Run) -> Condition | None:
    """How often every sample was used in the whole run; None when it cannot be counted.

    Nor can it where the data are collected on the way.
    """
    drawn = sampling(run)
    if drawn is None or run.loss_kinds <= REINFORCED:
        return None
    batch = drawn.batch
    if drawn.passes < MANY_PASSES:
        reading = say(
            "Every sample was used {passes:,.1f} times ({batch:.0f} x {steps:,.0f} / {dataset:.0f}): few for "
            "memorising.",
            passes=drawn.passes,
            batch=batch.samples,
            steps=drawn.updates,
            dataset=batch.dataset,
        )
        return Condition("passes", Status.RULED_OUT, reading, drawn.passes)
    reading = say(
        "Every sample was used {passes:,.0f} times ({batch:.0f} x {steps:,.0f} / {dataset:.0f}), alike to "
        "within {spread:.1%}; one batch drawn with replacement covers {distinct:.0%} of the dataset, all of "
        "it is seen after {batches:.1f} batches.",
        passes=drawn.passes,
        batch=batch.samples,
        steps=drawn.updates,
        dataset=batch.dataset,
        spread=drawn.passes_sd / drawn.passes,
        distinct=distinct_share(batch),
        batches=batches_to_see_all(batch),
    )
    return Condition("passes", Status.SUPPORTED, reading, drawn.passes)


def _sigma_collapse(run: Run, findings: tuple[Finding, ...]) -> Condition | None:
    """Whether sigma is far below the error somewhere; None without a likelihood and a squared error."""
    pair = _loss_and_error(run, findings)
    certified = _certificate_at_end(*pair, dims(run)) if pair is not None else None
    if pair is None or certified is None:
        return None
    above = certified.loss - certified.floor
    numbers: dict[str, str | float] = {
        "tag": pair[0].tag,
        "level": certified.loss,
        "floor": certified.floor,
        "error": certified.mse_tag,
        "mse": certified.mse,
        "dims": certified.dims,
    }
    if not certified.tiny_sigma:
        reading = say(
            "{tag} ends at {level:.1f} nats, above {floor:.1f}, what one sigma can reach at {error} "
            "{mse:.3g} in {dims} dimensions.",
            **numbers,
        )
        return Condition("sigma-collapse", Status.RULED_OUT, reading, above)
    reading = say(
        "{tag} ends at {level:.1f} nats, {below:.1f} below the {floor:.1f} that one sigma can reach at "
        "{error} {mse:.3g} in {dims} dimensions: sigma is far below the error somewhere, and small strays "
        "cost many nats there.",
        **numbers,
        below=-above,
    )
    return Condition(
        "sigma-collapse", Status.SUPPORTED, reading, above, remedies.not_yet_done(run, "sigma-floor")
    )


def _degenerate_dimension(run: Run) -> Condition | None:
    """Whether an action dimension has nothing to be learned as a Gaussian; None without a likelihood.

    Statistics of the dataset beside the run say it, or a smallest log-std far below the mean one does.
    """
    if LossKind.LIKELIHOOD not in run.loss_kinds:
        return None
    drop = remedies.drop_dimension(run)
    found = [(d, HOW[d.degenerate]) for d in run.actions if d.degenerate is not None]
    if found:
        first, how = found[0]
        reading = say(
            "Look at action dimension {index} ({source}): {how}, with a standard deviation of {sd:.2g} "
            "between {low:.3g} and {high:.3g}; {count} of {dims} dimensions are so.",
            index=first.index,
            source=first.source,
            how=how,
            sd=first.sd,
            low=first.low,
            high=first.high,
            count=len(found),
            dims=len(run.actions),
        )
        return Condition("degenerate-dimension", Status.SUPPORTED, reading, first.index, (drop,))
    if run.actions:
        reading = say(
            "{source}: none of {dims} action dimensions is constant, mostly zero or has two values only.",
            source=run.actions[0].source,
            dims=len(run.actions),
        )
        return Condition("degenerate-dimension", Status.RULED_OUT, reading, 0)
    return _log_std_gap(run, drop)


def _log_std_gap(run: Run, drop: Advice) -> Condition:
    gap = _gap_at_end(run)
    if gap is None:
        reading = say(
            "Neither statistics of the actions nor the smallest and the mean log-std are beside the run."
        )
        missing = advice.log_line(run, Role.LOG_STD)
        return Condition("degenerate-dimension", Status.NOT_CHECKABLE, reading, None, (missing,))
    if gap < WIDE_GAP:
        reading = say(
            "The smallest log-std ends {gap:.1f} below the mean one: no dimension stands apart.", gap=gap
        )
        return Condition("degenerate-dimension", Status.RULED_OUT, reading, gap)
    reading = say(
        "The smallest log-std ends {gap:.1f} below the mean one: some action dimension has a sigma "
        "{times:.0f} times smaller, as one that is constant, mostly zero or has two values only would.",
        gap=gap,
        times=math.exp(min(gap, LARGEST_LOG)),
    )
    return Condition("degenerate-dimension", Status.PLAUSIBLE, reading, gap, (drop,))


def _gap_at_end(run: Run) -> float | None:
    """The mean log-std less the smallest one at the end of the log; None where one is missing."""
    ends = {
        series.reduction: _level_at_end(series.natural)
        for series in run.having(Role.LOG_STD)
        if series.natural.finite.sum() >= FEWEST_POINTS
    }
    if Reduction.MEAN not in ends or Reduction.MIN not in ends:
        return None
    return ends[Reduction.MEAN] - ends[Reduction.MIN]


def _floor_below_zero(run: Run) -> Condition | None:
    """Whether the floor that is stated for sigma cannot be one; None unless it is below zero."""
    stated = run.fact(FactName.SIGMA_MIN)
    floor = stated.number
    if floor is None or floor >= 0:
        return None
    reading = say(
        "{source} is {floor:g}: no standard deviation is below zero, so where sigma itself is clamped with "
        "it there is no floor. A logarithm was meant: sigma above {meant:.2g}.",
        source=stated.source,
        floor=floor,
        meant=math.exp(floor),
    )
    key = stated.source.rpartition(": ")[2].rpartition(".")[2]
    mend = Advice(
        say("Clamp the log-std with it, or give the floor of sigma itself."), f"{key}: {math.exp(floor):.2g}"
    )
    return Condition("sigma-floor", Status.SUPPORTED, reading, floor, (mend,))


def _tanh_squash(run: Run) -> Condition | None:
    """Whether a likelihood of squashed actions has targets at the bound; None without one.

    The density of a = tanh(u) has the factor 1 / (1 - a^2), and u = atanh(a) has no end: at the bound a
    target weighs by where it was clipped, and an error that no one sees in a is large in u.
    """
    if LossKind.LIKELIHOOD not in run.loss_kinds or not squashed(run):
        return None
    stated = run.fact(FactName.TANH_SQUASH).source
    if not run.actions:
        reading = say(
            "The policy squashes its actions by tanh ({source}). Whether targets lie at the bound is not "
            "known: there each one adds {gain:.1f} nats a dimension, and small errors cost thousands.",
            source=stated,
            gain=squash_gain(SATURATION),
        )
        return Condition("tanh-squash", Status.PLAUSIBLE, reading, None, (_within_bounds(),))
    largest = max(run.actions, key=lambda d: max(abs(d.low), abs(d.high)))
    edge = max(abs(largest.low), abs(largest.high))
    numbers: dict[str, str | float] = {"squashed": stated, "index": largest.index, "edge": edge}
    if not edge > AT_BOUND:
        reading = say(
            "The policy squashes its actions by tanh ({squashed}); none comes nearer to the bound of 1 than "
            "{edge:.4g}, in dimension {index} ({source}).",
            source=largest.source,
            **numbers,
        )
        return Condition("tanh-squash", Status.RULED_OUT, reading, edge)
    reading = say(
        "The policy squashes its actions by tanh ({squashed}), and action dimension {index} reaches "
        "{edge:.6g} ({source}): a target at the bound has no finite counterpart, so that clipping it decides "
        "the loss: {gain:.1f} nats at {clipped:.6f}.",
        source=largest.source,
        gain=squash_gain(SATURATION),
        clipped=1 - SATURATION,
        **numbers,
    )
    return Condition("tanh-squash", Status.SUPPORTED, reading, edge, (_within_bounds(),))


def _within_bounds() -> Advice:
    return Advice(
        say(
            "Keep the targets within the bounds, at {edge:g} of them at most, or train on the actions before "
            "they are squashed; at the bound an error of {error:g} is {sigmas:.0f} sigmas of {sigma:g}.",
            edge=INSIDE,
            error=UNSEEN_ERROR,
            sigmas=(math.atanh(1 - SATURATION) - math.atanh(1 - SATURATION - UNSEEN_ERROR)) / USUAL_SIGMA,
            sigma=USUAL_SIGMA,
        ),
        f"actions = actions.clip(-{INSIDE}, {INSIDE})",
    )


def _noise_grows(run: Run) -> Condition | None:
    """Whether a learner's exploration noise grows without end; None where no log-std of one is logged.

    A policy that learns acts ever more surely: noise that grows to the end says that acting at random is what
    pays, as where an entropy bonus is all the reward there is.
    """
    logged = log_std_series(run) if run.loss_kinds & REINFORCED else None
    if logged is None or logged.reduction is Reduction.SUM or logged.finite.sum() < FEWEST_POINTS:
        return None
    _, values = logged.numbers
    part = max(FEWEST_POINTS // 2, int(LAST_SHARE * len(values)))
    first, last = median(values[:part]), median(values[-part:])
    times = math.exp(min(last - first, LARGEST_LOG))
    numbers: dict[str, str | float] = {"tag": logged.tag, "times": times}
    if times < NOISE_GREW or last < float(np.max(values)) - math.log(NOISE_GREW):
        reading = say("{tag}: sigma ends at {times:.2g} times what it began with.", **numbers)
        return Condition("noise-grows", Status.RULED_OUT, reading, times)
    reading = say(
        "{tag}: sigma ends at {times:.3g} times what it began with, and has not turned back. A policy that "
        "learns acts ever more surely; here noise drowns its actions, or saturates them at their limits.",
        **numbers,
    )
    bound = Advice(
        say(
            "Lower the entropy bonus or bound the standard deviation from above, and see whether any reward "
            "reaches the policy."
        )
    )
    return Condition("noise-grows", Status.SUPPORTED, reading, times, (bound,))


def _certificate_at_end(loss: Series, error: Series, d: int | None) -> Certificate | None:
    """What the last levels of loss and error certify; None where they are no numbers."""
    level, mse = (_level_at_end(series) * per_sum(series, d) for series in (loss, error))
    if not (np.isfinite(level) and mse > 0):
        return None
    checked = d or max(certified_dimensions(level, mse), 1)
    return Certificate(level, isotropic_floor(mse, checked), error.tag, mse, checked)


def _loss_and_error(run: Run, findings: tuple[Finding, ...]) -> tuple[Series, Series] | None:
    found = [run.series[f.spike.tag] for f in findings]
    losses = [s for s in (*found, *run.having(Role.LOSS)) if run.loss_kind(s) is LossKind.LIKELIHOOD]
    errors = [s for s in run.having(Role.COMPANION) if s.measure is Measure.SQUARED_ERROR]
    for loss in losses:
        near = sorted(errors, key=lambda s: (s.group != loss.group, s.tag))
        if near and min(loss.finite.sum(), near[0].finite.sum()) >= FEWEST_POINTS:
            return loss, near[0]
    return None


def _level_at_end(series: Series) -> float:
    _, finite = series.numbers
    return median(finite[-max(FEWEST_POINTS, int(LAST_SHARE * len(finite))) :])


def _constant_rate(run: Run) -> Condition | None:
    """Whether the rate stays constant to the end, from its series or the configuration; None if unknown."""
    for series in run.having(Role.LEARNING_RATE):
        if series.finite.any():
            return _logged_rate(run, series) if series.finite.sum() >= FEWEST_POINTS else None
    stated = constant_rate_stated(run)
    if stated is None:
        return None
    reading = say(
        "The configuration states a {value} learning rate ({source}); it is not logged.",
        value=stated.value,
        source=stated.source,
    )
    return Condition(
        "constant-rate", Status.PLAUSIBLE, reading, str(stated.value), (remedies.decay_rate(run),)
    )


def _logged_rate(run: Run, series: Series) -> Condition | None:
    """From its series; None where the log ends while the rate is still warmed up, so that none can know."""
    _, values = series.numbers
    first, top, last = float(values[0]), float(np.max(values)), float(values[-1])
    if habit_in(run, series).adaptive and run.loss_kinds & OF_POLICIES:
        return _adaptive_rate(series, float(np.min(values[values > 0])), top)
    constant = float(np.min(values)) >= top - 1e-6 * abs(top)
    if not constant and last < DECAYED * top:
        reading = say(
            "{tag} goes from {first:.2g} over {top:.2g} to {last:.2g}.",
            tag=series.tag,
            first=first,
            top=top,
            last=last,
        )
        return Condition("constant-rate", Status.RULED_OUT, reading, last)
    if _still_warms_up(values):
        return None
    reading = say(
        "{tag} ends at {last:.2g}, its highest: it rises and never decays.", tag=series.tag, last=last
    )
    if constant:
        reading = say("{tag} is {rate:.3g} from the first point to the last.", tag=series.tag, rate=last)
    return Condition("constant-rate", Status.SUPPORTED, reading, last, (remedies.decay_rate(run),))


def _still_warms_up(values: FloatArray) -> bool:
    """Whether a rate only rises, and was rising yet over the last quarter of the log."""
    last = values[-max(2, len(values) // 4) :]
    return bool((np.diff(values) >= 0).all() and last[-1] > last[0])


def _adaptive_rate(series: Series, low: float, high: float) -> Condition:
    """A rate that answers to what happened is to be bounded, never kept where it stood."""
    reading = say(
        "{tag} adapts itself between {low:.2g} and {high:.2g}: it answers to how far the policy moves, so it "
        "is highest where updates have been small, and the next one is then too large.",
        tag=series.tag,
        low=low,
        high=high,
    )
    bound = Advice(
        say(
            "Bound the adaptive rate from above, near {middle:.1g}, and lower the divergence that it aims "
            "at; train once at a fixed rate of that size to see whether the loss jumps less.",
            middle=math.sqrt(low * high),
        )
    )
    return Condition("adaptive-rate", Status.PLAUSIBLE, reading, high / low, (bound,))


def _long_memory(run: Run) -> Condition | None:
    """Whether Adam remembers so long that its step is late to shrink; None without a stated beta2.

    Asked of likelihoods, for which it was studied.
    """
    stated = run.fact(FactName.BETA2)
    if LossKind.LIKELIHOOD not in run.loss_kinds or stated.number is None or not 0 < stated.number < 1:
        return None
    status = Status.RULED_OUT if stated.number <= remedies.SHORT_MEMORY else Status.PLAUSIBLE
    reading = say(
        "Adam's beta2 is {beta2:g} ({source}): its step follows a sudden gradient within {memory:,.0f} "
        "steps.",
        beta2=stated.number,
        source=stated.source,
        memory=1 / (1 - stated.number),
    )
    advised = (remedies.lower_beta2(run),) if status is Status.PLAUSIBLE else ()
    return Condition("long-memory", status, reading, stated.number, advised)


def _no_clipping(run: Run) -> Condition | None:
    """Whether gradients explode without a stated clip; None when no gradient norm is logged."""
    limit = run.fact(FactName.GRAD_CLIP).number
    for series in run.having(Role.GRAD_NORM):
        values = series.values[series.finite & (series.values > 0)]
        if len(values) < FEWEST_NORMS:
            continue
        later = values[len(values) // 10 :]  # the first tenth is the start of training
        typical = float(np.median(later))
        times = float(np.max(later)) / typical
        reading = _largest_gradient(series.tag, times, typical, limit)
        if times < EXPLODED or limit is not None:
            return Condition("no-clipping", Status.RULED_OUT, reading, times)
        clip = remedies.clip_gradients(run, float(np.quantile(later, 0.9)))
        return Condition("no-clipping", Status.SUPPORTED, reading, times, (clip,))
    return None


def _largest_gradient(tag: str, times: float, typical: float, limit: float | None) -> Text:
    if times < EXPLODED:
        return say(
            "{tag} stays within {times:.1f} times its median {typical:.3g}.",
            tag=tag,
            times=times,
            typical=typical,
        )
    if limit is not None:
        return say(
            "{tag} reaches {times:.0f} times its median {typical:.3g}; gradients are clipped at {limit:g}.",
            tag=tag,
            times=times,
            typical=typical,
            limit=limit,
        )
    return say(
        "{tag} reaches {times:.0f} times its median {typical:.3g}, and no clipping is known to bound it.",
        tag=tag,
        times=times,
        typical=typical,
    )


def _no_companion(run: Run) -> Condition | None:
    """Whether an error metric is logged beside the losses; None for learners whose measure is the reward."""
    rewarded = any(run.having(Role.REWARD))
    if run.loss_kinds <= (REINFORCED | {LossKind.UNKNOWN} if rewarded else REINFORCED):
        return None
    tags = [s.tag for s in run.having(Role.COMPANION)]
    if tags:
        reading = say("Error metrics are logged: {tags}.", tags=", ".join(tags))
        return Condition("companion", Status.RULED_OUT, reading, len(tags))
    return Condition(
        "companion",
        Status.SUPPORTED,
        say("No error metric is logged: a jump of the loss cannot be told from a model that got worse."),
        0,
        (advice.log_line(run, Role.COMPANION),),
    )


def _no_log_std(run: Run) -> Condition | None:
    """Whether sigma is logged, for runs whose loss is a likelihood."""
    if LossKind.LIKELIHOOD not in run.loss_kinds:
        return None
    tags = [s.tag for s in (*run.having(Role.LOG_STD), *run.having(Role.ENTROPY))]
    if tags:
        return Condition(
            "log-std", Status.RULED_OUT, say("Sigma is logged: {tags}.", tags=", ".join(tags)), len(tags)
        )
    return Condition(
        "log-std",
        Status.SUPPORTED,
        say("Neither log-std nor entropy is logged: a jump cannot be split into sigma and error."),
        0,
        (advice.log_line(run, Role.LOG_STD),),
    )
