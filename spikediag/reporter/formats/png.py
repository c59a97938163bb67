"""png: the overview, and a close-up of each main finding."""

from collections.abc import Iterator
from dataclasses import dataclass

from spikediag.model import Artifact, Diagnosis
from spikediag.reporter.appendix import close_up_name
from spikediag.reporter.page import main_findings
from spikediag.reporter.protocol import registry
from spikediag.wording.language import Language
from spikediag.wording.writer import Writer


@registry.register
@dataclass(frozen=True)
class Png:
    """`overview.png`, and `finding-N.png` for the close-up of finding FN: 1800 pixels wide, on white."""

    id: str = "png"

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:
        """The pictures that `md` shows."""
        from spikediag.reporter.figures.style import LIGHT, drawing  # noqa: PLC0415  # Matplotlib is heavy

        with drawing(LIGHT, language) as writer:
            return tuple(self._pictures(diagnosis, writer))

    def _pictures(self, diagnosis: Diagnosis, writer: Writer) -> Iterator[Artifact]:
        from spikediag.reporter.figures.closeup import closeup  # noqa: PLC0415
        from spikediag.reporter.figures.overview import overview  # noqa: PLC0415
        from spikediag.reporter.figures.style import LIGHT, png  # noqa: PLC0415

        yield Artifact("overview.png", png(overview(diagnosis, LIGHT, writer)))
        for finding in main_findings(diagnosis):
            name = close_up_name(finding)
            yield Artifact(f"{name}.png", png(closeup(diagnosis, finding, LIGHT, writer)))
