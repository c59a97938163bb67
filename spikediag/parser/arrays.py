"""A run from arrays in memory, understood as if it had been read from a file."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from spikediag.errors import UsageError
from spikediag.model import Run, StepUnit
from spikediag.parser.facts import Origin, claims_of_user, settle
from spikediag.parser.library_presets import log_lines, recognise
from spikediag.parser.roles import cast, series, without_twins
from spikediag.parser.track import Track, straighten


def run_from_arrays(
    arrays: Mapping[str, tuple[ArrayLike, ArrayLike]], facts: Mapping[str, object] | None = None
) -> Run:
    """Build a run from `{tag: (steps, values)}`, each (n,), and facts such as `{"batch_size": 256}`.

    Points may come in any order; of two with the same step the later counts. NaN and Inf values are kept.

    Raises:
        UsageError: an array cannot be used as steps or values, or a fact is unknown.
    """
    tracks, notes = {}, []
    for tag, (steps, values) in arrays.items():
        straight = straighten(_checked(tag, steps, values), rewinds=False)
        tracks[tag] = straight.track
        if straight.dropped:
            notes.append(f"{tag}: {straight.dropped} points gave way to later ones of the same step.")
    preset = recognise(tracks)
    parts = cast(tracks, preset, {})
    found = without_twins({tag: series(tag, track, parts[tag]) for tag, track in tracks.items()})
    return Run(
        path="",
        name="arrays",
        series=MappingProxyType(dict(sorted(found.items()))),
        facts=settle(claims_of_user(facts or {}, "given: {}", Origin.COMMAND_LINE)),
        library=preset.name if preset else None,
        step_unit=preset.step_unit if preset else StepUnit.STEP,
        notes=tuple(notes),
        log_lines=log_lines(preset),
    )


def _checked(tag: str, steps: ArrayLike, values: ArrayLike) -> Track:
    try:
        x, y = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{tag}: steps and values must be numbers.") from error
    if x.ndim != 1 or x.shape != y.shape:
        raise UsageError(
            f"{tag}: steps {x.shape} and values {y.shape} must be one-dimensional and equally long."
        )
    if not np.isfinite(x).all() or (np.abs(x) > 2**53).any() or (x != np.round(x)).any():
        raise UsageError(f"{tag}: steps must be whole numbers.")
    return Track(x.astype(np.int64), y, np.full(len(x), np.nan))
