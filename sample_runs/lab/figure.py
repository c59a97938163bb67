"""Figure: the study at one glance, spikes against each setting, and the main jump seen from close by."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sample_runs.lab.main_jump import Moment
from sample_runs.lab.study import SETTINGS, Row

INK, BATCH, DATASET, ERROR = "#24292f", "#c0392b", "#1f5fa8", "#6b8e23"


def draw(path: Path, rows: Sequence[Row], moments: Sequence[Moment]) -> None:
    """Write the figure as PNG."""
    figure = Figure(figsize=(11.5, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
    _doses(left, rows)
    _jump(right, moments)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def _doses(axes: Axes, rows: Sequence[Row]) -> None:
    names = [name for name in SETTINGS if any(row.setting == name for row in rows)]
    reference = [row.spikes for row in rows if row.setting == names[0]]
    axes.axvspan(min(reference), max(reference), color=BATCH, alpha=0.10, lw=0)
    for position, name in enumerate(names):
        of = [row for row in rows if row.setting == name]
        axes.plot([row.spikes for row in of], [position] * len(of), color="#d0d7de", lw=1, zorder=1)
        sizes = [25 + 6 * row.largest for row in of]
        colour = BATCH if position == 0 else DATASET
        axes.scatter(
            [row.spikes for row in of], [position] * len(of), sizes, color=colour, alpha=0.65, lw=0, zorder=2
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(left=-0.8)
    axes.set_xlabel("spikes in 20,000 updates (one dot per seed, its area the largest jump)")
    axes.set_title("One setting changed at a time", loc="left", color=INK)
    _plain(axes)


def _jump(axes: Axes, moments: Sequence[Moment]) -> None:
    worst = max(range(len(moments)), key=lambda i: moments[i].dataset_loss)
    near = moments[max(0, worst - 14) : worst + 26]
    steps = [m.step for m in near]
    peak = moments[worst]
    axes.fill_between(
        steps,
        [m.other_low for m in near],
        [m.other_high for m in near],
        color=DATASET,
        alpha=0.18,
        lw=0,
        label="loss on 200 other batches, 1 % to 99 %",
    )
    axes.plot(
        steps, [m.dataset_loss for m in near], color=DATASET, lw=1.6, label="loss on all 418 transitions"
    )
    axes.plot(
        steps, [m.batch_loss for m in near], ".", color=BATCH, ms=6, label="loss on the batch of that update"
    )
    axes.set_ylabel("actor loss (nats)")
    axes.set_xlabel("update")
    axes.set_ylim(top=peak.batch_loss + 22)
    axes.set_xticks([step for step in steps if step % 10 == 0])
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.annotate(
        f"{peak.gripper_share:.0%} of the rise lies in one of\nseven action dimensions, the gripper",
        (peak.step, peak.dataset_loss),
        (peak.step + 3, peak.dataset_loss - 8),
        arrowprops={"arrowstyle": "-", "color": "#8c959f"},
        fontsize=8,
        color=INK,
    )
    error = axes.twinx()
    error.plot(steps, [m.dataset_mse for m in near], color=ERROR, lw=1.4)
    error.set_ylim(0.0, 6 * max(m.dataset_mse for m in near))
    error.set_ylabel("squared error on all transitions", color=ERROR)
    error.tick_params(colors=ERROR)
    error.spines[["top", "left"]].set_visible(False)
    axes.set_title("The main jump: not the batch, the policy", loc="left", color=INK)
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#eaeef2", lw=0.8)
    axes.set_axisbelow(True)
