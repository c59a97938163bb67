"""One run in one row: what it says of the diagnosis, what a person reads in a cell, and the order."""

import json

import numpy as np
import pytest

import spikediag
from spikediag.model import RunStatus
from spikediag.sweep import COLUMNS
from spikediag.sweep.kept import from_json, row_to_json
from spikediag.sweep.row import NoRun, ordered, summarise, unread
from spikediag.text import say
from tests.conftest import diagnosed
from tests.policy.cases import diagnosis, finding
from tests.sweep.rows import row

BY_KEY = {column.key: column for column in COLUMNS}


@pytest.fixture(scope="module")
def found():
    return diagnosed("bc_single_trajectory")


def test_a_row_says_what_the_report_says(found):
    made, document = summarise(found, 0.5), found.to_dict()
    lead = next(f for f in document["findings"] if f["id"] == document["verdict"]["leading"])
    assert (made.verdict, made.matters) == (document["verdict"]["status"], document["verdict"]["matters"])
    assert (made.jump, made.sigmas, made.tag) == (lead["jump"], lead["sigmas"], lead["tag"])
    assert (made.coupling, made.cause) == (lead["coupling"]["verdict"], lead["primary_cause"])
    assert made.spikes == sum(f["count"] for f in document["findings"])
    assert made.ratio == pytest.approx(256 / 418, rel=1e-5)
    assert made.points == 2000
    assert made.rate == pytest.approx(1e4 * made.spikes / made.points)


def test_a_row_survives_being_kept(found):
    made = summarise(found, 0.5)
    assert from_json(json.loads(json.dumps(row_to_json(made)))) == made
    why = unread("runs/x", "x", say("{path}: {why}", path="x", why=say("{n} bytes", n=3)))
    kept = from_json(json.loads(json.dumps(row_to_json(why))))
    assert str(kept.reason) == "x: 3 bytes"


def test_without_an_error_metric_no_spike_is_called_decoupled():
    values = np.random.default_rng(0).normal(0, 0.1, 500)
    values[300] = 9.0
    made = summarise(spikediag.diagnose(spikediag.Run.from_arrays({"loss": values})), 0.0)
    assert (made.spikes, made.decoupled) == (1, None)


def test_the_same_losses_have_the_same_content_whatever_else_is_logged():
    values = np.random.default_rng(0).normal(0, 0.1, 500)
    arrays = {"loss": values}
    one, other, third = (
        summarise(spikediag.diagnose(spikediag.Run.from_arrays(each)), 0.0).content
        for each in (arrays, arrays | {"lr": np.ones(500)}, {"loss": values + 1})
    )
    assert one == other != third


def test_the_order_is_the_one_that_is_said():
    runs = [
        row("clean", "clean", kinds={}, sigmas=None),
        row("small", sigmas=5.0),
        row("large", sigmas=50.0),
        row("untold", sigmas=2.0, matters=None),
        row("matters", sigmas=1.0, matters=True),
        unread("runs/broken", "broken", say("it is cut off")),
        row("lost", RunStatus.DIVERGED.value),
    ]
    assert [one.name for one in ordered(runs)] == [
        *("lost", "matters", "untold", "large", "small", "broken", "clean")
    ]


def test_diagnoses_are_ordered_by_status_then_height():
    runs = [
        summarise(diagnosis(name="clean"), 0.0),
        summarise(diagnosis(finding(sigmas=5.0), name="small"), 0.0),
        summarise(diagnosis(finding(sigmas=50.0), name="large"), 0.0),
        summarise(diagnosis(name="lost", status=RunStatus.DIVERGED), 0.0),
    ]
    assert [one.name for one in ordered(runs)] == ["lost", "large", "small", "clean"]


def test_a_run_that_could_not_be_judged_says_why():
    few = spikediag.diagnose(spikediag.Run.from_arrays({"loss": np.arange(12.0)}))
    made = summarise(few, 0.0)
    assert made.verdict == "not_judged"
    assert "no jump could have been seen" in str(made.reason)


def told(key, **changes):
    return BY_KEY[key].told(row(**changes), lambda group, one: one.upper(), str)


def test_what_a_person_reads_in_a_cell():
    assert told("verdict") == "SPIKY"
    assert told("matters", matters=None) == ""
    assert told("matters", matters=True) == "yes"
    assert told("jump") == "+39.1"
    assert told("jump", jump=None) == "not finite"
    assert told("jump", jump=None, kinds={}) == ""
    assert told("kinds", kinds={"train": 1, "transient": 2}) == "1 TRAIN, 2 TRANSIENT"
    assert told("step") == "15,260"


def test_a_run_that_was_not_read_has_no_numbers():
    broken = unread("runs/broken", "broken", say("it is cut off"))
    assert {c.key: c.flat(broken) for c in COLUMNS if c.flat(broken) not in (None, "")} == {
        "verdict": NoRun.UNREAD.value
    }
