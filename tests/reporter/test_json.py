"""The JSON report."""

import json

from spikediag import reporter
from tests.reporter import builders


def test_it_is_the_contract_in_ascii() -> None:
    (artifact,) = reporter.render(builders.diagnosis(), ["json"])
    document = json.loads(artifact.content.decode("ascii"))
    assert document["schema"] == "spikediag.diagnosis/1"
    assert document["findings"][1]["jump"] == 39.1
    assert document == reporter.to_dict(builders.diagnosis())
