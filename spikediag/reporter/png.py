"""png: the overview, and a close-up of each main finding."""

from dataclasses import dataclass

from spikediag.model import Artifact, Diagnosis
from spikediag.reporter.protocol import registry
from spikediag.reporter.selection import main_findings
from spikediag.wording.language import Language


@registry.register
@dataclass(frozen=True)
class Png:
    """`overview.png`, `overview-dark.png` for dark pages, `finding-N.png`: 1800 pixels wide."""

    id: str = "png"

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:
        """The pictures that `md` shows."""
        from spikediag.reporter.figures.closeup import closeup  # noqa: PLC0415
        from spikediag.reporter.figures.fonts import font_families, speaker  # noqa: PLC0415
        from spikediag.reporter.figures.overview import overview  # noqa: PLC0415  # Matplotlib is heavy
        from spikediag.reporter.figures.save import png  # noqa: PLC0415
        from spikediag.reporter.figures.style import DARK, LIGHT, drawing  # noqa: PLC0415

        writer = speaker(language)
        fonts = font_families(writer.language)
        artifacts = []
        for theme, suffix in ((LIGHT, ""), (DARK, "-dark")):
            with drawing(theme, fonts):
                content = png(overview(diagnosis, theme, writer))
            artifacts.append(Artifact(f"overview{suffix}.png", content))
        for n, finding in enumerate(main_findings(diagnosis), 1):
            with drawing(LIGHT, fonts):
                content = png(closeup(diagnosis, finding, LIGHT, writer))
            artifacts.append(Artifact(f"finding-{n}.png", content))
        return tuple(artifacts)
