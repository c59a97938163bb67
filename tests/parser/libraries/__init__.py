"""The tags of real libraries (as their own sources write them) and what each must be understood as.

One file a library, named as its preset: role by tag; `role:measure` where the measure matters. Every tag
that is not listed under a role is `other`.
"""

import tomllib
from pathlib import Path

LIBRARIES: dict[str, dict[str, str]] = {
    file.stem.replace("_", "-"): tomllib.loads(file.read_text(encoding="utf-8"))
    for file in sorted(Path(__file__).parent.glob("*.toml"))
}
