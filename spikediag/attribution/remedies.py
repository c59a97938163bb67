"""Remedies: what can be changed in a run, each worded once, in the user's own setting names."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType

import numpy as np

from spikediag.attribution.advice import line
from spikediag.attribution.nll_levels import per_sum
from spikediag.attribution.run_facts import beta2, dims
from spikediag.model import (
    Advice,
    Effect,
    Fact,
    FactName,
    Finding,
    Kind,
    LossKind,
    Measure,
    Origin,
    Remedy,
    Role,
    Run,
    SettingChange,
    Status,
    Text,
    Tier,
    by_gravity,
    say,
)
from spikediag.rates import DOSES, FARTHEST, Observed, Rates, Settings, fitted
from spikediag.stats.medians import median
from spikediag.stats.sampling import RECOMMENDED, recommended_batch

FLOOR, CLIP, BETA2, NOISE = 0.05, 1.0, 0.95, 0.03  # as in the study
QUARTER, FIVEFOLD = 4, 5
LEAST_BATCH = 32
SHORT_MEMORY = 0.97  # a beta2 up to which Adam forgets soon enough
USUAL_STEPS = 20_000  # for a run whose length is not known
DECAYED = 0.5  # of the highest rate, at the end of a schedule that decays
LAST_SHARE, FEWEST_POINTS = 0.1, 10  # of the log, for the level of the error at its end
COUNTED = frozenset({Kind.TRANSIENT, Kind.TRAIN})
SHUFFLED = frozenset({"epochs", "shuffle", "without_replacement"})
WITH_REPLACEMENT = frozenset({"replacement", "uniform", "random"})
OF_ANY_LOSS = frozenset(
    {"lr-decay", "grad-clip", "beta2"}
)  # what is done to the optimizer; others need a policy's sigma
CONFIGURED = frozenset(
    {
        Origin.SETTINGS,
        Origin.HPARAMS,
        Origin.TEXT,
        Origin.BESIDE,
        Origin.ABOVE,
        Origin.ABOVE_TWO,
        Origin.ABOVE_THREE,
    }
)  # somebody's configuration: it has a name of their own for a setting, and a place to change it
SETTING, LINE, DATA, LOGGED = (
    say("one setting"),
    say("one line of code"),
    say("new demonstrations"),
    say("one line to log"),
)


def foresee(run: Run, findings: tuple[Finding, ...], rates: Rates | None = None) -> tuple[Remedy, ...]:
    """Every remedy: those that apply first, by what they prevent less what they cost in error.

    Args:
        run: The run.
        findings: What was found in it.
        rates: The model of the spike rate; by default the one that the laboratory fitted, if there is one.
    """
    rates = fitted() if rates is None else rates
    lead = next(iter(by_gravity(findings)), None)
    settings = settings_of(run)
    unknown = _unknown(run, lead, settings, rates)
    foreseen = _Foreseen(settings, _observed(run, findings, lead), rates if unknown is None else None)
    has_sigma = any(run.has_sigma(loss) for loss in run.having(Role.LOSS))
    proposed = [_remedy(id_, run, foreseen, unknown) for id_ in PROPOSALS if has_sigma or id_ in OF_ANY_LOSS]
    return tuple(sorted(proposed, key=_order))


def applying(run: Run) -> tuple[Advice, ...]:
    """What can be changed in a run against the spikes of a likelihood, in the order of the study."""
    return run.once(_applying)


def _applying(run: Run) -> tuple[Advice, ...]:
    settings = settings_of(run)
    return tuple(
        p.advise(run) for id_, p in PROPOSALS.items() if id_ != "probe" and p.hindrance(run, settings) is None
    )


def not_yet_done(run: Run, *wanted: str) -> tuple[Advice, ...]:
    """Those of some remedies that the run has not taken already, and taken further."""
    settings = settings_of(run)
    return tuple(PROPOSALS[id_].advise(run) for id_ in wanted if not PROPOSALS[id_].hindrance(run, settings))


def settings_of(run: Run) -> Settings:
    """What the configuration and the log say of the settings that spikes depend on."""
    sampling = str(run.fact(FactName.SAMPLING).value).lower()
    log_floor = run.fact(FactName.LOG_STD_MIN).number
    floor = run.fact(FactName.SIGMA_MIN).number
    clip = run.fact(FactName.GRAD_CLIP)
    return Settings(
        batch_size=run.batch_size.number,
        dataset_size=run.fact(FactName.DATASET_SIZE).number,
        updates=run.updates(),
        learning_rate=run.fact(FactName.LEARNING_RATE).number,
        decays=_decays(run),
        beta2=run.fact(FactName.BETA2).number,
        sigma_floor=floor if floor is not None and floor > 0 else log_floor and math.exp(min(log_floor, 0.0)),
        clip=math.inf if str(clip.value).lower() == "none" and clip.value is not None else clip.number,
        weight_decay=run.fact(FactName.WEIGHT_DECAY).number,
        dropout=run.fact(FactName.DROPOUT).number,
        width=run.fact(FactName.HIDDEN_UNITS).number,
        action_dims=run.fact(FactName.ACTION_DIM).number,
        degenerate=any(d.degenerate for d in run.actions) if run.actions else None,
        shuffled=sampling in SHUFFLED if sampling in SHUFFLED | WITH_REPLACEMENT else None,
    )


def _decays(run: Run) -> bool | None:
    for series in run.having(Role.LEARNING_RATE):
        _, values = series.numbers
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
    if rates is None:
        return say("What it does to the rate of spikes has not been measured yet.")
    if lead is None or lead.spike.is_fall:
        return say("There is no spike to prevent.")
    if lead.spike.kind not in COUNTED:
        return say("The study counted spikes that come back; this is a {kind}.", kind=lead.spike.kind.value)
    if run.loss_kind(run.series[lead.spike.tag]) is not LossKind.LIKELIHOOD:
        return say("The study trained on likelihoods; {tag} is not known to be one.", tag=lead.spike.tag)
    cause = lead.primary
    if cause is not None and cause.tier is Tier.TRIGGER and cause.status is Status.SUPPORTED:
        return say("In the study nothing set the spikes off; here {cause} did.", cause=cause.cause)
    return _outside(run, settings, rates)


def _outside(run: Run, settings: Settings, rates: Rates) -> Text | None:
    """Why the study does not speak of a run with these settings; None where it does."""
    optimizer = run.fact(FactName.OPTIMIZER).value
    if optimizer is not None and "adam" not in str(optimizer).lower():
        return say("The study trained with Adam, this run with {optimizer}.", optimizer=str(optimizer))
    if settings.batch_size is None or settings.dataset_size is None:
        return say("Batch and dataset are not both known, so nobody can tell whether the study speaks of it.")
    far = [name for name, excess in rates.beyond(settings).items() if excess > FARTHEST]
    return say("Too far from what was studied: {names}.", names=", ".join(far)) if far else None


@dataclass(frozen=True)
class _Foreseen:
    """What effects are predicted from; without a model, none is."""

    settings: Settings
    observed: Observed | None
    rates: Rates | None

    def effect(self, remedy: str, rates: Rates) -> Effect:
        """The share of the spikes that a remedy prevents, and what it did to the error."""
        updates, shift = self.settings.updates or USUAL_STEPS, rates.shifts[remedy]
        predicted = rates.effect(remedy, self.settings, updates, self.observed)
        return Effect(
            predicted.median,
            predicted.low,
            predicted.high,
            _source(rates, remedy, self.settings),
            shift.error,
            shift.error_low,
            shift.error_high,
        )


def _remedy(id_: str, run: Run, foreseen: _Foreseen, unknown: Text | None) -> Remedy:
    proposal = PROPOSALS[id_]
    advice = proposal.advise(run)
    hindrance = proposal.hindrance(run, foreseen.settings)
    rates = foreseen.rates
    if hindrance is not None or rates is None or id_ not in rates.shifts:
        reason = hindrance or unknown or say("It shows what happens and prevents nothing.")
        return Remedy(id_, advice, None, proposal.effort, hindrance is None, reason)
    if not _studied(id_, advice, run):
        return Remedy(
            id_, advice, None, proposal.effort, True, say("The study tried it at another dose only.")
        )
    reason = say("The study tried it on {recipes} spiking recipes.", recipes=rates.shifts[id_].recipes)
    return Remedy(id_, advice, foreseen.effect(id_, rates), proposal.effort, True, reason)


def _studied(id_: str, advice: Advice, run: Run) -> bool:
    """Whether the study tried about this dose."""
    change = advice.change
    if id_ not in DOSES or change is None or isinstance(change.value, str):
        return True
    low, high = DOSES[id_]
    dose = math.exp(change.value) if change.name is FactName.LOG_STD_MIN else change.value
    if id_ == "smaller-batch":
        dose /= run.fact(FactName.BATCH_SIZE).number or QUARTER * dose
    return low <= dose <= high


def _source(rates: Rates, remedy: str, settings: Settings) -> Text:
    numbers = {"recipes": rates.shifts[remedy].recipes, "trainings": rates.trainings}
    studied = say(
        "randomised study: {recipes} spiking recipes, {trainings:,} trainings of small networks", **numbers
    )
    if beyond := rates.beyond(settings):
        return say(
            "{studied}; wider, as this run lies outside them in {names}",
            studied=studied,
            names=", ".join(beyond),
        )
    return studied


def _order(remedy: Remedy) -> tuple[bool, bool, float, int]:
    """What applies, then what prevents more for the error it costs, in whole percent as it is shown."""
    gained = 0.0
    if remedy.effect is not None:
        gained = remedy.effect.prevented - max(0.0, remedy.effect.error - 1)
    return (not remedy.applies, remedy.effect is None, -round(gained, 2), remedy.advice.rank)


def _once_a_run(advise: Callable[[Run], Advice]) -> Callable[[Run], Advice]:
    """Advice that several causes give for every finding, worked out once."""

    @wraps(advise)
    def known(run: Run) -> Advice:
        return run.once(advise)

    return known


@_once_a_run
def smaller_batch(run: Run) -> Advice:
    """A batch of 10 to 20 % of the dataset, else a quarter; accumulation and workers stay as they are."""
    batch, own = run.batch, run.fact(FactName.BATCH_SIZE).number
    if batch is None:
        return _changing(run, "smaller-batch", say("Train with a quarter of the batch."))
    span = recommended_batch(batch.dataset)
    size = span.power_of_two or span.high
    low, high = DOSES["smaller-batch"]
    within = batch.ratio > RECOMMENDED[1] and (low <= size / batch.samples <= high or own is None)
    size = size if within else max(1, round(batch.samples / QUARTER))
    parts = max(1, round(batch.samples / (own or batch.samples)))
    numbers = {"batch": batch.samples, "size": size, "ratio": size / batch.dataset}
    text = say(
        "Use a batch of {size} instead of {batch:.0f}, a quarter of it: {ratio:.0%} of the dataset.",
        **numbers,
    )
    if batch.ratio > RECOMMENDED[1]:
        text = say(
            "Use a batch of {low} to {high} (10 to 20 % of {dataset:.0f} samples; {size} is {ratio:.0%}) "
            "instead of {batch:.0f}: at the same number of steps every sample is used {fewer:.1f} times "
            "less.",
            **numbers,
            low=span.low,
            high=span.high,
            dataset=batch.dataset,
            fewer=batch.samples / size,
        )
    part = max(1, size // parts)
    code = f"batch_size = {part}" if parts == 1 else f"batch_size = {part}  # of {parts} parts"
    return _changing(run, "smaller-batch", text, code, (FactName.BATCH_SIZE, part))


@_once_a_run
def sigma_floor(run: Run) -> Advice:
    """A floor under sigma: half the error per dimension where that is known, no higher than was studied."""
    floor = _floor(run)
    name, value = FactName.SIGMA_MIN, floor
    if run.fact(FactName.SIGMA_MIN).number is None and run.fact(FactName.LOG_STD_MIN).number is not None:
        name, value = FactName.LOG_STD_MIN, float(f"{math.log(floor):.2g}")
    text = say(
        "Bound sigma from below, at {floor:g}: an error of e then costs at most e^2 / (2 x {floor:g}^2) "
        "nats per dimension, and sharpening further earns nothing.",
        floor=floor,
    )
    return _changing(run, "sigma-floor", text, line(run, "sigma_floor", floor=floor), (name, value))


def _floor(run: Run) -> float:
    d, most = dims(run), DOSES["sigma-floor"][1]
    for error in run.having(Role.COMPANION):
        _, values = error.numbers
        if error.measure is not Measure.SQUARED_ERROR or len(values) < FEWEST_POINTS or d is None:
            continue
        mse = median(values[-max(FEWEST_POINTS, int(LAST_SHARE * len(values))) :]) * per_sum(error, d)
        if mse > 0:
            return min(_one_digit(0.5 * math.sqrt(mse / d)), most)
    return FLOOR


@_once_a_run
def decay_rate(run: Run) -> Advice:
    """A learning-rate decay to zero over the length of this run."""
    steps = int(run.updates() or run.last_step or USUAL_STEPS)
    text = say(
        "Let the learning rate decay to zero over the {steps:,} steps: late steps then cannot overshoot.",
        steps=steps,
    )
    code = line(run, "decay_rate", rate=_rate(run), steps=steps)
    return _changing(run, "lr-decay", text, code, (FactName.LR_SCHEDULE, "cosine"))


def lower_beta2(run: Run) -> Advice:
    """A shorter memory of Adam's second moment."""
    decay = beta2(run)
    stated = run.fact(FactName.BETA2).number == decay
    known = say("{beta2:g}", beta2=decay) if stated else say("{beta2:g} (assumed)", beta2=decay)
    text = say(
        "Lower Adam's beta2 from {beta2} to 0.95: its step size then follows a sudden gradient within "
        "20 steps instead of {memory:,.0f}.",
        beta2=known,
        memory=1 / (1 - decay),
    )
    return _changing(run, "beta2", text, line(run, "lower_beta2"), (FactName.BETA2, BETA2))


