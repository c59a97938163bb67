"""The randomised study on paper: what the spikes depend on, and what each remedy left of them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean, median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from sample_runs.lab.randomised_study import AGAIN, FIRST, LAST_ACTIONS, REMEDIES, SPIKING, UNCHANGED, Trained

PER = 10_000  # updates
BARE, GUARDED, CALM = "#c0392b", "#1f5fa8", "#6b8e23"
Level = tuple[str, Callable[[Trained], bool]]


def between(name: str, low: float, high: float) -> Callable[[Trained], bool]:
    """Whether a setting lies in [low, high)."""
    return lambda trained: low <= getattr(trained, name) < high


def is_bare(trained: Trained) -> bool:
    """Whether the recipe has a degenerate dimension and nothing of what may prevent spikes."""
    guards = (trained.beta2 < 0.999, trained.std_min > 1e-5, trained.max_grad_norm, trained.dropout)
    return trained.last_action != "none" and not any(
        (*guards, trained.action_noise, trained.schedule == "cosine")
    )


BARE_LEVELS: tuple[Level, ...] = (
    ("batch below 128", between("batch_size", 0, 128)),
    ("batch 128 to 191", between("batch_size", 128, 192)),
    ("batch 192 to 255", between("batch_size", 192, 256)),
    ("batch 256 to 384", between("batch_size", 256, 385)),
    ("batch / N below 0.2", lambda t: ratio(t) < 0.2),
    ("batch / N 0.2 to 0.5", lambda t: 0.2 <= ratio(t) < 0.5),
    ("batch / N 0.5 and above, not 1", lambda t: 0.5 <= ratio(t) < 1),
    ("batch / N 1", lambda t: ratio(t) == 1),
    ("learning rate below 2e-4", between("learning_rate", 0, 2e-4)),
    ("learning rate 2e-4 to 4e-4", between("learning_rate", 2e-4, 4e-4)),
    ("learning rate 4e-4 to 8e-4", between("learning_rate", 4e-4, 8e-4)),
    ("learning rate 8e-4 and above", between("learning_rate", 8e-4, 1)),
    ("last action a gripper at -1 or 1", lambda t: t.last_action == "gripper"),
    ("last action mostly zero", lambda t: t.last_action == "presses"),
    ("last action constant", lambda t: t.last_action == "constant"),
    ("24 hidden units", between("hidden", 24, 25)),
    ("32 hidden units", between("hidden", 32, 33)),
    ("48 hidden units", between("hidden", 48, 49)),
    ("drawn with replacement", lambda t: t.sampling == "replacement"),
    ("shuffled epochs", lambda t: t.sampling == "epochs" and not t.full_batch),
    ("full batch", lambda t: bool(t.full_batch)),
)
WIDE_LEVELS: tuple[Level, ...] = (
    ("no degenerate dimension", lambda t: t.last_action == "none"),
    ("a degenerate dimension, and:", lambda t: t.last_action != "none"),
    ("- nothing that may prevent spikes", is_bare),
    ("- a cosine decay", lambda t: t.last_action != "none" and t.schedule == "cosine"),
    ("- beta2 0.95 to 0.99", lambda t: t.last_action != "none" and t.beta2 < 0.999),
    ("- a sigma floor of 0.001 to 0.1", lambda t: t.last_action != "none" and t.std_min > 1e-5),
    ("- a clipped gradient norm", lambda t: t.last_action != "none" and t.max_grad_norm > 0),
    ("- noise in all actions", lambda t: t.last_action != "none" and t.action_noise > 0),
    ("- dropout", lambda t: t.last_action != "none" and t.dropout > 0),
)

GROUPS: tuple[tuple[str, str, Callable[[Trained], bool]], ...] = (
    ("degenerate dimension, no guard", BARE, is_bare),
    ("degenerate dimension, guarded", GUARDED, lambda t: t.last_action != "none" and not is_bare(t)),
    ("no degenerate dimension", CALM, lambda t: t.last_action == "none"),
)


def ratio(trained: Trained) -> float:
    """Batch over dataset."""
    return trained.batch_size / trained.dataset_size


def rate(trained: Trained) -> float:
    """Spikes in 10,000 updates."""
    return trained.spikes / trained.exposure * PER


def doses(trainings: Sequence[Trained]) -> str:
    """The table of what the spikes of the first trainings depend on."""
    firsts = [t for t in trainings if t.remedy == FIRST]
    bare, wide = [t for t in firsts if is_bare(t)], [t for t in firsts if not t.prone]
    lines = ["| recipes | n | spikes in 10,000 updates, mean | spiking |", "|---|--:|--:|--:|"]
    lines += [f"| **drawn from the whole ranges** | {len(wide)} | | |", *_levels(WIDE_LEVELS, wide)]
    lines += [f"| **all without a guard** | {len(bare)} | | |", *_levels(BARE_LEVELS, bare)]
    return "\n".join(lines) + "\n"


def _levels(levels: Sequence[Level], trainings: Sequence[Trained]) -> Iterator[str]:
    for name, belongs in levels:
        of = [t for t in trainings if belongs(t)]
        if of:
            spiking = sum(t.spikes >= SPIKING for t in of)
            yield f"| {name} | {len(of)} | {mean(map(rate, of)):.1f} | {spiking / len(of):.0%} |"


def effects(trainings: Sequence[Trained], remedy: str) -> list[float]:
    """The share of its spikes that the remedy prevented in each recipe, two seeds a side."""
    known = {t.key: t for t in trainings}
    found = []
    for recipe in sorted({t.recipe for t in trainings if t.remedy == remedy}):
        before = [known.get((recipe, UNCHANGED, seed)) for seed in AGAIN]
        after = [known.get((recipe, remedy, seed)) for seed in AGAIN]
        if None not in before + after and (spikes := sum(t.spikes for t in before if t is not None)):
            found.append(1 - sum(t.spikes for t in after if t is not None) / spikes)
    return found


def remedied(trainings: Sequence[Trained]) -> str:
    """The table of what each remedy did to the recipes that spiked."""
    known = {t.key: t for t in trainings}
    lines = [
        "| remedy | recipes | spikes unchanged | with it | prevented, median | error, times | worse in |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for remedy in REMEDIES:
        after = [t for t in trainings if t.remedy == remedy and (t.recipe, UNCHANGED, t.seed) in known]
        shares = effects(trainings, remedy)
        if not shares:
            continue
        before = [known[t.recipe, UNCHANGED, t.seed] for t in after]
        error = median(new.mse / old.mse for new, old in zip(after, before, strict=True))
        counts = f"{mean(t.spikes for t in before):.1f} | {mean(t.spikes for t in after):.1f}"
        worse = f"{sum(share < 0 for share in shares)} of {len(shares)}"
        lines.append(
            f"| {remedy} | {len(shares)} | {counts} | {median(shares):.0%} | {error:.2f} | {worse} |"
        )
    return "\n".join(lines) + "\n"


def draw(path: Path, trainings: Sequence[Trained]) -> None:
    """Write the figure of the dose-response as PNG."""
    firsts = [t for t in trainings if t.remedy == FIRST]
    figure = Figure(figsize=(11.5, 6.6), layout="constrained")
    (batch, share, step), (kind, gap, prevented) = figure.subplots(2, 3)
    _against(batch, firsts, lambda t: t.batch_size, "batch")
    _against(share, firsts, ratio, "batch / dataset")
    _against(step, firsts, lambda t: t.learning_rate, "learning rate")
    _kinds(kind, firsts)
    _gap(gap, firsts)
    _remedies(prevented, trainings)
    figure.legend(*batch.get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=3)
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _against(axes: Axes, firsts: Sequence[Trained], dose: Callable[[Trained], float], name: str) -> None:
    for label, colour, belongs in GROUPS:
        of = [t for t in firsts if belongs(t)]
        _dots(axes, [dose(t) for t in of], [rate(t) for t in of], colour, label)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    _rates(axes, name)


def _gap(axes: Axes, firsts: Sequence[Trained]) -> None:
    for label, colour, belongs in GROUPS:
        of = [t for t in firsts if belongs(t)]
        _dots(axes, [t.log_std_gap for t in of], [rate(t) for t in of], colour, label)
    _rates(axes, "mean log-std less the smallest, at the end")


def _kinds(axes: Axes, firsts: Sequence[Trained]) -> None:
    for place, kind in enumerate(LAST_ACTIONS):
        of = [rate(t) for t in firsts if t.last_action == kind]
        beside = [place + 0.05 * ((7 * i) % 11 - 5) for i in range(len(of))]
        _dots(axes, beside, of, CALM if kind == "none" else BARE, kind)
    axes.set_xticks(range(len(LAST_ACTIONS)), ["none", "gripper", "constant", "presses"])
    _rates(axes, "degenerate action dimension")


def _dots(axes: Axes, x: Sequence[float], y: Sequence[float], colour: str, label: str) -> None:
    axes.plot(x, y, "o", color=colour, ms=4, alpha=0.6, mew=0, label=label)


def _rates(axes: Axes, against: str) -> None:
    axes.set_yscale("symlog", linthresh=2)
    axes.set_ylim(bottom=-0.4)
    axes.set_yticks([0, 1, 3, 10, 30], ["0", "1", "3", "10", "30"])
    axes.set_ylabel("spikes in 10,000 updates")
    axes.set_xlabel(against)
    _plain(axes)


def _remedies(axes: Axes, trainings: Sequence[Trained]) -> None:
    found = {remedy: effects(trainings, remedy) for remedy in REMEDIES}
    shown = sorted((r for r in found if found[r]), key=lambda remedy: -median(found[remedy]))
    for place, remedy in enumerate(shown):
        shares = [max(share, -1.0) for share in found[remedy]]
        axes.plot(shares, [place] * len(shares), "o", color=GUARDED, ms=4, alpha=0.4, mew=0)
        axes.plot(median(found[remedy]), place, "|", color=BARE, ms=14, mew=2)
    axes.axvline(0, color="#8c959f", lw=0.8)
    axes.set_yticks(range(len(shown)), shown)
    axes.invert_yaxis()
    axes.set_xlim(-1.1, 1.1)
    axes.set_xlabel("share prevented, one dot per recipe")
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#eaeef2", lw=0.8)
    axes.set_axisbelow(True)
