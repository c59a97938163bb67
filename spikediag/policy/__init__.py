"""What a check forbids: the policy and its rules, the baseline of accepted spikes, the history of good runs.

Only the policy itself is loaded here: the command line names its keys before anything heavy is needed.
"""

from spikediag.policy.policy import Policy, load, not_asked

__all__ = ["Policy", "load", "not_asked"]