def clip_gradients(run: Run, limit: float | None = None) -> Advice:
    """Gradient clipping: for a likelihood at 1 as in the study, else at a norm that this run shows.

    Args:
        run: The run; in the study norms in the hundreds were clipped at 1: Adam does not mind the scale.
        limit: A norm of calm times, where it is logged.
    """
    studied = LossKind.LIKELIHOOD in run.loss_kinds or not limit or limit <= 0
    norm = CLIP if studied or limit is None else _one_digit(limit)
    text = say(
        "Clip the gradient norm at {norm:g}, so that one batch cannot throw the weights far.", norm=norm
    )
    code = line(run, "clip_gradients", norm=norm)
    return _changing(run, "grad-clip", text, code, (FactName.GRAD_CLIP, norm))


def more_data(run: Run) -> Advice:
    """Five times the demonstrations."""
    size = run.fact(FactName.DATASET_SIZE).number
    text = say("Collect five times as many demonstrations. Good for the policy, but no sure cure.")
    if size is not None:
        text = say(
            "Collect more data: {more:,.0f} samples instead of {size:,.0f}. Good for the policy, but no sure "
            "cure.",
            more=FIVEFOLD * size,
            size=size,
        )
    return _changing(run, "more-data", text)


def weighted_sampling(run: Run) -> Advice:
    """Sampling by error; it does not touch what makes the loss sharp."""
    text = say(
        "Weight the sampling by each sample's error, if a few samples are much harder than the rest; try "
        "it after the others."
    )
    return _changing(run, "weighted-sampling", text, line(run, "weighted_sampling"))


