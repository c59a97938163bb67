"""Configuration documents read safely: no pickle, no YAML tags, no code, bounded size and depth."""

import json
import tomllib
import zipfile
from collections.abc import Mapping
from io import BufferedReader

LARGEST = 1 << 20  # bytes of a configuration file
LARGEST_YAML = 1 << 18  # bytes; PyYAML takes seconds for more


class UnusableError(ValueError):
    """A configuration file that was left out; the message says why."""


def load(file: BufferedReader, suffix: str) -> object:
    """Read an open YAML, JSON or TOML file, or the JSON member `data` of a Stable-Baselines3 archive.

    Raises:
        UnusableError: it is too large or malformed.
        OSError: it cannot be read.
    """
    if suffix == ".zip":
        return _archive(file)
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UnusableError(f"larger than {LARGEST >> 20} MB")
    return parse(content.decode("utf-8", "replace"), suffix)


def parse(text: str, suffix: str) -> object:
    """Parse configuration text by the suffix of its file.

    Raises:
        UnusableError: it is malformed.
    """
    if suffix not in (".json", ".toml") and len(text) > LARGEST_YAML:
        raise UnusableError(f"larger than {LARGEST_YAML >> 10} kB")
    try:
        if suffix == ".json":
            return json.loads(text, parse_int=_bounded_int)
        if suffix == ".toml":
            return tomllib.loads(text)
        from spikediag.parser.facts.safe_yaml import parse_yaml  # noqa: PLC0415  # many runs have no YAML

        return parse_yaml(text)
    except (ValueError, RecursionError) as error:
        raise UnusableError("malformed") from error


def _archive(file: BufferedReader) -> object:
    try:
        with zipfile.ZipFile(file) as archive:
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
