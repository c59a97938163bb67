"""The Python API: a run and its diagnosis, with what a notebook wants of them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import ArrayLike

from spikediag import comparison, model
from spikediag.model import Run as ModelRun

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Given = str | int | float | bool
Training = str | Path | ModelRun | model.Diagnosis
Trainings = Training | Sequence[Training]


class Run(model.Run):
    """One training run; read it with `spikediag.read_run` or build it from arrays."""

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, tuple[ArrayLike, ArrayLike]], **facts: Given) -> Self:
        """Build a run from `{tag: (steps, values)}`, each (n,), and facts such as `batch_size=256`.

        Roles are assigned from the tags as for event files.

        Raises:
            UsageError: an array cannot be used as steps or values, or a fact is unknown.
        """
        from spikediag.parser import run_from_arrays

        return cls._of(run_from_arrays(arrays, facts))

    @classmethod
    def _of(cls, run: ModelRun) -> Self:
        return cls(**{f.name: getattr(run, f.name) for f in fields(ModelRun)})


class Diagnosis(model.Diagnosis):
    """What was found in a run, why, and whether it matters."""

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis in the stable JSON form, schema `spikediag.diagnosis/1`."""
        from spikediag import reporter

        return reporter.to_dict(self)

    def to_frame(self, table: str = "findings") -> "pd.DataFrame":
        """One table of the diagnosis: `findings`, `causes` or `conditions`, a row each."""
        from spikediag import reporter

        return reporter.to_frame(self, table)

    def to_markdown(self, lang: str = "en") -> str:
        """The post-mortem as Markdown."""
        from spikediag import reporter

        return reporter.to_markdown(self, lang)

    def to_html(self, lang: str = "en") -> str:
        """The post-mortem as one self-contained web page."""
        from spikediag import reporter

        return reporter.to_html(self, lang)

    def figure(self, axes: "Axes | None" = None) -> "Figure":
        """The overview figure; drawn on `axes` when given."""
        from spikediag import reporter

        return reporter.figure(self, axes)

    def _repr_html_(self) -> str:
        from spikediag import reporter

        return reporter.to_notebook(self)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def read_run(path: str | Path, **facts: Given) -> Run:
    """Read a run directory or a single event file; facts override what the run says of itself.

    Raises:
        UnreadableRunError: there is nothing at `path` that could be read as a run.
        UsageError: a fact has an unknown name or an unusable value.
    """
    from spikediag import parser

    return Run._of(parser.read_run(path, facts))  # noqa: SLF001  # same class, other module function


def diagnose(run: str | Path | ModelRun, **facts: Given) -> Diagnosis:
    """Diagnose a run, or the run at a path.

    Raises:
        UnreadableRunError: there is nothing at the path that could be read as a run.
        NoLossError: the run has no tag that is understood as a loss.
        UsageError: a fact has an unknown name or an unusable value.
    """
    from spikediag import pipeline
    from spikediag.errors import UsageError

    if isinstance(run, ModelRun):
        if facts:
            raise UsageError(
                "Give facts to read_run or Run.from_arrays; the run passed here was read already."
            )
        read = run
    else:
        read = read_run(run, **facts)
    found = pipeline.diagnose(read)
    return Diagnosis(**{f.name: getattr(found, f.name) for f in fields(model.Diagnosis)})


class Comparison(comparison.Comparison):
    """What changed between trainings before and after, and whether it helped."""

    def to_dict(self) -> dict[str, Any]:
        """The comparison in the stable JSON form, schema `spikediag.comparison/1`."""
        return comparison.to_dict(self)

    def to_markdown(self) -> str:
        """The comparison as Markdown, without a picture."""
        return comparison.to_markdown([self], picture=False)

    def to_png(self) -> bytes:
        """The figure: losses and errors of both sides on shared axes."""
        return comparison.picture([self])

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def compare(before: Trainings, after: Trainings, *, by: str = "step", min_height: float = 0.0) -> Comparison:
    """Say whether a change made training more stable, and what it cost.

    Args:
        before: a run, its path, or its diagnosis; or a list of these, one for each seed.
        after: the same, after the change.
        by: "step" or "pass" over the data, the axis on which the sides are laid.
        min_height: count only jumps of this height, in units of the loss.

    Raises:
        UnreadableRunError: there is nothing at a path that could be read as a run.
        NoLossError: a run has no tag that is understood as a loss.
        UsageError: the runs share no loss or no stretch of the axis, or passes cannot be computed.
    """
    sides = [tuple(_diagnosed(run) for run in _listed(side)) for side in (before, after)]
    groups = [comparison.Group(", ".join(dict.fromkeys(d.run.name for d in side)), side) for side in sides]
    (found,) = comparison.compare(groups[0], groups[1:], by, min_height)
    return Comparison(**{f.name: getattr(found, f.name) for f in fields(comparison.Comparison)})


def _listed(side: Trainings) -> Sequence[Training]:
    return [side] if isinstance(side, str | Path | ModelRun | model.Diagnosis) else list(side)


def _diagnosed(run: Training) -> model.Diagnosis:
    return run if isinstance(run, model.Diagnosis) else diagnose(run)