def action_noise(run: Run) -> Advice:
    """Noise that keeps sigma from collapsing."""
    text = say(
        "Add fresh noise of {noise:g} (standard deviation, action units) to the actions of every batch.",
        noise=NOISE,
    )
    return _changing(run, "action-noise", text, line(run, "action_noise", noise=NOISE))


def drop_dimension(run: Run) -> Advice:
    """A degenerate action dimension taken out of the Gaussian."""
    text = say(
        "Take an action dimension that is constant, has two values only or is mostly zero out of the "
        "Gaussian: drop it, or give it a head of its own."
    )
    return _changing(run, "drop-dimension", text, line(run, "drop_dimension"))


def probe(run: Run) -> Advice:
    """The loss of a fixed set of samples."""
    text = say(
        "Log the loss of one fixed set of samples beside that of the batch: it tells a policy that moved "
        "from a batch that was hard."
    )
    return _changing(run, "probe", text, line(run, "probe"))


def _changing(
    run: Run,
    id_: str,
    text: Text,
    code: str | None = None,
    setting: tuple[FactName, str | float] | None = None,
) -> Advice:
    """Advice that changes one setting: in the run's own name for it where that was read, else as code."""
    rank = 1 + tuple(PROPOSALS).index(id_)
    if setting is None:
        return Advice(text, code, rank, id_)
    fact = run.fact(setting[0])
    was, shown = _shown(fact.value), _shown(setting[1])
    if fact.origin not in CONFIGURED or was == shown:
        return Advice(text, code, rank, id_, SettingChange(*setting))
    key = _own_name(fact)
    change = SettingChange(*setting, f"{key}: {was} -> {shown}", fact.source.rpartition(": ")[0] or None)
    return Advice(text, code or f"{key}: {shown}", rank, id_, change)


