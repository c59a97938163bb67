"""Accepted spikes pass, new and worse ones do not."""

import math
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikediag.errors import UsageError
from spikediag.model import Kind
from spikediag.policy import Policy, baseline
from spikediag.policy.result import AcceptedSpike, CheckOutcome
from spikediag.policy.rules import judge
from tests.characters import ANY
from tests.policy.cases import diagnosis, finding

TODAY = date(2026, 11, 22)


def result(*findings, name="bc"):
    return judge(diagnosis(*findings, name=name), Policy())


def accepted(*findings):
    return baseline.accept([result(*findings)])


def after(accepted, *findings, today=TODAY):
    return baseline.apply(result(*findings), accepted, today).outcome


def test_what_is_as_it_was_passes():
    today = accepted(finding())
    assert after(today, finding()) is CheckOutcome.PASSED
    assert after(today, finding(onset_step=15_260 + 199)) is CheckOutcome.PASSED
    assert after(today, finding(height=20.0)) is CheckOutcome.PASSED


@pytest.mark.parametrize(
    "changes",
    [
        {"onset_step": 12_000},
        {"height": 45.0},
        {"tag": "bc/mse"},
        {"kind": Kind.LEVEL_SHIFT},
        {"count": 2},
        {"height": math.inf},
        {"height": math.nan},
    ],
)
def test_what_is_new_or_worse_fails(changes):
    assert after(accepted(finding()), finding(**changes)) is CheckOutcome.FAILED


def test_two_spikes_where_there_was_one_are_one_new_spike():
    both = (finding(), finding(onset_step=15_270))
    said = baseline.apply(result(*both), accepted(finding()), TODAY)
    assert (len(said.breaches), len(said.accepted)) == (1, 1)
    assert after(accepted(*both), *both) is CheckOutcome.PASSED


def test_an_entry_ends_after_its_last_day():
    lasting = [replace(a, expires=TODAY) for a in accepted(finding())]
    assert after(lasting, finding()) is CheckOutcome.PASSED
    assert after(lasting, finding(), today=TODAY + timedelta(days=1)) is CheckOutcome.FAILED


def test_an_entry_for_another_run_does_not_count():
    other = [replace(a, run="nightly-*") for a in accepted(finding())]
    assert after(other, finding()) is CheckOutcome.FAILED
    assert baseline.apply(result(finding(), name="nightly-3"), other, TODAY).outcome is CheckOutcome.PASSED


def test_what_accepted_nothing_is_stale():
    gone, still = accepted(finding(), finding(onset_step=400))  # in the order of their steps
    said = baseline.apply(result(finding()), (gone, still), TODAY)
    assert baseline.stale((gone, still), [said]) == (gone,)


def test_accepting_again_keeps_reasons():
    first = [replace(a, reason="known: gripper") for a in accepted(finding())]
    said = baseline.apply(result(finding(), finding(onset_step=400)), first, TODAY)
    again = baseline.accept([said], reason="new since Monday")
    assert sorted(a.reason for a in again) == ["known: gripper", "new since Monday"]


def test_one_run_is_accepted_under_any_name_and_several_under_their_own():
    assert [a.run for a in accepted(finding())] == ["*"]
    several = baseline.accept([result(finding()), result(finding(), name="bc2")])
    assert [a.run for a in several] == ["bc", "bc2"]


def test_a_batch_ratio_cannot_be_accepted():
    policy = Policy(max_batch_ratio=0.1)
    said = judge(diagnosis(batch_size=256, dataset_size=418), policy)
    assert baseline.accept([said]) == ()


texts = st.text(ANY, max_size=30)
entries = st.builds(
    AcceptedSpike,
    tag=texts,
    kind=st.sampled_from([k.value for k in Kind]),
    first_step=st.integers(-(2**53), 0),
    last_step=st.integers(0, 2**53),
    height=st.floats(allow_nan=False),
    count=st.integers(1, 99),
    run=texts,
    reason=texts,
    expires=st.none() | st.dates(),
)


@settings(deadline=None)
@given(st.lists(entries, max_size=4))
def test_a_baseline_is_read_as_it_was_written(tmp_path_factory, kept):
    path = tmp_path_factory.mktemp("baseline") / "spikes.toml"
    path.write_bytes(baseline.to_toml(kept))
    assert baseline.load(path) == tuple(kept)


def test_a_lone_surrogate_in_a_tag_is_written(tmp_path):
    path = tmp_path / "spikes.toml"
    path.write_bytes(baseline.to_toml([AcceptedSpike("a\ud800", "train", 0, 1, 2.0)]))
    assert baseline.load(path)[0].tag == "a\ufffd"


ENTRY = '[[accepted]]\ntag = "a"\nkind = "train"\nsteps = [1, 2]\nheight = 3.0\n'
SCHEMA = 'schema = "spikediag.baseline/1"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "schema: must be"),
        ("schema = 'other'\n", "line 1, schema: must be"),
        (SCHEMA + "accept = 3\n", "line 2, accept: unknown key; did you mean 'accepted'?"),
        (SCHEMA + "accepted = 3\n", "line 2, accepted: must be written as"),
        (SCHEMA + ENTRY + "raeson = 'x'\n", "line 7, raeson: unknown key; did you mean 'reason'?"),
        (SCHEMA + ENTRY + "reason = 3\n", "line 7, reason: must be text"),
        (SCHEMA + ENTRY + "expires = 'soon'\n", "line 7, expires: must be a date"),
        (SCHEMA + ENTRY + "expires = 2027-01-01T00:00:00\n", "line 7, expires: must be a date"),
        (SCHEMA + ENTRY + "count = 0\n", "line 7, count: must be a whole number"),
        (
            SCHEMA + ENTRY + ENTRY.replace('"train"', '"trian"'),
            "line 9, kind: 'trian' is no kind; did you mean 'train'?",
        ),
        (SCHEMA + ENTRY + ENTRY.replace("[1, 2]", "[2, 1]"), "line 10, steps: must be [first, last]"),
        (SCHEMA + ENTRY + ENTRY.replace("3.0", "nan"), "line 11, height: must be a number"),
        (SCHEMA + "[[accepted]]\ntag = 'a'\n", "line 2: [[accepted]] needs height and kind and steps."),
        ("[[accepted\n", "not valid TOML"),
    ],
)
def test_a_malformed_baseline_names_key_and_line(tmp_path, text, sentence):
    path = tmp_path / "spikes.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        baseline.load(path)
    assert sentence in str(error.value)


def test_a_missing_baseline_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"gone\.toml: No such file"):
        baseline.load(tmp_path / "gone.toml")
