"""The check as a GitLab code quality report.

Reference: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
"""

import json
from typing import Any

from spikediag.policy.outputs.words import fingerprint, plain, shown, source_file
from spikediag.policy.ruling import Breach, Gate, Ruling


def to_gitlab(gate: Gate) -> str:
    """A JSON array with one entry for each breach."""
    entries = [_entry(ruling, breach) for ruling in gate.rulings for breach in ruling.breaches]
    return json.dumps(entries, indent=2) + "\n"


def _entry(ruling: Ruling, breach: Breach) -> dict[str, Any]:
    return {
        "description": f"{shown(ruling.diagnosis.run.name)}: {plain(breach.reading)}",
        "check_name": breach.rules[0],
        "fingerprint": fingerprint(ruling, breach),
        "severity": "major",
        "location": {"path": source_file(ruling), "lines": {"begin": 1}},
    }
