"""Logs of every source but event files that are nearly right."""

import io
import json
import random
import sqlite3
from functools import cache
from pathlib import Path

import numpy as np

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
    '"1,000.5"',
    "0,5",
    "1.#IND",
    "tensor(0.5, device='cuda:0')",
    "2026-01-02 03:04:05",
)
COUNTERS = (
    "step",
    "step",
    "epoch,step",
    "epoch,batch",
    "epoch",
    "Global Step",
    "timestamp,iter",
    "t",
    "run,tag,step",
)
PRINTED = (
    "iter {at}: loss {cell}, time 12.5ms",
    "epoch {at} step {at}: train_loss={cell}",
    "[2026-01-01] iteration {at}/ 40 | lm loss: {cell} |",
    "Epoch(train) [{at}][{at}/40]  loss: {cell}",
    "step:{at}K smpl:1 ep:1 epch:{cell} loss:0.5",
    "step:{cell} smpl:1 ep:1 loss:{cell}",
)
PROGRAMS = (  # what each prints at a step
    "s:{at} trl:{cell} lr:{cell}",
    "{at} train {cell}",
    "Epoch {at}/40 - loss: {cell}",
    "Epoch [{at}/9], Step [{at}/40], Loss: {cell}",
    "[{at}, {cell}] loss: {cell}",
    "Epoch 0:  2%|#  | {at}/40 [00:10<00:20, loss={cell}]",
    "global_step: {at} step: {cell} loss: {cell}",
    "| time/ | |\n|  total_timesteps | {at} |\n| train/ | |\n|  loss | {cell} |\n-----",
    " Learning iteration {at}/40 \n  Mean surrogate loss: {cell}\n  ETA: {cell}",
    "[epoch={at}][batch={at}/40]:\n\t Train time/batch: {cell}\n\t Train loss/train/total: {cell}",
    '| INFO | {{"num_updates": "{at}", "update": {at}.5, "valid_num_updates": "{cell}", "loss": 1}}',
)
SEEN = (
    "tokens",
    "consumed_samples",
    "epoch,examples",
    "num_input_tokens_seen,step",
    "Iteration,TotalEnvSteps",
)
UNICODES = ("utf-8-sig", "utf-16", "utf-32", "utf-16-le")


@cache
def names() -> tuple[str, ...]:
    return (
        *("metrics.csv", "progress.csv", "progress.json", "trainer_state.json", "trainer_log.jsonl"),
        *("logs.json.txt", "train.csv", "log.txt", "any.csv", "any.jsonl", "run-abc.wandb", "train.log"),
        *("progress.txt", "any.tsv", "history.json", "scalars.json", "slurm-1.err"),
        *("any.dat", "loss.txt", "train.out"),
    )


def file(rng: random.Random) -> tuple[str, bytes]:
    """A name that a source knows, and what may be in such a file."""
    name = rng.choice(names())
    content = _whole(rng, name)
    for _ in range(rng.choice((0, 0, 1, 1, 3, 10))):
        content = _broken(rng, content)
    if rng.random() < 0.05:
        content = content.decode("utf-8", "replace").encode(rng.choice(UNICODES))
    return name, content


