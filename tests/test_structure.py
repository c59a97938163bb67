"""How the code is cut: an idea has one file, a fact one name, a sentence one place."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import repeat
from pathlib import Path

from spikediag import attribution, detectors, reporter
from spikediag.model import FactName
from spikediag.parser import sources
from tests import modules
from tests.conftest import ROOT
from tests.modules import PACKAGE

FRAGMENT = 80  # lines; a longer module may well stand alone
SENTENCE = 40  # characters that nobody writes twice by chance
REGISTRIES = (detectors.registry, attribution.registry, reporter.registry, sources.registry)


def dotted(path: Path) -> str:
    return ".".join(("spikediag", *path.with_suffix("").parts))


@cache
def parsed() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name."""
    return {dotted(path): tree for path, tree in modules.parsed().items()}


def nodes() -> Iterator[tuple[str, ast.AST]]:
    """Every node of every module, with the module's dotted name."""
    for path, walked in modules.nodes().items():
        yield from zip(repeat(dotted(path)), walked, strict=False)


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules of the package that a module imports when it is loaded, so not inside a function."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef):
            yield from imported(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers() -> dict[str, set[str]]:
    """By module: the modules that import it when they are loaded."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, tree in parsed().items():
        for target in set(imported(tree)) & parsed().keys():
            found[target].add(name)
    return found


def room(module: str) -> str:
    """The folder below `spikediag/` that a module belongs to."""
    return module.split(".")[1] if module.count(".") > 1 else ""


def is_command(module: str) -> bool:
    """One file per command: it holds the function of its own name."""
    own = module.rpartition(".")[2]
    functions = (node.name for node in parsed()[module].body if isinstance(node, ast.FunctionDef))
    return room(module) == "cli" and own in functions


def lines(module: str) -> int:
    return len((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8").splitlines())


def test_no_small_module_serves_one_other_alone() -> None:
    """Half an idea in a file of its own costs the reader a hop; it belongs into the file that uses it.

    One that is imported inside a function stands apart for a reason: what it imports is heavy.
    """
    plugins = {type(plugin).__module__ for registry in REGISTRIES for plugin in registry.load().values()}
    fragments = [
        f"{module} ({lines(module)} lines) is imported by {next(iter(users))} only"
        for module, users in sorted(importers().items())
        if len(users) == 1
        and room(module) == room(next(iter(users))) != ""
        and module not in plugins
        and not is_command(module)
        and not next(iter(users)).endswith("__init__")
        and lines(module) < FRAGMENT
    ]
    assert not fragments, "\n".join(fragments)


def test_every_fact_has_keys_and_every_key_a_fact() -> None:
    tables = [
        tomllib.loads(path.read_text(encoding="utf-8"))
        for path in (PACKAGE / "parser" / "facts").glob("*.toml")
    ]
    keys = {name: table["keys"] for document in tables for name, table in document.items()}
    assert set(keys) == {name.value for name in FactName}
    assert all(keys.values())


def sentences() -> Iterator[tuple[str, str]]:
    """The strings of each module that are no docstrings."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for _, node in nodes()
        if isinstance(node, owners) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for name, node in nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield name, node.value


def test_no_sentence_is_written_twice() -> None:
    """A second copy is the one that stays wrong when the first is corrected."""
    places = defaultdict(list)
    for name, text in sentences():
        places[text].append(name)
    pages = "".join(path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.j2")))
    for text in set(re.findall(r"""\bt\(\s*["'](.+?)["'][,)]""", pages)):  # Markdown and HTML say the same
        places[text].append("a template")
    twice = [
        f"{text!r}: {', '.join(where)}"
        for text, where in sorted(places.items())
        if len(where) > 1 and len(text) >= SENTENCE and " " in text
    ]
    assert not twice, "\n".join(twice)


def test_every_package_is_found_by_the_build() -> None:
    folders = {path.parent for path in PACKAGE.rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


def test_nothing_below_the_command_line_prints() -> None:
    """`spikediag.new` is a command too, of a checkout."""
    prints = [
        f"{name}:{node.lineno}"
        for name, node in nodes()
        if room(name) != "cli"
        and name != "spikediag.new"
        and isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not prints


def test_what_the_package_imports_it_declares() -> None:
    named = {
        "PIL": "pillow",
        "pytorch_lightning": "pytorch-lightning",
        "stable_baselines3": "stable-baselines3",
        "yaml": "pyyaml",
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]  # what a user may add, but not what developers need
    lines = (
        *project["dependencies"],
        *(line for extra in extras.keys() - {"dev", "lab"} for line in extras[extra]),
    )
    declared = {re.split(r"[<>=]", line)[0] for line in lines} | {"pytest"}
    roots = {alias.name for _, node in nodes() if isinstance(node, ast.Import) for alias in node.names}
    roots |= {node.module for _, node in nodes() if isinstance(node, ast.ImportFrom) and node.module}
    foreign = {root.partition(".")[0] for root in roots} - set(sys.stdlib_module_names) - {"spikediag"}
    assert {named.get(root, root) for root in foreign} <= declared
