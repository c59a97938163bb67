"""Statistics of the actions beside a run, as libraries keep them."""

import json

import numpy as np
import pytest

from spikediag.model import Degenerate
from spikediag.parser.dataset_statistics import action_dimensions

DRAW = np.random.default_rng(0)
TIME = np.linspace(0, 7, 418)
SMOOTH = np.sin(TIME) + DRAW.normal(0, 0.05, 418)
GRIPPER = np.where((TIME > 2) & (TIME < 5), 1.0, -1.0)
PRESSES = np.zeros(418)
PRESSES[[100, 101]] = 1.0
CONSTANT = np.ones(418)
ACTIONS = np.stack([SMOOTH, GRIPPER, PRESSES, CONSTANT], axis=1)
HOW = [None, Degenerate.TWO_VALUES, Degenerate.MOSTLY_CONSTANT, Degenerate.CONSTANT]


def statistics(*names):
    every = {
        "min": ACTIONS.min(0),
        "max": ACTIONS.max(0),
        "mean": ACTIONS.mean(0),
        "std": ACTIONS.std(0),
        "q01": np.quantile(ACTIONS, 0.01, axis=0),
        "q99": np.quantile(ACTIONS, 0.99, axis=0),
    }
    return {name: every[name].tolist() for name in names or every}


def beside(folder, name, document):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(document if isinstance(document, str) else json.dumps(document))
    return [dimension.degenerate for dimension in action_dimensions(folder)]


def test_lerobot_keeps_them_under_meta(tmp_path):
    everything = {"observation.state": {"std": [1.0]}, "action": statistics()}
    assert beside(tmp_path, "meta/stats.json", everything) == HOW


def test_openpi_states_no_ends(tmp_path):
    norm_stats = {"norm_stats": {"state": {}, "actions": statistics("mean", "std", "q01", "q99")}}
    assert beside(tmp_path, "assets/trossen/norm_stats.json", norm_stats) == HOW


def test_openvla_keeps_them_by_dataset(tmp_path):
    assert beside(tmp_path, "dataset_statistics.json", {"my_robot": {"action": statistics()}}) == HOW


def test_a_small_table_has_a_row_for_each_dimension(tmp_path):
    rows = zip(*(statistics("min", "max", "mean", "std").values()), strict=True)
    table = "min,max,mean,std\n" + "\n".join(",".join(map(str, row)) for row in rows)
    found = beside(tmp_path, "action_stats.csv", table)
    assert found == [None, Degenerate.TWO_VALUES, Degenerate.TWO_VALUES, Degenerate.CONSTANT]


def test_robomimic_has_rows_of_one_line_a_count_and_squares(tmp_path):
    actions = {key: [statistics(key)[key]] for key in ("mean", "min", "max")}
    squares = [(ACTIONS.var(0) * len(ACTIONS)).tolist()]
    document = {"actions": {**actions, "n": len(ACTIONS), "sqdiff": squares}}
    found = [None, Degenerate.TWO_VALUES, Degenerate.TWO_VALUES, Degenerate.CONSTANT]
    assert beside(tmp_path, "action_stats.json", document) == found
    squares[0][:2] = [None, -1.0]
    assert len(beside(tmp_path, "action_stats.json", document)) == 4


def test_presses_that_grow_or_have_a_sign_are_mostly_zero_though_not_rare(tmp_path):
    grows, signed = np.zeros(1_000), np.zeros(1_000)
    grows[100:140] = DRAW.uniform(0.2, 1.0, 40)
    signed[100:140] = DRAW.uniform(-1.0, 1.0, 40)
    skewed, seldom = DRAW.exponential(0.1, 1_000), DRAW.laplace(0, 0.05, 1_000)
    actions = np.stack([grows, -grows, signed, skewed, seldom], axis=1)
    quantiles = {f"q{q:02}": np.quantile(actions, q / 100, axis=0).tolist() for q in (1, 10, 90, 99)}
    ends = {"min": actions.min(0), "max": actions.max(0), "mean": actions.mean(0), "std": actions.std(0)}
    document = {"action": {**quantiles, **{name: values.tolist() for name, values in ends.items()}}}
    rests = Degenerate.MOSTLY_CONSTANT
    assert beside(tmp_path, "meta/stats.json", document) == [rests, rests, rests, None, None]
    coarse = {"action": {k: v for k, v in document["action"].items() if k not in {"q10", "q90"}}}
    assert beside(tmp_path, "meta/stats.json", coarse) == [rests, rests, None, None, None]


def test_they_may_lie_above_the_run(tmp_path):
    beside(tmp_path, "meta/stats.json", {"action": statistics()})
    run = tmp_path / "runs" / "1"
    run.mkdir(parents=True)
    found = action_dimensions(run)
    assert [d.degenerate for d in found] == HOW
    assert found[0].source == "../../meta/stats.json"


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[1, 2]",
        '{"action": {"std": 3}}',
        '{"action": {"std": ["x", null, 1e999]}}',
        '{"action": {"std": []}}',
        "[" * 5_000,
    ],
)
def test_what_is_no_table_of_numbers_says_nothing(tmp_path, document):
    assert [d for d in beside(tmp_path, "meta/stats.json", document) if d is not None] == []


def test_without_statistics_there_are_no_dimensions(tmp_path):
    assert action_dimensions(tmp_path) == ()
