"""md: the post-mortem as Markdown."""

from dataclasses import dataclass

from spikediag.model import Artifact, Diagnosis
from spikediag.reporter.markdown import to_markdown
from spikediag.reporter.protocol import registry
from spikediag.wording.language import Language


@registry.register
@dataclass(frozen=True)
class Md:
    """`report.md`: reads well on GitHub and in an editor; its pictures are those of `png`."""

    id: str = "md"

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:
        """One file, UTF-8."""
        return (Artifact("report.md", to_markdown(diagnosis, language.code, pictures=True).encode()),)
