"""The `spikediag.toml` that commands write beside a run."""

import json
from collections.abc import Iterator, Mapping

SETTINGS = "spikediag.toml"


def settings_toml(**tables: Mapping[str, object]) -> str:
    """Tables that are not empty, by name; their keys and values are written in TOML as in JSON."""
    return "\n".join("\n".join(_lines(name, table)) for name, table in tables.items() if table)


def _lines(name: str, table: Mapping[str, object]) -> Iterator[str]:
    yield f"[{name}]"
    for key, value in sorted(table.items()):
        yield f"{json.dumps(key, ensure_ascii=False)} = {json.dumps(value, ensure_ascii=False)}"
    yield ""
