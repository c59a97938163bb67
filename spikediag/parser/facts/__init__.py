"""What the configuration of a run says: each fact with its source, and what contradicts it.

`fact_keys` knows under which keys libraries state a fact; `claims` says whom we believe; the other modules
each read one kind of source, and `collect` asks them all.
"""

from spikediag.parser.facts.claims import Claim, claims_of_user, settle, shown_value
from spikediag.parser.facts.collect import CollectedFacts, collect_facts

__all__ = ["Claim", "CollectedFacts", "claims_of_user", "collect_facts", "settle", "shown_value"]
