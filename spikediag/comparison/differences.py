"""What else differs between the sides, the likeliest explanation first, and what was foretold of it."""

import math
from collections.abc import Iterator, Sequence

from spikediag.comparison.values import ConditionChange, Difference, Foretold
from spikediag.model import Condition, Diagnosis, FactName, Run, say
from spikediag.rates import DOSES

SIGMA = say("A floor under sigma caps what one small error can cost in nats.")
BATCH = say("The batch sets how often every sample is used, and the noise of the gradient.")
PACE = say("The learning rate sets how far one step goes, and a decay shortens the late ones.")
ADAM = say("The optimizer's memory sets how large a step follows a quiet stretch.")
REGULAR = say("Regularisation keeps sigma from collapsing onto the training samples.")
CLIP = say("A clip bounds the step that one gradient can make.")
SAMPLES = say("More samples are memorised later.")
DRAW = say("How samples are drawn decides which of them meet in a batch.")
PROBLEM = say("The loss sums over action dimensions: another number is another loss.")
LENGTH = say("Both sides are cut to the same window; a schedule may still depend on the length.")
SEEN = say("It changes how many spikes are seen, not how many there are.")
CHANCE = say("Chance: only several seeds a side tell it from an effect.")
OTHER = say("No effect on spikes is known.")

# In about the order of the effect that each had on the number of spikes in the studies of sample_runs (README
# there), then what was not measured; length, logging and seed come last, as they explain without a cause.
REASONS = {
    "sigma_min": SIGMA,
    "log_std_min": SIGMA,
    "grad_clip": CLIP,
    "beta2": ADAM,
    "batch_size": BATCH,
    "effective_batch_size": BATCH,
    "lr_schedule": PACE,
    "learning_rate": PACE,
    "optimizer": ADAM,
    "beta1": ADAM,
    "dropout": REGULAR,
    "weight_decay": REGULAR,
    "gradient_accumulation": BATCH,
    "world_size": BATCH,
    "dataset_size": SAMPLES,
    "sampling": DRAW,
    "action_dim": PROBLEM,
    "train_steps": LENGTH,
    "log_every": SEEN,
    "seed": CHANCE,
}
RANKS = {name: rank for rank, name in enumerate(REASONS, 1)}

# How the dose of a remedy is read from a setting: its value after, or after over before.
HOW = (
    ("smaller-batch", FactName.BATCH_SIZE, "times"),
    ("more-data", FactName.DATASET_SIZE, "times"),
    ("sigma-floor", FactName.SIGMA_MIN, "value"),
    ("grad-clip", FactName.GRAD_CLIP, "value"),
    ("beta2", FactName.BETA2, "value"),
)
WORDS = (
    ("lr-decay", FactName.LR_SCHEDULE, "cosine"),
    ("weighted-sampling", FactName.SAMPLING, "weighted"),
)


def differences(before: Sequence[Diagnosis], after: Sequence[Diagnosis]) -> tuple[Difference, ...]:
    """The facts whose values differ, those that could explain most first.

    What one run does not say is not known to differ, and is left out.
    """
    names = {name for d in (*before, *after) for name in d.run.facts}
    found = (_difference(name, _values(before, name), _values(after, name)) for name in names)
    return tuple(sorted((d for d in found if d is not None), key=lambda d: (d.rank, d.name)))


def condition_changes(before: Diagnosis, after: Diagnosis) -> tuple[ConditionChange, ...]:
    """Every condition that was judged on either side, in alphabetical order."""
    return tuple(
        _conditions({c.condition: c for c in before.conditions}, {c.condition: c for c in after.conditions})
    )


def _difference(name: str, before: str | None, after: str | None) -> Difference | None:
    if before is None or after is None or before == after:
        return None
    rank = RANKS.get(name, RANKS["train_steps"])
    return Difference(name, before, after, rank, REASONS.get(name, OTHER))


def _values(diagnoses: Sequence[Diagnosis], name: FactName) -> str | None:
    """The values of a fact on one side; None where a run does not say."""
    values = [d.run.fact(name).value for d in diagnoses]
    if any(value is None for value in values):
        return None
    return ", ".join(sorted({f"{v:g}" if isinstance(v, float) else str(v) for v in values}))


def _conditions(before: dict[str, Condition], after: dict[str, Condition]) -> Iterator[ConditionChange]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        yield ConditionChange(
            condition=name,
            before=old.status.value if old else "",
            after=new.status.value if new else "",
            before_reading=old.reading if old else None,
            after_reading=new.reading if new else None,
        )


def foretold(before: Diagnosis, after: Diagnosis, ratio: float) -> Foretold | None:
    """The prediction beside the measured effect; None unless one remedy at its studied dose is what changed.

    Args:
        before: The training that spiked, with its remedies.
        after: The one that was changed.
        ratio: Rate of spikes after over before, as counted.
    """
    made = tuple(_made(before.run, after.run))
    effects = {remedy.id: remedy.effect for remedy in before.remedies}
    if len(made) != 1 or math.isnan(ratio):
        return None
    effect = effects.get(made[0])
    return None if effect is None else Foretold(made[0], effect.prevented, effect.low, effect.high, 1 - ratio)


def _made(before: Run, after: Run) -> Iterator[str]:
    """Each remedy that was made; a setting that changed to what was not studied counts as an unknown one."""
    for remedy, name, how in HOW:
        old, new = before.fact(name).number, after.fact(name).number
        if old == new or new is None:
            continue
        low, high = DOSES[remedy]
        dose = new if how == "value" else new / old if old else math.nan
        yield remedy if low <= dose <= high else "unknown"
    for remedy, name, word in WORDS:
        old_word, new_word = before.fact(name).value, after.fact(name).value
        if old_word != new_word and new_word is not None:
            yield remedy if str(new_word).lower() == word else "unknown"
