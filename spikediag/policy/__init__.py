"""What a check forbids: the policy, the baseline of accepted spikes, and the history of good runs."""

from spikediag.policy.baseline import Acceptance, accept, apply, expired
from spikediag.policy.rules import judge
from spikediag.policy.ruling import Breach, Gap, Outcome, Pardon, Ruling
from spikediag.policy.settings import Policy
from spikediag.policy.source import load

__all__ = [
    "Acceptance",
    "Breach",
    "Gap",
    "Outcome",
    "Pardon",
    "Policy",
    "Ruling",
    "accept",
    "apply",
    "expired",
    "judge",
    "load",
]
