"""Remedies: every remedy of the study for one run, in the user's own setting names, the best first."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType

from spikediag.attribution import advice
from spikediag.attribution.advice import USUAL_STEPS, line
from spikediag.model import (
    Condition,
    Effect,
    FactName,
    Finding,
    Kind,
    LossKind,
    Remedy,
    Role,
    Run,
    Text,
    by_gravity,
    say,
)
from spikediag.rates import FARTHEST, Observed, Rates, Settings, fitted

FLOOR, CLIP, BETA2, NOISE = 0.05, 1.0, 0.95, 0.03  # as in the study
QUARTER, FIVEFOLD = 4, 5
LEAST_BATCH = 32
DECAYED = 0.5  # of the highest rate, at the end of a schedule that decays
COUNTED = frozenset({Kind.TRANSIENT, Kind.TRAIN})
SHUFFLED = frozenset({"epochs", "shuffle", "without_replacement"})
WITH_REPLACEMENT = frozenset({"replacement", "uniform", "random"})
OF_ANY_LOSS = frozenset(
    {"lr-decay", "grad-clip", "beta2"}
)  # what is done to the optimizer; others need a policy's sigma
REMOVED_BY = MappingProxyType(
    {
        "batch-ratio": "smaller-batch",
        "degenerate-dimension": "drop-dimension",
        "sigma-collapse": "sigma-floor",
        "constant-rate": "lr-decay",
        "no-clipping": "grad-clip",
    }
)
SETTING, LINE, DATA, LOGGED = (
    say("one setting"),
    say("one line of code"),
    say("new demonstrations"),
    say("one line to log"),
)


def remedies(run: Run, findings: tuple[Finding, ...], rates: Rates | None = None) -> tuple[Remedy, ...]:
    """Every remedy: those that apply first, by what they prevent less what they cost in error.

    Args:
        run: The run.
        findings: What was found in it.
        rates: The model of the spike rate; by default the one that the laboratory fitted, if there is one.
    """
    rates = fitted() if rates is None else rates
    lead = next(iter(by_gravity(findings)), None)
    settings = settings_of(run)
    has_sigma = any(run.has_sigma(loss) for loss in run.having(Role.LOSS))
    unknown = _unknown(run, lead, settings, rates)
    observed = _observed(run, findings, lead)
    proposed = [
        _with_effect(change, settings, rates, observed) if unknown is None else _without(change, unknown)
        for change in (make(run, settings) for make in CHANGES)
        if has_sigma or change.id in OF_ANY_LOSS
    ]
    return tuple(sorted(proposed, key=lambda remedy: _worth(remedy, rates)))


def weighed(conditions: tuple[Condition, ...], proposed: tuple[Remedy, ...]) -> tuple[Condition, ...]:
    """The conditions, each with the remedy that removes it; side by side, they share no probability."""
    by_id = {remedy.id: remedy for remedy in proposed}
    return tuple(replace(c, removed_by=by_id.get(REMOVED_BY.get(c.condition, ""))) for c in conditions)


def settings_of(run: Run) -> Settings:
    """What the configuration and the log say of the settings that spikes depend on."""
    batch, sampling = run.batch, str(run.fact(FactName.SAMPLING).value).lower()
    log_floor = run.fact(FactName.LOG_STD_MIN).number
    floor = run.fact(FactName.SIGMA_MIN).number
    return Settings(
        batch_size=batch.samples if batch is not None else run.fact(FactName.BATCH_SIZE).number,
        dataset_size=run.fact(FactName.DATASET_SIZE).number,
        updates=run.updates(),
        learning_rate=run.fact(FactName.LEARNING_RATE).number,
        decays=_decays(run),
        beta2=run.fact(FactName.BETA2).number,
        sigma_floor=floor if floor is not None and floor > 0 else log_floor and math.exp(min(log_floor, 0.0)),
        clip=run.fact(FactName.GRAD_CLIP).number,
        weight_decay=run.fact(FactName.WEIGHT_DECAY).number,
        dropout=run.fact(FactName.DROPOUT).number,
        action_dims=run.fact(FactName.ACTION_DIM).number,
        degenerate=any(d.degenerate for d in run.actions) if run.actions else None,
        shuffled=sampling in SHUFFLED if sampling in SHUFFLED | WITH_REPLACEMENT else None,
    )


def _decays(run: Run) -> bool | None:
    for series in run.having(Role.LEARNING_RATE):
        values = series.values[series.finite]
        if len(values) > 1:
            return bool(values[-1] < DECAYED * values.max())
    stated = run.fact(FactName.LR_SCHEDULE).value
    return None if stated is None else str(stated).lower() not in {"constant", "none", "fixed", "false"}


def _observed(run: Run, findings: tuple[Finding, ...], lead: Finding | None) -> Observed | None:
    """The spikes of the leading loss, and the updates in which they were counted."""
    updates = run.updates()
    if lead is None or updates is None:
        return None
    same = (f.spike for f in findings if f.spike.tag == lead.spike.tag and f.spike.kind in COUNTED)
    return Observed(sum(spike.count for spike in same if not spike.is_fall), updates)


def _unknown(run: Run, lead: Finding | None, settings: Settings, rates: Rates | None) -> Text | None:
    """Why no effect can be given for any remedy; None where the study speaks of runs like this one."""
    optimizer = run.fact(FactName.OPTIMIZER).value
    if rates is None:
        return say("What it does to the rate of spikes has not been measured yet.")
    if lead is None or lead.spike.kind not in COUNTED or lead.spike.is_fall:
        return say("There is no spike to prevent.")
    if run.loss_kind(run.series[lead.spike.tag]) is not LossKind.LIKELIHOOD:
        return say("The study trained on likelihoods; {tag} is not known to be one.", tag=lead.spike.tag)
    if optimizer is not None and "adam" not in str(optimizer).lower():
        return say("The study trained with Adam, this run with {optimizer}.", optimizer=str(optimizer))
    far = [name for name, excess in rates.beyond(settings).items() if excess > FARTHEST]
    return say("Too far from what was studied: {names}.", names=", ".join(far)) if far else None


@dataclass(frozen=True)
class Change:
    """A remedy before its effect is known; `reason` says why it does not apply, None where it does."""

    id: str
    text: Text
    code: str | None
    effort: Text
    reason: Text | None = None


def _without(change: Change, reason: Text) -> Remedy:
    applies = change.reason is None
    return Remedy(
        change.id, change.text, change.code, None, None, change.effort, applies, change.reason or reason
    )


def _with_effect(
    change: Change, settings: Settings, rates: Rates | None, observed: Observed | None
) -> Remedy:
    """The remedy with what the model predicts for it; measures and what does not apply have no effect."""
    if rates is None or change.reason is not None or change.id not in rates.shifts:
        return _without(change, say("It shows what happens and prevents nothing."))
    predicted = rates.effect(change.id, settings, settings.updates or USUAL_STEPS, observed)
    source = _source(rates, change.id, settings)
    shift = rates.shifts[change.id]
    cost = say(
        "In the study the error ended at {error:.2g} times that of the unchanged training.",
        error=shift.error,
    )
    effect = Effect(predicted.median, predicted.low, predicted.high, source)
    reason = say("The study tried it on {recipes} spiking recipes.", recipes=shift.recipes)
    return Remedy(
        change.id, change.text, change.code, effect, cost, change.effort, applies=True, reason=reason
    )


def _source(rates: Rates, remedy: str, settings: Settings) -> Text:
    beyond = rates.beyond(settings)
    numbers = {"recipes": rates.shifts[remedy].recipes, "trainings": rates.trainings}
    if beyond:
        return say(
            "randomised study: {recipes} spiking recipes, {trainings:,} trainings; wider, as this run lies "
            "outside them in {names}",
            **numbers,
            names=", ".join(beyond),
        )
    return say("randomised study: {recipes} spiking recipes, {trainings:,} trainings", **numbers)


def _worth(remedy: Remedy, rates: Rates | None) -> tuple[bool, bool, float]:
    if remedy.effect is None or rates is None:
        return (not remedy.applies, True, float(ORDER[remedy.id]))
    worse = max(0.0, rates.shifts[remedy.id].error - 1)
    return (not remedy.applies, False, worse - remedy.effect.prevented)


def _smaller_batch(run: Run, settings: Settings) -> Change:
    """A quarter of the batch, as in the study."""
    batch = settings.batch_size
    own = run.fact(FactName.BATCH_SIZE).number
    text = say("Train with a quarter of the batch.")
    if batch is None or own is None:
        return Change("smaller-batch", text, None, SETTING, say("The batch size is not known."))
    smaller = max(1, round(own / QUARTER))
    reason = say("A batch of {batch:.0f} is small already.", batch=batch) if batch < LEAST_BATCH * 2 else None
    text, code = _set(run, FactName.BATCH_SIZE, smaller, f"batch_size = {smaller}")
    return Change("smaller-batch", text, code, SETTING, reason)


def _more_data(_run: Run, settings: Settings) -> Change:
    size, batch = settings.dataset_size, settings.batch_size
    text = say("Collect five times as many demonstrations.")
    if size is None:
        return Change("more-data", text, None, DATA)
    text = say(
        "Collect demonstrations: {more:,.0f} samples instead of {size:,.0f}.", more=FIVEFOLD * size, size=size
    )
    full = say("Every update sees the whole dataset: more data would make a larger batch.")
    return Change("more-data", text, None, DATA, full if batch is not None and batch >= size else None)


def _weighted_sampling(run: Run, _settings: Settings) -> Change:
    text = say("Draw samples by their error: half of the probability by it, half uniform.")
    already = run.fact(FactName.SAMPLING).value == "weighted"
    reason = say("Samples are drawn by weight already.") if already else None
    return Change("weighted-sampling", text, line(run, "weighted_sampling"), LINE, reason)


def _lr_decay(run: Run, settings: Settings) -> Change:
    rate = run.fact(FactName.LEARNING_RATE).number or "learning_rate"
    decay = line(run, "decay_rate", rate=rate, steps=settings.updates or USUAL_STEPS)
    text, code = _set(run, FactName.LR_SCHEDULE, "cosine", decay)
    reason = say("The learning rate decays already.") if settings.decays else None
    return Change("lr-decay", text, code, SETTING, reason)


def _sigma_floor(run: Run, settings: Settings) -> Change:
    floor = settings.sigma_floor
    text, code = _set(run, FactName.SIGMA_MIN, FLOOR, line(run, "sigma_floor", floor=FLOOR))
    bound = say("Sigma is bounded at {floor:g} already.", floor=floor or 0.0)
    return Change(
        "sigma-floor", text, code, SETTING, bound if floor is not None and floor >= FLOOR / 2 else None
    )


def _grad_clip(run: Run, settings: Settings) -> Change:
    clip = settings.clip
    text, code = _set(run, FactName.GRAD_CLIP, CLIP, line(run, "clip_gradients", norm=CLIP))
    reason = say("Gradients are clipped at {clip:g} already.", clip=clip or 0.0)
    return Change("grad-clip", text, code, SETTING, reason if clip is not None and clip <= 2 * CLIP else None)


def _beta2(run: Run, settings: Settings) -> Change:
    beta2 = settings.beta2
    text, code = _set(run, FactName.BETA2, BETA2, line(run, "lower_beta2"))
    reason = say("Adam's beta2 is {beta2:g} already.", beta2=beta2 or 0.0)
    return Change("beta2", text, code, SETTING, reason if beta2 is not None and beta2 <= 0.97 else None)


def _action_noise(run: Run, _settings: Settings) -> Change:
    text = say(
        "Add fresh noise of {noise:g} (standard deviation, action units) to the actions of every batch.",
        noise=NOISE,
    )
    return Change("action-noise", text, line(run, "action_noise", noise=NOISE), LINE)


def _drop_dimension(run: Run, settings: Settings) -> Change:
    drop = advice.drop_dimension(run)
    unknown = say("Whether an action dimension is degenerate is not known: look at the actions.")
    none = say(
        "No action dimension is degenerate ({source}).", source=run.actions[0].source if run.actions else ""
    )
    reason = unknown if settings.degenerate is None else None if settings.degenerate else none
    return Change("drop-dimension", drop.text, drop.code, LINE, reason)


def _probe(run: Run, _settings: Settings) -> Change:
    text = say(
        "Log the loss of one fixed set of samples beside that of the batch: it tells a policy that moved "
        "from a batch that was hard."
    )
    return Change("probe", text, line(run, "probe"), LOGGED)


def _set(run: Run, name: FactName, value: float | str, code: str | None) -> tuple[Text, str | None]:
    """The change of one setting: in the run's own name for it where it has one, else the library's line."""
    fact = run.fact(name)
    *above, last = fact.source.rpartition(": ")[2].split(".")
    key = None if ": " not in fact.source else f"{above[-1]}[{last}]" if above and last.isdigit() else last
    shown = value if isinstance(value, str) else f"{value:g}"
    if fact.value is None or key is None:
        return say("Set {name} to {value}.", name=str(name), value=shown), code
    old = fact.value if isinstance(fact.value, str) else f"{fact.value:g}"
    return say("{key}: {old} -> {value}", key=key, old=old, value=shown), code or f"{key}: {shown}"


CHANGES: tuple[Callable[[Run, Settings], Change], ...] = (
    _sigma_floor,
    _grad_clip,
    _beta2,
    _smaller_batch,
    _action_noise,
    _lr_decay,
    _drop_dimension,
    _weighted_sampling,
    _more_data,
    _probe,
)
ORDER = MappingProxyType(
    {change.__name__.strip("_").replace("_", "-"): place for place, change in enumerate(CHANGES)}
)
