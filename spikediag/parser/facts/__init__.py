"""What the configuration of a run says, each value with its source and what contradicts it."""

from spikediag.model import Origin
from spikediag.parser.facts.claims import settle
from spikediag.parser.facts.collect import gather
from spikediag.parser.facts.given import claims_of_user

__all__ = ["Origin", "claims_of_user", "gather", "settle"]
