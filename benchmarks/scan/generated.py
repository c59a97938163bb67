"""Generated runs: seven series of behaviour cloning, written as training does."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spikediag.parser.event_files import crc32c

TAGS = ("actor_loss", "mse", "log_std_min", "entropy", "lr", "grad_norm", "log_std")
BATCHES, RATES, DATASET = (64, 128, 256), (1e-4, 3e-4, 1e-3), 418
JUMP = np.array([25.0, 17.0, 12.0, 8.0])  # nats, of one spike


def write(folder: Path, points: int, seed: int, spikes: int | None = None, *, apart: bool = True) -> None:
    """One run with its configuration; a quarter of the runs are calm, and a larger batch spikes more.

    Args:
        folder: where it is written.
        points: of each series.
        seed: of its noise, and of its settings.
        spikes: how many; drawn if not given.
        apart: each value is a record of its own, as `add_scalar` writes; else those of a step are one.
    """
    generator = np.random.default_rng(seed)
    batch, rate = BATCHES[seed % 3], RATES[seed // 3 % 3]
    rate_of_spikes = 0.0 if seed % 4 == 0 else 2.0 * batch / 256
    count = int(generator.poisson(rate_of_spikes)) if spikes is None else spikes
    folder.mkdir(parents=True)
    log = folder / "events.out.tfevents.1700000000.host.1.0"
    log.write_bytes(b"".join(_records(_curves(points, count, rate, generator), apart=apart)))
    config = f"batch_size: {batch}\ndataset_size: {DATASET}\nlearning_rate: {rate}\nseed: {seed // 9}\n"
    (folder / "config.yaml").write_text(config, "utf-8")


def sweep(root: Path, runs: int, points: int, logs: int = 64) -> Path:
    """So many runs below a folder, of so many different logs: the others are links to these."""
    for n in range(runs):
        folder = root / f"bs{BATCHES[n % 3]}_lr{RATES[n // 3 % 3]:g}_seed{n // 9}"
        if n < logs:
            write(folder, points, n)
            continue
        folder.mkdir(parents=True)
        source = root / f"bs{BATCHES[n % logs % 3]}_lr{RATES[n % logs // 3 % 3]:g}_seed{n % logs // 9}"
        for file in source.iterdir():
            os.link(file, folder / file.name)
    return root


def _curves(points: int, spikes: int, rate: float, generator: np.random.Generator) -> np.ndarray:
    """(points, 7)"""
    t = np.arange(points) / points
    loss = -3 + 8 * np.exp(-6 * t) + generator.normal(0, 0.3, points)
    for at in generator.integers(points // 5, points - len(JUMP), spikes):
        loss[at : at + len(JUMP)] += JUMP
    return np.column_stack(
        [
            loss,
            0.02 + 0.2 * np.exp(-6 * t) + generator.normal(0, 0.002, points),
            -5 + generator.normal(0, 0.05, points),
            2 + generator.normal(0, 0.1, points),
            np.full(points, rate),
            np.exp(generator.normal(0, 0.3, points)),
            -2 + generator.normal(0, 0.05, points),
        ]
    )


def _records(curves: np.ndarray, *, apart: bool) -> Iterator[bytes]:
    """The records of a file, step by step."""
    header = b"\x09" + struct.pack("<d", 1.7e9) + b"\x1a\x0dbrain.Event:2"
    yield from _framed(np.frombuffer(header, np.uint8)[None])
    together = [[k] for k in range(len(TAGS))] if apart else [[*range(len(TAGS))]]
    for of_step in zip(*(_of_tags(some, curves) for some in together), strict=True):
        yield from of_step


def _of_tags(some: list[int], curves: np.ndarray) -> list[bytes]:
    """A record for each step, with the values of some tags.

    Those of one length at once: a checksum is the same look-ups for all of them.
    """
    names = [f"bc/{TAGS[k]}".encode() for k in some]
    heads = [bytes([0x0A, len(name) + 7, 0x0A, len(name)]) + name + b"\x15" for name in names]
    size = _varint(sum(len(head) + 4 for head in heads))
    steps, found = [_varint(10 * n) for n in range(len(curves))], list[bytes]()
    for width in sorted({len(step) for step in steps}):  # they only grow
        rows = [n for n, step in enumerate(steps) if len(step) == width]
        parts = [_alike(b"\x09", rows), _bytes((1.7e9 + np.array(rows)).astype("<f8")), _alike(b"\x10", rows)]
        parts.append(np.frombuffer(b"".join(steps[n] for n in rows), np.uint8).reshape(len(rows), width))
        parts.append(_alike(b"\x2a" + size, rows))
        for head, k in zip(heads, some, strict=True):
            parts += [_alike(head, rows), _bytes(curves[rows, k].astype("<f4"))]
        found += _framed(np.hstack(parts))
    return found


def _alike(content: bytes, rows: list[int]) -> np.ndarray:
    return np.tile(np.frombuffer(content, np.uint8), (len(rows), 1))


def _bytes(numbers: np.ndarray) -> np.ndarray:
    return numbers.view(np.uint8).reshape(len(numbers), -1)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _framed(bodies: np.ndarray) -> Iterator[bytes]:
    length = struct.pack("<Q", bodies.shape[1])
    before = length + struct.pack("<I", crc32c.masked(length))
    plain = np.full(len(bodies), crc32c.of_zeros(bodies.shape[1]), np.uint32)
    for at, column in enumerate(bodies.T):
        plain ^= crc32c.contributions(bodies.shape[1] - 1 - at)[column]
    after = ((plain >> np.uint32(15)) | (plain << np.uint32(17))) + np.uint32(crc32c.MASK_DELTA)
    for body, checksum in zip(bodies, after.astype("<u4"), strict=True):
        yield before + body.tobytes() + checksum.tobytes()
