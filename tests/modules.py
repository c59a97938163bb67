"""The package's modules as syntax trees, parsed and walked once for all tests that read them."""

import ast
from functools import cache
from pathlib import Path

import spikediag

PACKAGE = Path(spikediag.__file__).parent


@cache
def parsed() -> dict[Path, ast.Module]:
    """Tree of every module by its path below the package, in order."""
    return {
        path.relative_to(PACKAGE): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def nodes() -> dict[Path, tuple[ast.AST, ...]]:
    """Every node of each module's tree."""
    return {path: tuple(ast.walk(tree)) for path, tree in parsed().items()}
