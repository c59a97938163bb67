"""What the configuration of a run says, each value with its source and what contradicts it."""

from spikediag.parser.facts.claims import Claim, settle
from spikediag.parser.facts.given import claims_of_user
from spikediag.parser.facts.names import NAMES, claims_in

__all__ = ["NAMES", "Claim", "claims_in", "claims_of_user", "settle"]
