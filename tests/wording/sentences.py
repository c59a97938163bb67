"""Every sentence that the package can say, collected from its source, its presets and its pages."""

import ast
import inspect
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

from spikediag import attribution, detectors, reporter
from spikediag.cli.explain import PARAGRAPH
from tests import modules
from tests.modules import PACKAGE


@cache
def templates() -> dict[str, Path]:
    """English template -> a file that says it."""
    found: dict[str, Path] = {}
    for path, nodes in modules.nodes().items():
        found |= dict.fromkeys(_of_python(path, nodes), path)
    for path in sorted(PACKAGE.rglob("presets/*.toml")):
        rules = tomllib.loads(path.read_text(encoding="utf-8"))["rule"]
        reasons = [rule["reason"] for rule in rules if "reason" in rule]
        found |= dict.fromkeys(reasons, path.relative_to(PACKAGE))
    return found | dict(_pages())


def _pages() -> Iterator[tuple[str, Path]]:
    """Every paragraph of a page that `spikediag explain` shows."""
    for stage in (attribution, detectors, reporter):
        for plugin in stage.registry.load().values():
            page = inspect.cleandoc(type(plugin).__doc__ or "")
            for paragraph in PARAGRAPH.finditer(page + "\n"):
                yield " ".join(paragraph[0].split()), Path(type(plugin).__module__)


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def _of_python(path: Path, nodes: tuple[ast.AST, ...]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
            first = node.args[0]
            assert isinstance(first, ast.Constant), f"{path}:{node.lineno}: say() wants a literal template"
            yield first.value


def worded(template: str) -> bool:
    """Whether there is anything to translate: letters outside the fields."""
    return any(c.isalpha() for literal, *_ in Formatter().parse(template) for c in literal)
