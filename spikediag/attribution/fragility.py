"""What makes a run fragile, spike or not: every condition, in the order a reader should meet them."""

from spikediag.attribution.fragilities import clipping, missing, passes, rate, ratio, sigma
from spikediag.model import Condition, Finding, Run


def conditions(run: Run, findings: tuple[Finding, ...]) -> tuple[Condition, ...]:
    """Judge every condition of a run; `SUPPORTED` means the fragility is there.

    Args:
        run: The run.
        findings: What was found in it; empty for a calm run.
    """
    judged = (
        ratio.batch_ratio(run),
        passes.many_passes(run),
        sigma.sigma_collapse(run, findings),
        rate.constant_rate(run),
        clipping.no_clipping(run, findings),
        missing.no_companion(run),
        missing.no_log_std(run),
    )
    return tuple(condition for condition in judged if condition is not None)
