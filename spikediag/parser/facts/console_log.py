"""Facts that a training printed and somebody kept: the console log beside a run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spikediag.model import Origin
from spikediag.parser.facts.claims import Claim

NAMES = re.compile(
    r"(.*[._-])?(log|stdout|stderr|out|output|console|train|nohup)([._-].*)?\.(log|txt|out)", re.IGNORECASE
)
MOST_FILES, MOST_BYTES = 8, 1 << 20  # of each, its beginning
LINES = {  # what HIL-SERL, LeRobot and the Hugging Face Trainer print when a training begins
    "dataset_size": (
        r"(?:bc )?replay buffer size:\s*(\d+)",
        r"dataset\.num_frames=(\d+)",
        r"Num examples = ([\d,]+)",
    ),
    "batch_size": (r"Instantaneous batch size per device = ([\d,]+)",),
    "gradient_accumulation": (r"Gradient Accumulation steps = ([\d,]+)",),
    "effective_batch_size": (r"Total train batch size .*= ([\d,]+)", r"Effective batch size: .*= (\d+)"),
    "train_steps": (r"Total optimization steps = ([\d,]+)", r"cfg\.steps=(\d+)"),
}


@dataclass(frozen=True)
class Printed:
    """A log that said something."""

    path: Path
    claims: tuple[Claim, ...]


def printed(folder: Path) -> Iterator[Printed]:
    """Read the console logs in a run's folder; a log may be of another attempt, so it is trusted last."""
    try:
        paths = sorted(path for path in folder.iterdir() if NAMES.fullmatch(path.name) and path.is_file())
    except OSError:
        return
    for path in paths[:MOST_FILES]:
        try:
            with path.open("rb") as file:
                text = file.read(MOST_BYTES).decode("utf-8", "replace")
        except OSError:
            continue
        claims = tuple(_claims(text, path.name))
        if claims:
            yield Printed(path, claims)


def _claims(text: str, name: str) -> Iterator[Claim]:
    for fact, patterns in LINES.items():
        found = next((match for pattern in patterns if (match := re.search(pattern, text))), None)
        if found and (value := int(found[1].replace(",", "")[:18] or 0)):
            line = text.count("\n", 0, found.start()) + 1
            yield Claim(fact, value, f"{name}: line {line}", Origin.PRINTED, 0.9)
