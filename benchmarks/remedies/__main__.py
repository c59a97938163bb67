"""Are the effects predicted for remedies true? `python -m benchmarks.remedies` asks the test recipes.

A test recipe of the randomised study was never fitted on. Its first training stands for the run a user has:
settings and a count of spikes. What was predicted from these for each remedy is held against what two other
seeds measured, unchanged and remedied. `--development` does the same on the recipes that were fitted on.

The reference training of the laboratory lies outside what was studied; what one change at a time did to it is
held against the predictions too.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from sample_runs.lab import study
from sample_runs.lab.randomised_study import AGAIN, FIRST, REMEDIES, RESULTS, UNCHANGED, Trained, read
from sample_runs.lab.rate_fit import settings, usable
from spikediag.rates import Interval, Observed, Rates, Settings, fitted

README = Path(__file__).with_name("README.md")
PLACES = {name: (f"<!-- {name} -->\n", f"<!-- /{name} -->") for name in ("results", "outside")}
WANTED_COVERAGE, WANTED_RANKING = 0.75, 0.90


@dataclass(frozen=True)
class Tried:
    """A remedy of one recipe: the predicted effect and the measured one, shares of the spikes."""

    recipe: int
    remedy: str
    predicted: Interval
    measured: float

    @property
    def covered(self) -> bool:
        return self.predicted.low <= self.measured <= self.predicted.high

    @property
    def width(self) -> float:
        return self.predicted.high - self.predicted.low


def tried(trainings: Sequence[Trained], rates: Rates, *, test: bool) -> Iterator[Tried]:
    """Every effect that two seeds a side measured; none of a recipe that has no spike unchanged."""
    known = {trained.key: trained for trained in usable(trainings)}
    for first in (t for t in known.values() if t.remedy == FIRST and bool(t.test) is test):
        before = [known.get((first.recipe, UNCHANGED, seed)) for seed in AGAIN]
        unchanged = [t.spikes for t in before if t is not None]
        if len(unchanged) < len(AGAIN) or not sum(unchanged):
            continue
        for remedy in REMEDIES:
            after = [known.get((first.recipe, remedy, seed)) for seed in AGAIN]
            left = [t.spikes for t in after if t is not None]
            if len(left) == len(AGAIN) and remedy in rates.shifts:
                seen = Observed(first.spikes, first.exposure)
                predicted = rates.effect(remedy, settings(first), first.exposure, seen)
                yield Tried(first.recipe, remedy, predicted, 1 - sum(left) / sum(unchanged))


def outside(rates: Rates) -> list[Tried]:
    """What was foretold of the reference training, and what three seeds a side measured."""
    recipe = study.SETTINGS[study.REFERENCE]
    known = Settings(
        batch_size=recipe.batch_size,
        dataset_size=recipe.dataset_size,
        updates=recipe.train_steps,
        learning_rate=recipe.learning_rate,
        decays=False,
        beta2=recipe.beta2,
        sigma_floor=recipe.std_min,
        clip=math.inf,
        weight_decay=recipe.weight_decay,
        dropout=recipe.dropout,
        width=recipe.hidden,
        action_dims=recipe.task.action_dim,
        degenerate=True,
        action_noise=0.0,
        shuffled=False,
    )
    seen = Observed(study.trainings(study.REFERENCE)[0].spikes, recipe.train_steps)
    return [
        Tried(
            0, remedy, rates.effect(remedy, known, recipe.train_steps, seen), 1 - study.ratio(setting).value
        )
        for remedy, setting in study.REMEDIES.items()
    ]


def outside_table(results: Sequence[Tried]) -> str:
    """The reference training in Markdown, a row for each remedy."""
    lines = ["| remedy | foretold (80 %) | measured | inside |", "|---|--:|--:|---|"]
    for one in results:
        foretold = f"{one.predicted.median:.2f} ({one.predicted.low:.2f} to {one.predicted.high:.2f})"
        lines.append(f"| {one.remedy} | {foretold} | {one.measured:.2f} | {'yes' if one.covered else 'no'} |")
    return "\n".join(lines) + "\n"


def write(name: str, said: str) -> None:
    """Replace one part of the page."""
    start, end = PLACES[name]
    before, _, rest = README.read_text(encoding="utf-8").partition(start)
    README.write_text(before + start + said + end + rest.partition(end)[2], encoding="utf-8")


def ranked_right(of_recipe: Sequence[Tried]) -> bool:
    """Whether the remedy that is predicted to be the best was measured among the best two."""
    best = max(of_recipe, key=lambda one: one.predicted.median)
    return sum(one.measured > best.measured for one in of_recipe) < 2


def table(results: Sequence[Tried]) -> str:
    """The results in Markdown, a row for each remedy and one for all."""
    lines = [
        "| remedy | recipes | predicted (median) | measured (mean) | in the 80 % interval | its mean width |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name in (*REMEDIES, "all"):
        of = [one for one in results if name in {one.remedy, "all"}]
        if of:
            shown = (mean(one.predicted.median for one in of), mean(one.measured for one in of))
            ends = f"{mean(one.covered for one in of):.0%} | {mean(one.width for one in of):.2f}"
            lines.append(f"| {name} | {len(of)} | {shown[0]:.2f} | {shown[1]:.2f} | {ends} |")
    return "\n".join(lines) + "\n"


def ranking(results: Sequence[Tried]) -> tuple[int, int]:
    """Recipes whose best predicted remedy is among the measured best two, and all recipes."""
    recipes = dict.fromkeys(one.recipe for one in results)
    right = [ranked_right([one for one in results if one.recipe == recipe]) for recipe in recipes]
    return sum(right), len(right)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.remedies", description=__doc__)
    parser.add_argument("--development", action="store_true", help="the recipes that were fitted on")
    parser.add_argument("--table", type=Path, default=RESULTS, help="the trainings; the study's by default")
    arguments = parser.parse_args()
    rates = fitted()
    if rates is None:
        raise SystemExit("the model is not fitted yet: python -m sample_runs.lab fit-rates")
    results = list(tried(read(arguments.table), rates, test=not arguments.development))
    if not results:
        raise SystemExit("no recipe of this part of the study has been trained again")
    right, recipes = ranking(results)
    covered = mean(one.covered for one in results)
    said = (
        f"{len(results)} effects in {recipes} recipes: {covered:.0%} lie in their 80 % interval (wanted: "
        f"{WANTED_COVERAGE:.0%}). The best predicted remedy is among the measured best two in {right} of "
        f"{recipes} (wanted: {WANTED_RANKING:.0%}).\n"
    )
    print(table(results) + "\n" + said)
    far = outside_table(outside(rates))
    print(far)
    if not arguments.development:
        write("results", table(results) + "\n" + said)
        write("outside", far)


if __name__ == "__main__":
    main()
