"""The figures, by their content."""

import time
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from spikediag import reporter
from spikediag.model import Kind, PastBest, Role, StepUnit
from spikediag.reporter.figures import closeup, overview, series_panel, style
from spikediag.wording import language
from tests.reporter import builders
from tests.reporter.builders import series

PANELS = ("actor_loss", "mse", "log_std", "grad_norm")  # no twin in other units, and nothing constant


@pytest.fixture(scope="module")
def overview_of_the_case() -> Figure:
    return drawn(builders.diagnosis())


@pytest.fixture(scope="module")
def close_ups() -> tuple[Figure, Figure]:
    return near(builders.diagnosis(), 0), near(builders.diagnosis(), 1)


def drawn(diagnosis) -> Figure:
    return reporter.figure(diagnosis)


def near(diagnosis, n: int = 1) -> Figure:
    with style.drawing(style.LIGHT, language.load("en")) as writer:
        return closeup.closeup(diagnosis, diagnosis.findings[n], style.LIGHT, writer)


def texts(figure: Figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def run_of(values: np.ndarray, steps: np.ndarray | None = None):
    steps = np.arange(len(values)) if steps is None else steps
    return replace(builders.seed_run(), series={"loss": series("loss", Role.LOSS, values, steps)})


def lone(values: np.ndarray):
    return replace(builders.calm(), run=run_of(values))


def test_one_panel_for_each_series_the_leading_loss_first_on_one_step_axis(
    overview_of_the_case: Figure,
) -> None:
    figure = overview_of_the_case
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert [title.split(" ")[0] for title in titles] == [f"bc/{name}" for name in PANELS]
    assert titles[1] == "bc/mse (log scale)"
    assert len({ax.get_xlim() for ax in figure.axes}) == 1


def test_a_reward_is_drawn_with_what_it_read_before_during_and_after() -> None:
    panels = drawn(builders.mattering()).axes
    panel = next(ax for ax in panels if ax.get_title(loc="left") == "eval/return")
    assert panel.get_title(loc="right") == "F2: 200 before, 20.0 at worst during, 150 after"


def test_where_no_reward_was_logged_during_a_jump_none_is_drawn_as_the_worst() -> None:
    found = builders.mattering()
    (outcome,) = found.overall.outcomes
    unlogged = replace(found.overall, outcomes=(replace(outcome, during=float("nan")),))
    panels = drawn(replace(found, overall=unlogged)).axes
    panel = next(ax for ax in panels if ax.get_title(loc="left") == "eval/return")
    assert panel.get_title(loc="right") == "F2: 200 before, 150 after"


def test_the_curve_is_the_series_itself_when_it_is_short(
    overview_of_the_case: Figure,
) -> None:
    figure = overview_of_the_case
    loss = builders.seed_curves()["bc/actor_loss"]
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), loss.values)