def _own_name(fact: Fact) -> str:
    """The name that the configuration has for a setting: `actor.std_min`, `betas[1]`."""
    *above, last = fact.source.rpartition(": ")[2].split(".")
    return f"{'.'.join(above)}[{last}]" if above and last.isdigit() else ".".join((*above, last))


def _shown(value: str | float | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _rate(run: Run) -> float | str:
    """The learning rate as it is stated, else the highest that was logged, else its name."""
    stated = run.fact(FactName.LEARNING_RATE).number
    logged = (float(np.max(s.values[s.finite])) for s in run.having(Role.LEARNING_RATE) if s.finite.any())
    return stated or float(f"{next(logged, 0.0):.6g}") or "learning_rate"


def _one_digit(value: float) -> float:
    return float(f"{value:.1g}")


def _batch_is_small(run: Run, settings: Settings) -> Text | None:
    batch = settings.batch_size
    if batch is None or run.batch is None:
        return say("Batch or dataset is not known.")
    small = batch < 2 * LEAST_BATCH
    return say("A batch of {batch:.0f} is small already.", batch=batch) if small else None


def _batch_is_all(_run: Run, settings: Settings) -> Text | None:
    size, batch = settings.dataset_size, settings.batch_size
    full = size is not None and batch is not None and batch >= size
    return say("Every update sees the whole dataset: more data would make a larger batch.") if full else None


def _is_weighted(run: Run, _settings: Settings) -> Text | None:
    already = run.fact(FactName.SAMPLING).value == "weighted"
    return say("Samples are drawn by weight already.") if already else None


def _has_decay(_run: Run, settings: Settings) -> Text | None:
    return say("The learning rate decays already.") if settings.decays else None


def _has_floor(run: Run, settings: Settings) -> Text | None:
    floor = settings.sigma_floor
    bound = floor is not None and floor >= _floor(run) / 2
    return say("Sigma is bounded at {floor:g} already.", floor=floor) if floor is not None and bound else None


def _is_clipped(_run: Run, settings: Settings) -> Text | None:
    clip = settings.clip
    if clip is None or clip > 2 * CLIP:
        return None
    return say("Gradients are clipped at {clip:g} already.", clip=clip)


def _forgets(_run: Run, settings: Settings) -> Text | None:
    stated = settings.beta2
    if stated is None or stated > SHORT_MEMORY:
        return None
    return say("Adam's beta2 is {beta2:g} already.", beta2=stated)


def _none_degenerate(run: Run, settings: Settings) -> Text | None:
    if settings.degenerate is None:
        return say("Whether an action dimension is degenerate is not known: look at the actions.")
    if settings.degenerate:
        return None
    return say("No action dimension is degenerate ({source}).", source=run.actions[0].source)


def _nothing(_run: Run, _settings: Settings) -> Text | None:
    return None


@dataclass(frozen=True)
class _Proposal:
    """A remedy for any run: the change, why it may not apply, and what it takes."""

    advise: Callable[[Run], Advice]
    hindrance: Callable[[Run, Settings], Text | None]
    effort: Text


# In the order of what they prevented in the study, those last that cost much or prevented little.
PROPOSALS = MappingProxyType(
    {
        "sigma-floor": _Proposal(sigma_floor, _has_floor, SETTING),
        "grad-clip": _Proposal(clip_gradients, _is_clipped, SETTING),
        "beta2": _Proposal(lower_beta2, _forgets, SETTING),
        "smaller-batch": _Proposal(smaller_batch, _batch_is_small, SETTING),
        "action-noise": _Proposal(action_noise, _nothing, LINE),
        "lr-decay": _Proposal(decay_rate, _has_decay, SETTING),
        "drop-dimension": _Proposal(drop_dimension, _none_degenerate, LINE),
        "weighted-sampling": _Proposal(weighted_sampling, _is_weighted, LINE),
        "more-data": _Proposal(more_data, _batch_is_all, DATA),
        "probe": _Proposal(probe, _nothing, LOGGED),
    }
)
