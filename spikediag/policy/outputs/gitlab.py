"""The check as a GitLab code quality report.

Reference: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
"""

import json
from typing import Any

from spikediag.policy.outputs.wording import breach_fingerprint, on_one_line, source_file
from spikediag.policy.result import Breach, CheckResult, RunResult
from spikediag.wording.writer import in_english


def to_gitlab(check: CheckResult) -> str:
    """A JSON array with one entry for each breach."""
    entries = [_entry(result, breach) for result in check.runs for breach in result.breaches]
    return json.dumps(entries, indent=2) + "\n"


def _entry(result: RunResult, breach: Breach) -> dict[str, Any]:
    return {
        "description": f"{on_one_line(result.diagnosis.run.name)}: {in_english(breach.reading)}",
        "check_name": breach.rules[0],
        "fingerprint": breach_fingerprint(result, breach),
        "severity": "major",
        "location": {"path": source_file(result), "lines": {"begin": 1}},
    }
