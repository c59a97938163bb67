"""no-clipping: the gradient norm explodes now and then and nothing bounds it."""

import numpy as np

from spikediag.attribution import remedies
from spikediag.model import Condition, FactName, Finding, Role, Run, Status, say

EXPLODED = 10.0  # times the median


def no_clipping(run: Run, findings: tuple[Finding, ...]) -> Condition | None:
    """Whether gradients explode without a stated clip; None when no gradient norm is logged."""
    del findings
    limit = run.fact(FactName.GRAD_CLIP).number
    for series in run.having(Role.GRAD_NORM):
        values = series.values[np.isfinite(series.values) & (series.values > 0)]
        if len(values) < 50:
            continue
        later = values[len(values) // 10 :]  # the first tenth is the start of training
        typical, top = float(np.median(later)), float(np.max(later))
        if top < EXPLODED * typical:
            reading = say(
                "{tag} stays within {times:.1f} times its median {typical:.3g}.",
                tag=series.tag,
                times=top / typical,
                typical=typical,
            )
            return Condition("no-clipping", Status.RULED_OUT, reading, top / typical)
        if limit is not None:
            reading = say(
                "{tag} reaches {times:.0f} times its median {typical:.3g}; gradients are clipped at "
                "{limit:g}.",
                tag=series.tag,
                times=top / typical,
                typical=typical,
                limit=limit,
            )
            return Condition("no-clipping", Status.RULED_OUT, reading, top / typical)
        reading = say(
            "{tag} reaches {times:.0f} times its median {typical:.3g}, and no clipping is known to bound it.",
            tag=series.tag,
            times=top / typical,
            typical=typical,
        )
        upper = float(np.quantile(later, 0.9))
        return Condition(
            "no-clipping", Status.SUPPORTED, reading, top / typical, (remedies.clip_gradients(run, upper),)
        )
    return None
