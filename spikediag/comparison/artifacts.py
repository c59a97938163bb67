"""Comparisons as files: a page, its figure, and JSON."""

import json
from collections.abc import Sequence

from spikediag.comparison.figure import picture
from spikediag.comparison.markdown import PICTURE, to_markdown
from spikediag.comparison.report import to_dict
from spikediag.comparison.values import Comparison
from spikediag.model import Artifact

PAGE, DOCUMENT = "comparison.md", "comparison.json"


def artifacts(comparisons: Sequence[Comparison]) -> tuple[Artifact, ...]:
    """The files of comparisons that share their side before."""
    documents = [to_dict(c) for c in comparisons]
    whole = documents[0] if len(documents) == 1 else documents
    written = json.dumps(whole, indent=2, allow_nan=False) + "\n"
    return (
        Artifact(PAGE, to_markdown(comparisons).encode()),
        Artifact(DOCUMENT, written.encode()),
        Artifact(PICTURE, picture(comparisons)),
    )
