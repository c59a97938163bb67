"""The page on the package index is README.md with absolute links: there, relative ones lead nowhere."""

import re
import tomllib
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
ADDRESS = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"][
    "Repository"
]
VERSION = re.search(
    r'"(.+)"', (HERE / "spikediag" / "version.py").read_text(encoding="utf-8").splitlines()[-1]
)
LINK = re.compile(r"(?P<picture>!?)(?P<text>\[[^\]]*\])\((?!https?:|#)(?P<target>[^)]+)\)")


def absolute(link: re.Match[str]) -> str:
    """The same link into the repository, at the tag of this version."""
    view = "raw" if link["picture"] else "blob"
    return f"{link['picture']}{link['text']}({ADDRESS}/{view}/v{VERSION[1]}/{link['target']})"


setup(
    long_description=LINK.sub(absolute, (HERE / "README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
)
