"""json: the diagnosis in the stable schema, for programs."""

import json
from dataclasses import dataclass

from spikediag.model import Artifact, Diagnosis
from spikediag.reporter.contract import to_dict
from spikediag.reporter.protocol import registry
from spikediag.wording.language import Language


@registry.register
@dataclass(frozen=True)
class Json:
    """`report.json`: strict JSON, ASCII only, sentences in English whatever the language of the report."""

    id: str = "json"

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:  # noqa: ARG002
        """The document with a two-space indent."""
        text = json.dumps(to_dict(diagnosis), indent=2, allow_nan=False)
        return (Artifact("report.json", text.encode("ascii") + b"\n"),)
