"""Facts that a training printed and somebody kept: the console log beside a run."""

import re
from collections.abc import Iterator
from pathlib import Path

from spikediag.model import FactName, Origin
from spikediag.parser.facts.claims import Claim, FileClaims
from spikediag.parser.fingerprint import fingerprint

NAMES = re.compile(
    r"(.*[._-])?(log|stdout|stderr|out|output|console|train|nohup)([._-].*)?\.(log|txt|out)", re.IGNORECASE
)
MOST_FILES, MOST_BYTES = 8, 1 << 20  # of each, its beginning
LINES = {  # what HIL-SERL, LeRobot and the Hugging Face Trainer print when a training begins
    FactName.DATASET_SIZE: (
        r"(?:bc )?replay buffer size:\s*(\d+)",
        r"dataset\.num_frames=(\d+)",
        r"Num examples = ([\d,]+)",
    ),
    FactName.BATCH_SIZE: (r"Instantaneous batch size per device = ([\d,]+)",),
    FactName.GRADIENT_ACCUMULATION: (r"Gradient Accumulation steps = ([\d,]+)",),
    FactName.EFFECTIVE_BATCH_SIZE: (
        r"Total train batch size .{0,200}= ([\d,]+)",
        r"Effective batch size: .{0,200}= (\d+)",
    ),
    FactName.TRAIN_STEPS: (r"Total optimization steps = ([\d,]+)", r"cfg\.steps=(\d+)"),
}


def console_logs(folder: Path) -> Iterator[FileClaims]:
    """Read the console logs in a run's folder; a log may be of another attempt, so it is trusted last."""
    try:
        paths = sorted(path for path in folder.iterdir() if NAMES.fullmatch(path.name) and path.is_file())
    except OSError:
        return
    yield from (log for path in paths[:MOST_FILES] if (log := _read(path, folder)))


def _read(path: Path, folder: Path) -> FileClaims | None:
    try:
        with path.open("rb") as file:
            claims = tuple(_claims(file.read(MOST_BYTES).decode("utf-8", "replace"), path.name))
            return FileClaims(claims, fingerprint(file, folder)) if claims else None
    except OSError:
        return None


def _claims(text: str, name: str) -> Iterator[Claim]:
    for fact, patterns in LINES.items():
        found = next((match for pattern in patterns if (match := re.search(pattern, text))), None)
        if found and (value := int(found[1].replace(",", "")[:18] or 0)):
            line = text.count("\n", 0, found.start()) + 1
            yield Claim(fact, value, f"{name}: line {line}", Origin.PRINTED, 0.9)
