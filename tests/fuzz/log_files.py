"""Logs of every source but event files that are nearly right."""

import json
import random
from functools import cache

from tests.fuzz import attacks
from tests.parser.sources import wandb_files as wandb

NUMBERS = (
    "1",
    "-0.5",
    "nan",
    "NaN",
    "inf",
    "-Infinity",
    "1e400",
    "9" * 400,
    "",
    "true",
    "null",
    '"x"',
    "0x1",
    "1_0",
)


@cache
def names() -> tuple[str, ...]:
    return (
        *("metrics.csv", "progress.csv", "progress.json", "trainer_state.json", "trainer_log.jsonl"),
        *("logs.json.txt", "train.csv", "log.txt", "any.csv", "any.jsonl", "run-abc.wandb", "train.log"),
    )


def file(rng: random.Random) -> tuple[str, bytes]:
    """A name that a source knows, and what may be in such a file."""
    name = rng.choice(names())
    content = _whole(rng, name)
    for _ in range(rng.choice((0, 0, 1, 1, 3, 10))):
        content = _broken(rng, content)
    return name, content


def _whole(rng: random.Random, name: str) -> bytes:
    tags = [
        rng.choice(("loss", "train/loss", "training/actor/mse", attacks.attack(rng), "a.b")) for _ in range(3)
    ]
    table = [
        (k * rng.choice((1, 1, 10**18)), [rng.choice(NUMBERS) for _ in tags])
        for k in range(rng.randrange(40))
    ]
    if name.endswith(".csv"):
        lines = ["step," + ",".join(f'"{tag}"' for tag in tags)]
        lines += [f"{step}," + ",".join(cells) for step, cells in table]
        return "\n".join([*lines, ""]).encode(errors="surrogatepass")
    if name.endswith(".wandb"):
        keys = [tag or "x" for tag in tags]
        rows = [dict(zip(keys, (c.encode() for c in cells), strict=True)) for _, cells in table]
        rows = [{k.encode(errors="replace").decode(): v for k, v in row.items()} for row in rows]
        extra = [wandb.metric("*", "loss"), wandb.run({"a": {"b": [1]}}), wandb.system(cpu=1.0)]
        return wandb.encoded([*rng.sample(extra, 2), *(wandb.history(k, row) for k, row in enumerate(rows))])
    step = rng.choice(("step", "global_step", "current_steps", "time/total_timesteps"))
    records = [
        {step: at, **{tag: _json(cell) for tag, cell in zip(tags, cells, strict=True)}} for at, cells in table
    ]
    if name == "trainer_state.json":
        return json.dumps({"log_history": records, "train_batch_size": 3}).encode()
    if name.endswith((".txt", ".log")) and name != "logs.json.txt":
        text = "".join(
            f"Train Epoch {at}\n{json.dumps(r, indent=4)}\n{r}\nStep {at}: loss={at}\n"
            for at, r in enumerate(records)
        )
        return text.encode(errors="surrogatepass")
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _json(cell: str) -> object:
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def _broken(rng: random.Random, content: bytes) -> bytes:
    at = rng.randrange(len(content) + 1)
    other = rng.randrange(len(content) + 1)
    return rng.choice(
        (
            content[:at],
            content[at:],
            content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :],
            content[:at] + content[other:],
            content[:at] + rng.randbytes(rng.randrange(50)) + content[at:],
            content[:at] + rng.choice(NUMBERS).encode() + content[at:],
            content + content[at:],
        )
    )