def test_findings_are_numbered_at_their_highest_point_and_members_of_a_train_ticked(
    overview_of_the_case: Figure,
) -> None:
    figure = overview_of_the_case
    badges = {note.get_text(): note.xy for note in figure.axes[0].findobj(Annotation)}
    assert badges["F2"] == pytest.approx((15_280, builders.seed_curves()["bc/actor_loss"].values[1528]))
    assert badges["F1"][0] == 17_110
    ticks = [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert list(ticks[0].get_xdata()) == [9_010, 11_510, 13_010, 17_110, 18_510]
    for ax in figure.axes:
        assert [line.get_xdata()[0] for line in ax.lines if line.get_alpha() == 0.35] == [15_280, 17_110]


def test_only_what_lasts_is_shaded_and_only_in_its_own_panel(overview_of_the_case: Figure) -> None:
    assert not any(ax.patches for ax in overview_of_the_case.axes)
    spike = replace(builders.leap(), stop=2_000, end_step=None, kind=Kind.LEVEL_SHIFT, height=9.8)
    figure = drawn(builders.alone(replace(builders.findings()[1], spike=spike)))
    assert [len(ax.patches) for ax in figure.axes] == [1, 0]


def test_a_finding_has_its_badge_in_the_panel_of_its_own_series() -> None:
    _, big = builders.findings()
    other = replace(big, id="F3", spike=replace(big.spike, tag="bc/other", sigmas=9.0))
    curves = builders.small_run().series
    noise = np.random.default_rng(1).normal(size=len(builders.STEPS))
    run = builders.seed_run(curves | {"bc/other": series("bc/other", Role.LOSS, noise)})
    panels = drawn(builders.diagnosis(run, (big, other))).axes
    badges = [{t.get_text() for t in ax.findobj(Annotation)} & {"F2", "F3"} for ax in panels]
    assert badges == [{"F2"}, {"F3"}, set()]


def test_the_companion_says_that_it_did_not_move(overview_of_the_case: Figure) -> None:
    assert "F2: +0.0031, margin ±0.28: did not move" in texts(overview_of_the_case)


def test_axes_of_the_caller_get_the_leading_loss_only() -> None:
    mine = Figure()
    axes = mine.add_subplot()
    assert reporter.figure(builders.diagnosis(), axes) is mine
    assert mine.axes == [axes]
    assert axes.get_title(loc="left") == "bc/actor_loss"


def test_close_up_shows_levels_peak_interval_margin_and_parts(
    close_ups: tuple[Figure, Figure],
) -> None:
    _, figure = close_ups
    said = texts(figure)
    for words in (
        "before -14.8",
        "after -14.9",
        "+39.1 at step 15,280, 109 sigma",
        "change +0.0031, margin ±0.28",
        "error on the sharpest dimensions",
        "+29.5",
    ):
        assert words in said
    bars = next(ax for ax in figure.axes if ax.get_title(loc="left") == "The jump in parts").patches
    assert [b.get_width() for b in bars] == pytest.approx([2.0, 7.6, 29.5, 39.1])
    assert [b.get_x() for b in bars] == pytest.approx([0.0, 2.0, 9.6, 0.0])


def test_close_up_of_a_train_lays_its_members_over_each_other(close_ups: tuple[Figure, Figure]) -> None:
    figure, _ = close_ups
    assert "F1: train of spikes, the highest of 5 at step 17,110" in texts(figure)
    loss, error = figure.axes
    members = [line for line in loss.lines if len(line.get_xdata()) > 2]
    assert len(members) == 5
    assert members[-1].get_color() == style.LIGHT.mark
    curve = builders.seed_curves()["bc/actor_loss"].values
    level = np.median(curve[1699:1710])
    assert max(members[-1].get_ydata()) == pytest.approx(curve[1711] - level)
    assert "step, counted from the highest point of each jump" in texts(figure)
    assert error.get_title(loc="left") == "bc/mse, from its level before"


def test_a_level_before_the_jump_is_that_of_the_window() -> None:
    figure = near(builders.diagnosis())
    error = figure.axes[1]
    (dashed,) = (line for line in error.lines if line.get_linestyle() == "--")
    window = builders.seed_curves()["bc/mse"].values[1505:1526]
    assert dashed.get_ydata()[0] == pytest.approx(np.median(window), abs=1e-3)
    assert dashed.get_xdata()[-1] == 15_260


def test_ticks_of_a_bent_axis_are_numbers_that_people_read() -> None:
    values = np.random.default_rng(0).normal(-15, 0.3, 500)
    values[250] = 1_800
    labels = {tick.get_text() for tick in drawn(lone(values)).axes[0].get_yticklabels()}
    assert labels >= {"0", "1,000"}
    assert all(len(label.strip("-0.,")) <= 2 for label in labels)
    tiny = np.exp(np.random.default_rng(0).normal(-16, 3, 500))
    labels = [tick.get_text() for tick in drawn(lone(tiny)).axes[0].get_yticklabels()]
    assert all("e-" in label for label in labels)


def test_close_up_of_a_shift_shows_the_new_level_and_measures_to_it() -> None:
    spike = replace(builders.leap(), stop=2_000, end_step=None, kind=Kind.LEVEL_SHIFT, height=9.8)
    figure = near(builders.alone(replace(builders.findings()[1], spike=spike)), 0)
    assert {"before -14.8", "after -5.00", "+9.80 from step 15,260 on, 109 sigma"} <= set(texts(figure))


def test_close_up_of_a_jump_that_is_lost_has_no_level_after() -> None:
    spike = replace(builders.leap(), stop=2_000, end_step=None)
    figure = near(builders.alone(replace(builders.findings()[1], spike=spike)), 0)
    assert not any(text.startswith("after") for text in texts(figure))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Kind.NON_FINITE, "NaN or Inf from step 15,260 on"),
        (Kind.VARIANCE, "standard deviation +39.1 from step 15,260 on"),
        (Kind.DRIFT, "+39.1 from step 15,260 on, 109 sigma"),
    ],
)
def test_close_up_says_what_its_kind_measures(kind: Kind, said: str) -> None:
    spike = replace(builders.leap(), stop=2_000, end_step=None, kind=kind)
    assert said in texts(near(builders.alone(replace(builders.findings()[1], spike=spike)), 0))


def test_a_million_points_keep_every_spike_and_draw_fast() -> None:
    values = np.random.default_rng(0).normal(-15, 0.3, 1_000_000)
    spikes = np.array([123, 456_789, 999_998])
    values[spikes] = 30 + np.arange(3)
    values[77_777] = -80
    diagnosis = lone(values)
    begin = time.process_time()
    line = drawn(diagnosis).axes[0].lines[0]
    assert time.process_time() - begin < 3
    assert len(line.get_xdata()) < 10_000
    assert set(spikes) | {77_777} <= set(line.get_xdata())


