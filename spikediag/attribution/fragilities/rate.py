"""constant-rate: the learning rate never decays, so late updates are as large as early ones."""

import numpy as np

from spikediag.attribution import remedies
from spikediag.attribution.settings import constant_rate_stated
from spikediag.model import Condition, Role, Run, Status, say


def constant_rate(run: Run) -> Condition | None:
    """Whether the rate stays constant to the end, from its series or the configuration; None if unknown."""
    for series in run.having(Role.LEARNING_RATE):
        values = series.values[np.isfinite(series.values)]
        if len(values) < 2:
            continue
        first, top, last = float(values[0]), float(np.max(values)), float(values[-1])
        if np.ptp(values) <= 1e-6 * abs(top):
            reading = say("{tag} is {rate:.3g} from the first point to the last.", tag=series.tag, rate=last)
            return Condition("constant-rate", Status.SUPPORTED, reading, last, (remedies.decay_rate(run),))
        if last >= 0.99 * top:
            reading = say(
                "{tag} ends at {last:.2g}, its highest: it rises and never decays.", tag=series.tag, last=last
            )
            return Condition("constant-rate", Status.SUPPORTED, reading, last, (remedies.decay_rate(run),))
        reading = say(
            "{tag} goes from {first:.2g} over {top:.2g} to {last:.2g}.",
            tag=series.tag,
            first=first,
            top=top,
            last=last,
        )
        return Condition("constant-rate", Status.RULED_OUT, reading, last)
    stated = constant_rate_stated(run)
    if stated is None:
        return None
    reading = say(
        "The configuration states a {value} learning rate ({source}); it is not logged.",
        value=stated.value,
        source=stated.source,
    )
    return Condition(
        "constant-rate", Status.PLAUSIBLE, reading, str(stated.value), (remedies.decay_rate(run),)
    )
