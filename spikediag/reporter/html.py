"""html: the post-mortem as one self-contained web page."""

from dataclasses import dataclass

from spikediag.model import Artifact, Diagnosis
from spikediag.reporter.protocol import registry
from spikediag.reporter.webpage import to_html
from spikediag.wording.language import Language


@registry.register
@dataclass(frozen=True)
class Html:
    """`report.html`: figures that zoom, light and dark, printable; it loads nothing from anywhere."""

    id: str = "html"

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:
        """One file, UTF-8."""
        return (Artifact("report.html", to_html(diagnosis, language.code).encode()),)
