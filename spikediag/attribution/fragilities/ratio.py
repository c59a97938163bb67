"""batch-ratio: how large a part of the dataset one batch is."""

import shlex

from spikediag.attribution import remedies
from spikediag.attribution.settings import batch_and_dataset
from spikediag.model import Advice, Condition, FactName, Run, Status, say

FLAGGED_ABOVE = 0.50  # the user's rule, confirmed by the measured study
RECOMMENDED_UP_TO = 0.20


def batch_ratio(run: Run) -> Condition:
    """The ratio and the rule it breaks or keeps."""
    both = batch_and_dataset(run)
    if both is None:
        return _unknown(run)
    batch, dataset = both[0].number or 1.0, both[1].number or 1.0
    ratio = batch / dataset
    if ratio > FLAGGED_ABOVE:
        reading = say(
            "Batch {batch:.0f} of {dataset:.0f} samples is {ratio:.0%}, above {limit:.0%}: flagged; 10 to 20 "
            "% is recommended.",
            batch=batch,
            dataset=dataset,
            ratio=ratio,
            limit=FLAGGED_ABOVE,
        )
        advice = (remedies.smaller_batch(batch, dataset), remedies.more_samples(batch, dataset))
        return Condition("batch-ratio", Status.SUPPORTED, reading, ratio, advice)
    if ratio > RECOMMENDED_UP_TO:
        reading = say(
            "Batch {batch:.0f} of {dataset:.0f} samples is {ratio:.0%}: below the limit of {limit:.0%}, "
            "above the recommended 10 to 20 %.",
            batch=batch,
            dataset=dataset,
            ratio=ratio,
            limit=FLAGGED_ABOVE,
        )
        return Condition(
            "batch-ratio", Status.PLAUSIBLE, reading, ratio, (remedies.smaller_batch(batch, dataset),)
        )
    reading = say(
        "Batch {batch:.0f} of {dataset:.0f} samples is {ratio:.1%}: within the rule (at most {limit:.0%}).",
        batch=batch,
        dataset=dataset,
        ratio=ratio,
        limit=RECOMMENDED_UP_TO,
    )
    return Condition("batch-ratio", Status.RULED_OUT, reading, ratio)


def _unknown(run: Run) -> Condition:
    names = [n for n in (FactName.BATCH_SIZE, FactName.DATASET_SIZE) if run.fact(n).number is None]
    flags = " ".join(f"--{name.replace('_', '-')} N" for name in names)
    return Condition(
        "batch-ratio",
        Status.NOT_CHECKABLE,
        say("Unknown: {names} not found beside the run.", names=", ".join(names)),
        None,
        (
            Advice(
                say("Give {names} on the command line or in spikediag.toml.", names=", ".join(names)),
                f"spikediag analyze {shlex.quote(run.path)} {flags}",
            ),
        ),
    )
