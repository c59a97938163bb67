"""The JSON report."""

import json
import math
from dataclasses import replace

import numpy as np

from spikediag import reporter
from spikediag.model import Fact, Kind
from tests.reporter import builders

FINDING = {
    "id", "tag", "kind", "onset_step", "peak_step", "end_step", "baseline", "peak", "jump", "sigmas",
    "expected_by_chance", "count", "coupling", "witnesses", "causes", "primary_cause", "usual", "provisional",
}  # fmt: skip


def test_it_is_the_contract_in_ascii() -> None:
    (artifact,) = reporter.render(builders.hostile(), ["json"])
    document = json.loads(artifact.content.decode("ascii"))
    assert document == reporter.to_dict(builders.hostile())


def test_the_stable_names_are_there() -> None:
    document = reporter.to_dict(builders.diagnosis())
    assert document["schema"] == "spikediag.diagnosis/1"
    assert {"run", "findings", "conditions", "verdict", "checks"} <= set(document)
    assert {"path", "name", "sessions", "roles", "facts", "damage"} <= set(document["run"])
    assert document["run"]["facts"]["batch_size"]["value"] == 256
    assert document["run"]["roles"]["companion"] == ["bc/mse", "bc/normalized_mse"]
    assert set(document["findings"][1]) >= FINDING
    assert {"verdict", "companion", "change", "interval", "margin"} <= set(
        document["findings"][1]["coupling"]
    )
    cause = document["findings"][1]["causes"][0]
    assert {"cause", "status", "probability", "evidence", "advice"} <= set(cause)
    assert {"reading", "observed", "reference", "supports"} <= set(cause["evidence"][0])
    assert {"status", "matters", "leading", "primary_cause", "summary", "outcomes", "would_tell"} <= set(
        document["verdict"]
    )
    assert set(document["checks"][0]) == {"id", "ran", "reason"}


def test_computed_numbers_have_six_digits_and_integers_and_what_was_read_are_exact() -> None:
    spike = replace(
        builders.leap(), height=39.123456789012, sigmas=108.6 * (1 + 1e-14), onset_step=12_345_678
    )
    finding = replace(builders.findings()[1], spike=spike)
    run = replace(builders.seed_run(), facts={"lr": Fact("lr", 0.000123456789, "config.yaml: lr")})
    document = reporter.to_dict(builders.diagnosis(run, found=(finding,)))
    (found,) = document["findings"]
    assert (found["jump"], found["sigmas"], found["onset_step"]) == (39.1235, 108.6, 12_345_678)
    assert document["run"]["facts"]["lr"]["value"] == 0.000123456789
    assert document["run"]["sessions"][0]["first_wall_time"] == 1.7e9


def test_the_leading_finding_is_named() -> None:
    assert reporter.to_dict(builders.diagnosis())["verdict"]["leading"] == "F2"
    assert reporter.to_dict(builders.calm())["verdict"]["leading"] is None


def test_what_would_have_been_found_is_said_for_each_series() -> None:
    seen, blind, *_ = reporter.to_dict(builders.searched())["searched"]
    assert (seen["tag"], seen["points"], seen["judged"], seen["reason"]) == ("loss", 2_000, True, None)
    assert seen["jumps"][1] == {
        "width": 3,
        "height": 0.12,
        "sigmas": 12.0,
        "first_step": 600,
        "last_step": 19_000,
    }
    assert (blind["judged"], blind["jumps"]) == (False, [])
    assert blind["reason"] == "6 points are too few."


def test_witnesses_carry_their_signed_lag_and_what_they_do_elsewhere() -> None:
    small, big = reporter.to_dict(builders.diagnosis())["findings"]
    assert (small["asked"], small["witnesses"], small["copies"]) == (0, [], [])
    assert big["witnesses"][0] == {
        "tag": "bc/grad_norm",
        "role": "grad_norm",
        "before": 1.6,
        "at": 37.0,
        "change": 35.4,
        "sigmas": 58.0,
        "lag": 50.0,
        "lag_low": 40.0,
        "lag_high": 60.0,
        "leads": True,
        "moved_elsewhere": 0,
        "windows_elsewhere": 80,
        "chance": 1e-5,
    }
    assert big["witnesses"][1]["lag_high"] is None
    assert big["witnesses"][2]["sigmas"] is None
    assert big["copies"][0] == {"tag": "kl", "factor": 0.2, "offset": 0.0, "points": 2_000}


def test_outcomes_and_what_would_tell_are_there() -> None:
    verdict = reporter.to_dict(builders.mattering())["verdict"]
    assert verdict["outcomes"][0] == {
        "finding": "F2",
        "tag": "eval/return",
        "role": "reward",
        "before": 200.0,
        "during": 20.0,
        "after": 150.0,
        "foretold": 210.0,
        "interval": [40.0, 80.0],
        "margin": 21.0,
        "verdict": "worse",
        "reading": "eval/return ended worse: 150 after, 210 foretold.",
        "meanwhile": None,
        "excused": False,
    }
    assert verdict["would_tell"][0]["text"] == "Log the success rate."


def test_a_test_says_whether_it_is_held_out_blind_and_at_how_many_members_it_moved() -> None:
    first, second = reporter.to_dict(builders.mattering())["findings"][1]["coupling"]["tests"]
    assert (first["held_out"], first["blind"], first["moved"], first["tested"]) == (False, None, 1, 5)
    assert (second["held_out"], second["blind"]) == (True, "It is a mean over 100 steps.")


def test_what_is_not_finite_becomes_null() -> None:
    spike = replace(builders.leap(), kind=Kind.NON_FINITE, peak_value=math.nan, height=math.inf)
    finding = replace(builders.findings()[1], spike=spike)
    document = reporter.to_dict(builders.diagnosis(found=(finding,)))
    assert document["findings"][0]["jump"] is None
    assert document["findings"][0]["peak"] is None
    json.dumps(document, allow_nan=False)


def test_numpy_numbers_are_plain_numbers() -> None:
    spike = replace(builders.leap(), onset_step=np.int64(5), height=np.float64(3.5), sigmas=np.float32(2.0))
    document = reporter.to_dict(builders.diagnosis(found=(replace(builders.findings()[1], spike=spike),)))
    assert json.loads(json.dumps(document, allow_nan=False))["findings"][0]["onset_step"] == 5
