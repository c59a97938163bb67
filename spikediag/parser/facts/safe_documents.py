"""Configuration documents read safely: no pickle, no YAML tags, no code, bounded size and depth."""

import ast
import configparser
import json
import zipfile
from collections.abc import Iterator, Mapping
from io import BufferedReader

from spikediag.bounded_toml import parse_toml
from spikediag.errors import SaidError
from spikediag.text import say

LARGEST = 1 << 20  # bytes of a configuration file
LARGEST_YAML = 1 << 18  # bytes; PyYAML takes seconds for more
TOP = "top"  # of an INI file


class UnusableError(SaidError):
    """A configuration file that was left out; the message says why."""


def read_document(file: BufferedReader, suffix: str) -> object:
    """Read an open YAML, JSON, TOML, INI, Python or text file, or the member `data` of an archive of SB3.

    Raises:
        UnusableError: it is too large or malformed.
        OSError: it cannot be read.
    """
    if suffix == ".zip":
        return _archive(file)
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise UnusableError(say("larger than {size} MB", size=LARGEST >> 20))
    return parse(content.decode("utf-8", "replace"), suffix)


def parse(text: str, suffix: str) -> object:
    """Parse configuration text by the suffix of its file.

    Raises:
        UnusableError: it is malformed.
    """
    if suffix not in (".json", ".toml") and len(text) > LARGEST_YAML:
        raise UnusableError(say("larger than {size} kB", size=LARGEST_YAML >> 10))
    try:
        if suffix == ".json":
            return json.loads(text, parse_int=_bounded_int)
        if suffix == ".toml":
            return parse_toml(text)
        if suffix in (".ini", ".cfg"):
            return _ini(text)
        if suffix == ".py":
            return assigned(ast.parse(text))
        if suffix == ".txt":
            from spikediag.parser.facts.free_text import document_in  # noqa: PLC0415  # it asks here for JSON

            return document_in(text)
        from spikediag.parser.facts.safe_yaml import parse_yaml  # noqa: PLC0415  # many runs have no YAML

        return parse_yaml(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, configparser.Error) as error:
        raise UnusableError(say("malformed")) from error


def mappings_in(document: object) -> Iterator[Mapping[object, object]]:
    """A document and what lies in it, at most three mappings deep, the outer ones first."""
    level = [document]
    for _ in range(4):
        mappings = [part for part in level if isinstance(part, Mapping)]
        yield from mappings
        level = [value for mapping in mappings for value in list(mapping.values())[:64]]


def _ini(text: str) -> object:
    """Sections and their values; what stands before the first section is read too."""
    parser = configparser.RawConfigParser(strict=False, default_section="")
    parser.read_string(f"[{TOP}]\n{text}")
    return {section: dict(parser[section]) for section in parser.sections()}


def assigned(tree: ast.Module | ast.ClassDef) -> dict[str, object]:
    """The plain data that Python source assigns to names, at its top and in class bodies; nothing is run."""
    found: dict[str, object] = {}
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name):
                found[name] = assigned(node)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found |= _plain(name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found |= _plain(name, value)
    return found


def _plain(name: str, value: ast.expr) -> dict[str, object]:
    try:
        return {name: ast.literal_eval(value)}
    except (ValueError, TypeError, MemoryError, RecursionError):
        return {}


def _archive(file: BufferedReader) -> object:
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.getinfo("data").file_size > LARGEST:
                raise UnusableError(say("its member data is larger than {size} MB", size=LARGEST >> 20))
            with archive.open("data") as member:
                loaded = parse(member.read(LARGEST + 1).decode("utf-8", "replace"), ".json")
    except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise UnusableError(say("no archive with a JSON member data")) from error
    # Serialised Python objects stand under ":type:" and ":serialized:"; they are not looked at.
    return {k: v for k, v in loaded.items() if k != ":serialized:"} if isinstance(loaded, Mapping) else loaded


def _bounded_int(text: str) -> int | float:
    return int(text) if len(text) < 40 else float("inf")
