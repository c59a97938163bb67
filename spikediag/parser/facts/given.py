"""Facts that the user states: on the command line, in Python, or in `spikediag.toml`."""

from collections.abc import Iterator, Mapping

from spikediag.errors import UsageError
from spikediag.model import Origin
from spikediag.parser.facts.claims import Claim
from spikediag.parser.facts.fact_keys import NAMES, usable


def claims_of_user(given: Mapping[str, object], source: str, origin: Origin) -> Iterator[Claim]:
    """Check and claim facts; `{}` in `source` stands for the name of the option or setting.

    Raises:
        UsageError: a fact is unknown or its value cannot be meant.
    """
    for name, value in given.items():
        if value is None:
            continue
        if name not in NAMES:
            raise UsageError(f"{name} is no fact that spikediag knows; these are: {', '.join(NAMES)}.")
        meant = usable(value, NAMES[name].kind, name)
        if meant is None:
            raise UsageError(f"{name} = {value!r} cannot be used; it must be {_KINDS[NAMES[name].kind]}.")
        written = name.replace("_", "-") if source.startswith("--") else name
        yield Claim(name, meant, source.format(written), origin)


_KINDS = {
    "count": "a whole number above 0",
    "positive": "a number above 0",
    "number": "a number, 0 or above",
    "fraction": "a number from 0 to below 1",
    "any": "a number",
    "word": "a word",
}
