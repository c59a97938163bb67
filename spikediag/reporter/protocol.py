"""What a report format is, and the registry that finds them."""

from typing import Protocol

from spikediag.model import Artifact, Diagnosis
from spikediag.registry import Registry
from spikediag.wording.language import Language


class Format(Protocol):
    """One way of writing a diagnosis down. Pure: the same diagnosis gives the same bytes."""

    @property
    def id(self) -> str:
        """What the user types after `--format`; also the name of the module."""
        ...

    def render(self, diagnosis: Diagnosis, language: Language) -> tuple[Artifact, ...]:
        """The files of this format; names are fixed by the format, never taken from the run."""
        ...


registry: Registry[Format] = Registry("spikediag.reporter.formats")
