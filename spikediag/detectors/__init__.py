"""Series to spikes to incidents; one file per kind of spike."""

from spikediag.detectors.detect import detect, search
from spikediag.detectors.group import group
from spikediag.detectors.power import search_power
from spikediag.detectors.protocol import Detector, registry
from spikediag.detectors.variance import at_restarts

__all__ = ["Detector", "at_restarts", "detect", "group", "registry", "search", "search_power"]
