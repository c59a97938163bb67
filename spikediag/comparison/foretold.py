"""What the model of the spike rate foretold of a change, against what was measured."""

import math
from collections.abc import Iterator

from spikediag.comparison.values import Foretold
from spikediag.model import Diagnosis, FactName, Run

# By how much a setting changes where a remedy was studied: the value after, or after over before.
DOSES = (
    ("smaller-batch", FactName.BATCH_SIZE, "times", 1 / 6, 1 / 3),
    ("more-data", FactName.DATASET_SIZE, "times", 3.5, 7.0),
    ("sigma-floor", FactName.SIGMA_MIN, "value", 0.025, 0.1),
    ("grad-clip", FactName.GRAD_CLIP, "value", 0.5, 2.0),
    ("beta2", FactName.BETA2, "value", 0.93, 0.97),
)
WORDS = (
    ("lr-decay", FactName.LR_SCHEDULE, "cosine"),
    ("weighted-sampling", FactName.SAMPLING, "weighted"),
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
    for remedy, name, how, low, high in DOSES:
        old, new = before.fact(name).number, after.fact(name).number
        if old == new or new is None:
            continue
        dose = new if how == "value" else new / old if old else math.nan
        yield remedy if low <= dose <= high else "unknown"
    for remedy, name, word in WORDS:
        old_word, new_word = before.fact(name).value, after.fact(name).value
        if old_word != new_word and new_word is not None:
            yield remedy if str(new_word).lower() == word else "unknown"