@pytest.mark.parametrize(
    "values",
    [
        np.array([1.0]),
        np.full(10, 3.0),
        np.full(10, np.nan),
        np.array([1.0, np.nan, np.inf, -np.inf, 2.0]),
        np.array([1e300, -1e300, 0.0] * 5),
        np.array([1e-300, 1e300] * 5),
        np.zeros(50),
        np.array([]),
    ],
    ids=["one", "constant", "nan", "mixed", "huge", "spread", "zero", "empty"],
)
def test_awkward_series_are_drawn_without_a_warning(values: np.ndarray) -> None:
    (picture,) = reporter.render(lone(values), ["png"])
    assert len(picture.content) > 1_000


def test_a_crowd_of_points_shows_its_level_and_a_smooth_line_is_left_alone() -> None:
    noise = np.random.default_rng(0).normal(-15, 0.3, 50_000)
    band, middle = drawn(lone(noise)).axes[0].lines
    assert len(band.get_xdata()) > len(middle.get_xdata())
    np.testing.assert_allclose(middle.get_ydata(), -15, atol=0.2)
    assert len(drawn(lone(np.linspace(0, 1, 50_000))).axes[0].lines) == 1


def test_non_finite_points_are_crossed() -> None:
    figure = drawn(lone(np.array([1.0, np.nan, np.inf, 2.0])))
    (crosses,) = (line for line in figure.axes[0].lines if line.get_marker() == "x")
    assert list(crosses.get_xdata()) == [1, 2]


def test_a_spike_that_would_flatten_the_rest_bends_the_axis() -> None:
    rng = np.random.default_rng(0)
    signed = rng.normal(-15, 0.3, 500)
    assert drawn(lone(signed)).axes[0].get_yscale() == "linear"
    signed[250] = 1e6
    assert drawn(lone(signed)).axes[0].get_yscale() == "function"
    positive = np.exp(rng.normal(-8, 1, 500))
    assert drawn(lone(positive)).axes[0].get_yscale() == "log"


def out_of_view(figure: Figure) -> set[int]:
    """Tick labels beyond the limits of their axis: Matplotlib keeps but does not draw them."""
    hidden = set()
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        hidden |= {id(tick.label1) for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    return hidden


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    hidden = out_of_view(figure)
    shown = [t for t in figure.findobj(Text) if t.get_text() and t.get_visible() and id(t) not in hidden]
    boxes = [(t.get_text(), Text.get_window_extent(t, renderer).shrunk(0.98, 0.8)) for t in shown]
    return [(a, b) for n, (a, one) in enumerate(boxes) for b, two in boxes[n + 1 :] if one.overlaps(two)]


def test_labels_never_overlap_even_with_thirty_findings(
    overview_of_the_case: Figure, close_ups: tuple[Figure, Figure]
) -> None:
    diagnosis = builders.diagnosis()
    one = builders.findings()[1]
    crowd = tuple(
        replace(
            one, id=f"F{n + 1}", spike=replace(one.spike, onset_step=15_000 + 7 * n, end_step=15_003 + 7 * n)
        )
        for n in range(30)
    )
    assert overlapping(overview_of_the_case) == []
    assert overlapping(drawn(replace(diagnosis, findings=crowd))) == []
    assert [overlapping(figure) for figure in close_ups] == [[], []]


def test_the_overview_of_a_calm_run_draws_first_what_its_headline_says_ends_worse() -> None:
    noise = np.random.default_rng(1).normal(0, 1, (4, 2000))
    curves = {tag: series(tag, Role.LOSS, values) for tag, values in zip("abcd", noise, strict=True)}
    gone = PastBest("d", Role.LOSS, 100, 200, best=0.1, end=0.4)
    calm = builders.calm()
    calm = replace(calm, run=replace(calm.run, series=curves))
    calm = replace(calm, overall=replace(calm.overall, past_best=(gone,)))
    assert next(s.tag for s in overview.panels(calm)) == "d"
    assert len(overview.panels(calm)) > 1


def test_overview_without_any_loss_is_still_a_figure() -> None:
    diagnosis = replace(builders.calm(), run=replace(builders.seed_run(), series={}))
    with style.drawing(style.LIGHT, language.load("en")) as writer:
        figure = overview.overview(diagnosis, style.LIGHT, writer)
    assert figure.axes == []


@pytest.mark.parametrize("unit", StepUnit)
def test_the_axis_says_what_it_counts(unit: StepUnit) -> None:
    calm = builders.calm()
    figure = drawn(replace(calm, run=replace(calm.run, step_unit=unit)))
    assert figure.axes[-1].get_xlabel() == {"log": "logged point", "env_step": "environment step"}.get(
        unit, unit.value
    )


def test_steps_at_the_end_of_floating_point_can_be_told_apart() -> None:
    axes = Figure().subplots()
    series_panel.show_steps(axes, 2**53, 2**53, 0.02)
    left, right = axes.get_xlim()
    assert left < 2**53 < right


def test_a_notebook_shows_a_figure_without_magic() -> None:
    assert reporter.figure(builders.calm())._repr_png_().startswith(b"\x89PNG")
