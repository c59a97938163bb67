"""What a check forbids: the policy, the baseline of accepted spikes, and the history of good runs."""

from spikediag.policy import baseline, baseline_file, history
from spikediag.policy.acceptance import Acceptance
from spikediag.policy.finding_rules import describe
from spikediag.policy.rules import judge
from spikediag.policy.ruling import Breach, Gap, Gate, Outcome, Pardon, Ruling, Unread
from spikediag.policy.settings import Policy
from spikediag.policy.source import load

__all__ = [
    "Acceptance",
    "Breach",
    "Gap",
    "Gate",
    "Outcome",
    "Pardon",
    "Policy",
    "Ruling",
    "Unread",
    "baseline",
    "baseline_file",
    "describe",
    "history",
    "judge",
    "load",
]
