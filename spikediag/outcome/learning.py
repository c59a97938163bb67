"""Did learning stop? A loss that improved before a jump, against its pace after it."""

import math

from spikediag.model import Finding, Run, Text, say
from spikediag.stats.trend import BLOCK, BLOCKS, trend

LEAST_SHARE = 0.25  # of the improvement foretold; less counts as none
SURE = 3.0  # standard errors
LONGEST = 129  # points of one of the three levels before and after


def stopped(run: Run, finding: Finding) -> Text | None:
    """The sentence that says so; None where it went on, was over before, or cannot be told."""
    spike = finding.spike
    if spike.end_step is None:
        return None
    series = run.series[spike.tag]
    before = series.values[series.finite & (series.steps < spike.onset_step)]
    after = series.values[series.finite & (series.steps >= spike.end_step)]
    block = min(LONGEST, len(before) // BLOCKS, len(after) // BLOCKS)
    if block < BLOCK:
        return None
    past, now = trend(before, block), trend(after[: BLOCKS * block], block)
    apart = (spike.stop - spike.start) + BLOCKS * block
    (first, _), (last, error) = past.foretold(apart - (BLOCKS - 1) * block), past.foretold(apart)
    foretold, fell = first - last, now.levels[0] - now.levels[-1]
    unsure = math.hypot(error, math.sqrt(2) * now.block_error)
    if not (foretold > SURE * unsure and foretold - fell > SURE * unsure and fell < LEAST_SHARE * foretold):
        return None
    return say(
        "{tag} stopped improving after it: over {points} logged points its trend foretold a fall of "
        "{foretold:.3g}, it fell by {fell:.3g}.",
        tag=series.tag,
        points=(BLOCKS - 1) * block,
        foretold=foretold,
        fell=fell,
    )
