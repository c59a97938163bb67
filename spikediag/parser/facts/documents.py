"""Configuration files read safely: no pickle, no YAML tags, no code, bounded size and depth."""

import json
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

LARGEST = 1 << 20  # bytes of a configuration file
LARGEST_YAML = 1 << 18  # bytes; PyYAML takes seconds for more
MOST_ALIASES = 1000  # a YAML file with more is a bomb, or no configuration
MOST_KEYS = 10_000  # of one mapping, after its merge keys are expanded


class UnusableError(ValueError):
    """A configuration file that was left out; the message says why."""


def load(path: Path) -> object:
    """Read a YAML, JSON or TOML file, or the JSON member `data` of a Stable-Baselines3 archive.

    Raises:
        UnusableError: it is too large, malformed or unreadable.
    """
    try:
        if path.suffix == ".zip":
            return _archive(path)
        if path.stat().st_size > LARGEST:
            raise UnusableError(f"larger than {LARGEST >> 20} MB")
        text = path.read_text("utf-8", "replace")
        return parse(text, path.suffix)
    except OSError as error:
        raise UnusableError(error.strerror or "unreadable") from error


def parse(text: str, suffix: str) -> object:
    """Parse configuration text by the suffix of its file.

    Raises:
        UnusableError: it is malformed.
    """
    try:
        if suffix == ".json":
            return json.loads(text, parse_int=_bounded_int)
        if suffix == ".toml":
            return tomllib.loads(text)
        return _yaml(text)
    except (ValueError, RecursionError, yaml.YAMLError, OverflowError, TypeError, AttributeError) as error:
        raise UnusableError("malformed") from error


class _PlainLoader(yaml.SafeLoader):
    """A safe loader that reads unknown tags as the plain value below them and builds no object."""

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


def _yaml(text: str) -> object:
    if len(text) > LARGEST_YAML:
        raise UnusableError(f"larger than {LARGEST_YAML >> 10} kB")
    # Numbers such as 3e-4 are text to YAML 1.1; the facts read them as numbers.
    return yaml.load(text, _PlainLoader)  # noqa: S506  # a SafeLoader


def _archive(path: Path) -> object:
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("data").file_size > LARGEST:
                raise UnusableError(f"its member data is larger than {LARGEST >> 20} MB")
            with archive.open("data") as member:
                loaded = parse(member.read(LARGEST + 1).decode("utf-8", "replace"), ".json")
    except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise UnusableError("no archive with a JSON member data") from error
    # Serialised Python objects stand under ":type:" and ":serialized:"; they are not looked at.
    return {k: v for k, v in loaded.items() if k != ":serialized:"} if isinstance(loaded, Mapping) else loaded


def _bounded_int(text: str) -> int | float:
    return int(text) if len(text) < 40 else float("inf")
