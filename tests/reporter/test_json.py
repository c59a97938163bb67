"""The JSON report."""

import json
import math
from dataclasses import replace

import numpy as np

from spikediag import reporter
from spikediag.model import Kind
from tests.reporter import builders

FINDING = {
    "id", "tag", "kind", "onset_step", "peak_step", "end_step", "baseline", "peak", "jump", "sigmas",
    "expected_by_chance", "count", "coupling", "causes", "primary_cause",
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
    assert {"status", "matters", "primary_cause", "summary"} <= set(document["verdict"])
    assert set(document["checks"][0]) == {"id", "ran", "reason"}


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
