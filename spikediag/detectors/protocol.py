"""What a detector is, and the registry that finds them."""

from collections.abc import Iterator
from typing import Protocol

from spikediag.detectors.signal import Signal
from spikediag.model import Spike
from spikediag.registry import Registry


class Detector(Protocol):
    """One kind of spike. Fields are settings, the docstring is the public page."""

    @property
    def id(self) -> str:
        """The kind it finds, as in `Kind`."""
        ...

    def find(self, signal: Signal) -> Iterator[Spike]:
        """Spikes of this kind in one series; each stretch at most once."""
        ...


registry: Registry[Detector] = Registry("spikediag.detectors")
