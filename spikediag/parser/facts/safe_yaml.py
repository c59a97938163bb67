"""YAML read safely: tags build no object, aliases and merge keys cannot expand without end."""

from typing import Any

import yaml

MOST_ALIASES = 1000  # a YAML file with more is a bomb, or no configuration
MOST_TOKENS, DEEPEST = 10_000, 64  # PyYAML takes 30 microseconds for a token, more for nested ones
MOST_KEYS = 10_000  # of one mapping, after its merge keys are expanded


def parse_yaml(text: str) -> object:
    """Parse a YAML document; numbers such as 3e-4 are text to YAML 1.1, and the facts read them as numbers.

    Raises:
        ValueError: it is malformed.
    """
    try:
        return yaml.load(text, _PlainLoader)  # noqa: S506  # a SafeLoader
    except (yaml.YAMLError, RecursionError, LookupError, OverflowError, TypeError, AttributeError) as error:
        raise ValueError("malformed") from error


class _PlainLoader(yaml.SafeLoader):
    """A safe loader that reads unknown tags as the plain value below them and builds no object."""

    def fetch_more_tokens(self) -> None:
        self.fetched = getattr(self, "fetched", 0) + 1
        if self.fetched > MOST_TOKENS or self.flow_level > DEEPEST:
            raise yaml.YAMLError("too long or too deep for a configuration")
        super().fetch_more_tokens()

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401  # the signature of PyYAML
        if self.check_event(yaml.AliasEvent):
            self.aliases = getattr(self, "aliases", 0) + 1
            if self.aliases > MOST_ALIASES:
                raise yaml.YAMLError("too many aliases")
        return super().compose_node(parent, index)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > MOST_KEYS:
            raise yaml.YAMLError("merge keys expand without end")


def _plain(loader: _PlainLoader, _suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return _unwrapped(loader.construct_sequence(node, deep=True))
    return loader.construct_scalar(node)  # type: ignore[arg-type]


def _unwrapped(items: list[object]) -> object:
    """Read `!!python/object/apply:collections.OrderedDict [[[key, value], ...]]`, which rl_zoo3 writes."""
    pairs = items[0] if len(items) == 1 and isinstance(items[0], list) else None
    if pairs and all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs
    ):
        return dict(pairs)
    return items


_PlainLoader.add_multi_constructor("", _plain)
