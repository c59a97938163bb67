"""Saved models beside a run, by their names alone; none is opened."""

import re
from collections.abc import Iterator
from pathlib import Path

from spikediag.model import Checkpoint

NAME = re.compile(
    r"(?:.*[_\-.])?(?:checkpoints?|ckpts?|model|policy|weights|agent|params|state|iter|step|global_step|epoch=\d+-step)"
    r"[_\-=]?(?:step|iter|epoch)?[_\-=]?(\d+)(?:_?k?_?steps)?(?:\.(?:pt|pth|ckpt|zip|safetensors|pkl|bin|npz|msgpack|index|tar))*",
    re.IGNORECASE,
)
FOLDERS = ("", "checkpoints", "checkpoint", "ckpt", "ckpts", "models", "nn", "weights", "saved_models")
MOST = 10_000  # entries looked at in one folder


def checkpoints(folder: Path) -> Iterator[Checkpoint]:
    """Yield the checkpoints of a run, by step; paths are relative to its folder."""
    found = {}
    for place in FOLDERS:
        try:
            names = sorted(
                entry.name for entry, _ in zip((folder / place).iterdir(), range(MOST), strict=False)
            )
        except OSError:
            continue
        for name in names:
            match = NAME.fullmatch(name)
            if match and len(match[1]) < 16:
                found[f"{place}/{name}".lstrip("/")] = int(match[1])
    for path, step in sorted(found.items(), key=lambda item: (item[1], item[0])):
        yield Checkpoint(path, step)
