"""Specimen: one sample run, from its recipe to the files in its folder."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from sample_runs.lab import events
from sample_runs.lab.dialects import HIL_SERL, Dialect
from sample_runs.lab.interventions.base import Intervention
from sample_runs.lab.logbook import Logbook
from sample_runs.lab.placements import Placement, config_yaml
from sample_runs.lab.recipe import Recipe


@dataclass(frozen=True)
class Specimen:
    """A training, the one thing that is changed in it, and the way it is written down.

    Attributes:
        subfolder: Where the event files are within the run's folder.
    """

    name: str
    recipe: Recipe
    intervention: Intervention
    dialect: Dialect = HIL_SERL
    placement: Placement = config_yaml
    subfolder: str = "."

    def collect(self, root: Path) -> Logbook:
        """Train, and write events, configuration and truth into `root / name`."""
        from sample_runs.lab.training import Training  # noqa: PLC0415  (torch is needed here only)

        logbook = Training(self.recipe, self.intervention).run()
        folder = root / self.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        facts = self.intervention.configuration(self.recipe.facts())
        preface = self.placement(folder, facts)
        events.write(folder / self.subfolder, logbook, self.dialect, preface)
        self.intervention.truth().write(folder / "truth.json", self.name)
        return logbook
