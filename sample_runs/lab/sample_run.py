"""Sample run: one sample run, from its recipe to the files in its folder."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sample_runs.lab import events
from sample_runs.lab.configuration_places import ConfigurationPlace, config_yaml
from sample_runs.lab.dialects import HIL_SERL, Dialect
from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.metric_log import MetricLog
from sample_runs.lab.recipe import Recipe
from spikediag.live.recorder import Recorder

if TYPE_CHECKING:
    from sample_runs.lab.training import Training

RECORDED_BEFORE, RECORDED_AFTER = 64, 40  # updates before the onset of an incident and from its peak on


@dataclass(frozen=True)
class SampleRun:
    """A training, the one thing that is changed in it, and the way it is written down.

    Attributes:
        subfolder: Where the event files are within the run's folder.
        incident: Onset and peak of an incident of which a flight recorder keeps the updates around.
        by_hand: Train with the gradient by hand: faster, and the same only up to rounding.
    """

    name: str
    recipe: Recipe
    intervention: Intervention
    dialect: Dialect = HIL_SERL
    place: ConfigurationPlace = config_yaml
    subfolder: str = "."
    incident: tuple[int, int] | None = None
    by_hand: bool = False

    def collect(self, root: Path) -> MetricLog:
        """Train, and write events, configuration and truth into `root / name`."""
        from sample_runs.lab.training import Training  # noqa: PLC0415  (torch is needed here only)

        folder = root / self.name
        recorder = Recorder(folder, dimensions=self.recipe.task.action_names)
        onset, peak = self.incident or (0, 0)
        recorded = range(onset - RECORDED_BEFORE, peak + RECORDED_AFTER) if self.incident else range(0)
        training = Training(self.recipe, self.intervention, recorder, recorded)
        log = _by_hand(training) if self.by_hand else training.run()
        facts = self.intervention.configuration(self.recipe.facts())
        write_down(folder, log, self.dialect, place=self.place, facts=facts, subfolder=self.subfolder)
        if self.incident:
            recorder.write(str(peak), onset, peak)
        self.intervention.truth().write(folder / "truth.json", self.name)
        return log


def _by_hand(training: "Training") -> MetricLog:
    from sample_runs.lab.fast_training import DisturbedTraining  # noqa: PLC0415  (so is Numba)

    return DisturbedTraining(training).run()


def write_down(
    folder: Path,
    log: MetricLog,
    dialect: Dialect,
    *,
    place: ConfigurationPlace,
    facts: dict[str, object],
    subfolder: str = ".",
) -> None:
    """Write events and configuration into a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    preface = place(folder, facts)
    events.write(folder / subfolder, log, dialect, preface)
