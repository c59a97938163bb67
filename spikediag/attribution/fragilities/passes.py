"""passes: how often every sample was used, and how much of the data one batch covers."""

from spikediag.attribution.settings import sampling
from spikediag.model import Condition, Run, Status, say

MANY = 1000.0  # passes; in the study no run spiked before a thousand


def many_passes(run: Run) -> Condition | None:
    """Passes over the data in the whole run; None when they cannot be counted."""
    drawn = sampling(run)
    if drawn is None or drawn.steps <= 0:
        return None
    if drawn.passes < MANY:
        return Condition(
            "passes",
            Status.RULED_OUT,
            say(
                "Every sample was used {passes:,.1f} times ({batch:.0f} x {steps:,.0f} / {dataset:.0f}): few "
                "for memorising.",
                passes=drawn.passes,
                batch=drawn.batch,
                steps=drawn.steps,
                dataset=drawn.dataset,
            ),
            drawn.passes,
        )
    return Condition(
        "passes",
        Status.SUPPORTED,
        say(
            "Every sample was used {passes:,.0f} times ({batch:.0f} x {steps:,.0f} / {dataset:.0f}), alike "
            "to within {spread:.1%}; one batch drawn with replacement covers {distinct:.0%} of the dataset, "
            "all of it is seen after {batches:.1f} batches.",
            passes=drawn.passes,
            batch=drawn.batch,
            steps=drawn.steps,
            dataset=drawn.dataset,
            spread=drawn.passes_sd / drawn.passes,
            distinct=drawn.distinct_share,
            batches=drawn.batches_to_see_all,
        ),
        drawn.passes,
    )
