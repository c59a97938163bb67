"""Main jump: the reference's main jump, update by update, on its own batches and on the whole dataset.

It answers what a log cannot: was it the batch? At every update around the jump the same weights are judged on
the drawn batch, on 200 other random batches and on all transitions.
"""

import csv
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sample_runs.lab.collection import REFERENCE
from sample_runs.lab.interventions.base import Intervention

FIRST, LAST = 15_480, 15_560  # updates around the main jump
OTHER_BATCHES = 200


@dataclass(frozen=True)
class Moment:
    """The policy before one update.

    Attributes:
        batch_loss: Actor loss on the drawn batch, nats.
        dataset_loss: Actor loss on all transitions, nats.
        other_low: 1st percentile of the actor loss on other random batches, nats.
        other_high: 99th percentile.
        dataset_mse: Squared error on all transitions.
        log_std_mean: Over all transitions and dimensions.
        log_std_min: Over all transitions and dimensions.
        top_ten_share: Share of the dataset loss's rise since `FIRST` that ten transitions carry.
        gripper_share: Share of that rise that lies in the gripper's dimension.
    """

    step: int
    batch_loss: float
    dataset_loss: float
    other_low: float
    other_high: float
    dataset_mse: float
    log_std_mean: float
    log_std_min: float
    top_ten_share: float
    gripper_share: float


def moments() -> Iterator[Moment]:
    """Train the reference again up to `LAST`, looking closely from `FIRST` on."""
    import torch  # noqa: PLC0415  (the page that shows the outcome must not need torch)

    from sample_runs.lab.training import Training  # noqa: PLC0415

    training = Training(REFERENCE, Intervention())
    training.log.begin_session()
    for step in range(FIRST):
        training.update(step)
    generator = torch.Generator().manual_seed(0)
    before = None
    for step in range(FIRST, LAST):
        with torch.no_grad():
            judged = training.policy.likelihood(training.observations, training.actions)
        terms = judged.terms()
        losses = terms.sum(1)
        before = terms if before is None else before
        size = (OTHER_BATCHES, REFERENCE.batch_size)
        others = losses[torch.randint(len(losses), size, generator=generator)].mean(1)
        rise = terms - before
        total = rise.sum() if step > FIRST else 1.0
        batch_loss = float(training.update(step).nll)
        yield Moment(
            step,
            batch_loss,
            float(losses.mean()),
            float(others.quantile(0.01)),
            float(others.quantile(0.99)),
            float(judged.mse),
            float(judged.log_std.mean()),
            float(judged.log_std.min()),
            float(rise.sum(1).topk(10).values.sum() / total),
            float(rise[:, -1].sum() / total),
        )


def write(path: Path) -> None:
    """Write the moments as CSV, four decimals."""
    seen = list(moments())
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(Moment.__annotations__), lineterminator="\n")
        writer.writeheader()
        for moment in seen:
            writer.writerow({key: round(value, 4) for key, value in asdict(moment).items()})


def read(path: Path) -> list[Moment]:
    """The moments written by `write`."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    return [
        Moment(**{name: kind(line[name]) for name, kind in Moment.__annotations__.items()}) for line in lines
    ]