def _whole(rng: random.Random, name: str) -> bytes:  # noqa: PLR0911  # a kind of file each
    tags = [
        rng.choice(("loss", "train/loss", "training/actor/mse", attacks.attack(rng), "a.b")) for _ in range(3)
    ]
    table = [
        (k * rng.choice((1, 1, 10**18)), [rng.choice(NUMBERS) for _ in tags])
        for k in range(rng.randrange(40))
    ]
    if name == "train.out":
        lines = rng.choices(PRINTED, k=rng.randrange(1, 4))
        text = "".join(rng.choice(lines).format(at=at, cell=cells[0]) + "\n" for at, cells in table)
        return text.encode(errors="surrogatepass")
    if name.endswith((".csv", ".tsv", ".dat", "progress.txt", "loss.txt")) or (
        name == "log.txt" and rng.random() < 0.3
    ):
        return _lines_of_cells(rng, tags, table)
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
    if name == "history.json":
        lists = {tag: [record[tag] for record in records] for tag in tags}
        curves = {tag: {"steps": [record[step] for record in records], "values": lists[tag]} for tag in tags}
        return json.dumps(rng.choice((lists, records, {"history": records, **lists}, {"a": curves}))).encode()
    if name == "trainer_state.json":
        return json.dumps({"log_history": records, "train_batch_size": 3}).encode()
    if name.endswith((".txt", ".log")) and name != "logs.json.txt":
        text = "".join(
            f"Train Epoch {at}\n{json.dumps(r, indent=4)}\n{r}\nStep {at}: loss={at}\n"
            for at, r in enumerate(records)
        )
        return text.encode(errors="surrogatepass")
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _lines_of_cells(
    rng: random.Random,
    tags: list[str],
    table: list[tuple[int, list[str]]],
    counting: tuple[str, ...] = COUNTERS,
) -> bytes:
    mark, end = rng.choice(",,,;\t "), rng.choice(("\n", "\n", "\r\n", "\r", "\n\n"))
    counters = rng.choice(counting).split(",")
    lines = [mark.join([*counters, *(f'"{tag}"' for tag in tags), *rng.choice(((), (), ("value",)))])]
    for step, cells in table:
        counts = [str(step % 7 if name in ("batch", "step") else step // 7) for name in counters[:-1]]
        lines.append(mark.join([*counts, str(step), *cells]))
    for extra in rng.choice(((), (), ("# a comment",), (lines[0],), ("",))):
        lines.insert(rng.randrange(len(lines)), extra)
    return end.join([*lines, ""]).encode(errors="surrogatepass")


def newer(rng: random.Random) -> tuple[str, bytes]:
    """What programs print, what services let download, tables that count what was seen."""
    name = rng.choice(
        ("train.out", "log.txt", "run-.-tag-loss.json", "metrics.json", "any.csv", "progress.csv")
    )
    table = [(rng.choice((k, 10**18 * k)), rng.choice(NUMBERS)) for k in range(rng.randrange(40))]
    if name.endswith("json"):
        content = json.dumps(_download(rng, [(at, _json(cell)) for at, cell in table])).encode()
    elif name.endswith("csv"):
        tags = rng.sample(("loss", "policy/LossBefore", "train", "val", "value"), 2)
        rows = [(at, [cell, rng.choice(NUMBERS)]) for at, cell in table]
        content = _lines_of_cells(rng, tags, rows, SEEN)
    else:
        lines = rng.choices(PROGRAMS, k=rng.randrange(1, 4))
        content = "".join(rng.choice(lines).format(at=at, cell=cell) + "\n" for at, cell in table).encode()
    for _ in range(rng.choice((0, 0, 1, 3))):
        content = _broken(rng, content)
    return name, content


def _download(rng: random.Random, points: list[tuple[int, object]]) -> object:
    x, y = [at for at, _ in points], [value for _, value in points]
    rows = [[rng.choice((1.7e9, "x", 0.5)) if not at else 1.7e9 + at, at, value] for at, value in points]
    long = [{"metricName": attacks.attack(rng), "metricValue": value, "step": at} for at, value in points]
    curve = {"name": attacks.attack(rng), "x": x, "y": y}
    deeper = {"a": {"b": y[1:], "agent_steps": x, "loss": y}, "c": {"loss": y, "x": x, "y": y}}
    return rng.choice((rows, long, [curve], [curve, 3, {"x": 1, "y": []}], deeper, {"loss": y, "d": y[1:]}))


def wandb_part(rng: random.Random) -> bytes:
    """A part of a W&B run, which may resume another, now and then damaged."""
    begin, clock = rng.choice((0, 0, 3, 40, 2**53 - 20)), rng.choice((1.7e9, 1.7e9 + 500, 0.0))
    rows = [wandb.history(begin + k, {"loss": k % 3, "at": k}, clock=clock) for k in range(rng.randrange(40))]
    branch = rng.choice((None, None, ("abc", 3.0), ("d", float("nan")), ("\x1b[2J", float("inf"))))
    begun = wandb.run({}, resumes=rng.random() < 0.7, branch=branch)
    axes = rng.choice(([], [wandb.counts_itself()], [wandb.metric("*", "at")]))
    content = wandb.encoded([begun, *axes, *rows])
    return _broken(rng, content) if rng.random() < 0.3 else content


def database(rng: random.Random) -> tuple[str, bytes]:
    """A database of MLflow or Trackio or a Parquet table, with values of any type, and damaged."""
    name = rng.choice(("mlflow.db", "project.db", "any.parquet"))
    content = _table(rng) if name.endswith("parquet") else _sqlite(rng, name)
    for _ in range(rng.choice((0, 0, 1, 3, 30))):
        content = _broken(rng, content) if rng.random() < 0.3 else _flipped(rng, content)
    return name, content


def mlruns(rng: random.Random, folder: Path) -> Path:
    """Write a run of MLflow; return its `meta.yaml`."""
    meta = folder / "meta.yaml"
    meta.write_bytes(_broken(rng, b"run_id: abc\nstatus: 3\n"))
    for kind in ("metrics", "params"):
        for name in ("loss", "train/mse", rng.choice(("lr", "a" * 200, " ", "...", "\udcff")))[
            : rng.randrange(4)
        ]:
            path = folder / kind / name
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = (
                " ".join((rng.choice(NUMBERS), rng.choice(NUMBERS), rng.choice((str(k), *NUMBERS))))
                for k in range(rng.randrange(40))
            )
            content = "\n".join(rows).encode(errors="surrogatepass")
            for _ in range(rng.choice((0, 0, 1, 3))):
                content = _broken(rng, content)
            path.write_bytes(content)
    return meta


def _cell(rng: random.Random) -> object:
    return rng.choice(
        (
            1,
            -5,
            2**62,
            0.5,
            1e308,
            1.7e12,
            None,
            b"\xff\x00",
            "nan",
            "{}",
            attacks.attack(rng).replace("\ud800", ""),
        )
    )


def _sqlite(rng: random.Random, name: str) -> bytes:
    database = sqlite3.connect(":memory:")
    tables = {
        "mlflow.db": {
            "runs": ("run_uuid", "name", "start_time", "lifecycle_stage"),
            "metrics": ("key", "value", "timestamp", "run_uuid", "step", "is_nan"),
            "params": ("key", "value", "run_uuid"),
        },
        "project.db": {
            "metrics": ("run_id", "run_name", "step", "timestamp", "metrics"),
            "configs": ("run_id", "config"),
        },
    }[name]
    for table, columns in tables.items():
        kept = [column for column in columns if rng.random() < 0.99]
        if not kept:
            continue
        database.execute(f"CREATE TABLE {table}({', '.join(kept)})")
        for k in range(rng.randrange(30)):
            usual = dict.fromkeys(("run_uuid", "run_id", "run_name"), "r") | {"step": k, "value": k / 3}
            usual |= {"timestamp": 1.7e12 + k, "is_nan": 0, "metrics": json.dumps({"loss": k, "a": {"b": k}})}
            usual |= {"config": '{"lr": 1}', "name": "n", "key": "loss", "start_time": 1}
            row = [usual.get(c, "active") if rng.random() < 0.9 else _cell(rng) for c in kept]
            database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(kept))})", row)
    if rng.random() < 0.1:
        database.execute(
            "CREATE VIEW v AS WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t"
        )
    database.commit()
    content = database.serialize()
    database.close()
    return content


def _table(rng: random.Random) -> bytes:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        return b"PAR1"
    rows, out = rng.randrange(20), io.BytesIO()
    columns = {
        "step": list(range(rows)),
        "loss": np.random.default_rng(rng.randrange(9)).normal(size=rows),
        rng.choice(("wall_time", "x", "loss2")): [rng.choice((None, 1.5)) for _ in range(rows)],
        "words": ["a"] * rows,
    }
    parquet.write_table(pa.table(columns), out)
    return out.getvalue()


def _flipped(rng: random.Random, content: bytes) -> bytes:
    """The same length, a few bytes changed: a database survives no insertion."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 8, 64))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(changed)


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
