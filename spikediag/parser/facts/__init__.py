"""What the configuration of a run says, each value with its source and what contradicts it."""

from spikediag.parser.facts.claims import Trust, settle
from spikediag.parser.facts.gather import gather
from spikediag.parser.facts.given import claims_of_user

__all__ = ["Trust", "claims_of_user", "gather", "settle"]
