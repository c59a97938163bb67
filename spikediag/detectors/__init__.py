"""Series to spikes to incidents; one file per kind of spike."""

from spikediag.detectors.announced import at_announced
from spikediag.detectors.detect import detect, search
from spikediag.detectors.group import group
from spikediag.detectors.power import search_power
from spikediag.detectors.protocol import Detector, registry

__all__ = ["Detector", "at_announced", "detect", "group", "registry", "search", "search_power"]
