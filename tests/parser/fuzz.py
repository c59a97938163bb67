"""Coverage-guided fuzzing of the parser; not part of the tests, because atheris is no dependency.

    pip install atheris
    python -m tests.parser.fuzz frames -runs=200000     the record and protocol-buffer readers
    python -m tests.parser.fuzz payloads -runs=200000   the same, behind true checksums
    python -m tests.parser.fuzz documents -runs=100000  YAML, JSON, TOML and text tags

A finding is any exception but the documented ones, 2 GB of memory, or 60 s for one input.
"""

import sys

import atheris

# The checksums' loops over bytes have no branches to cover.
with atheris.instrument_imports(include=["spikediag"], exclude=["spikediag.parser.event_files.crc32c"]):
    from spikediag.parser.event_files.scalars import read_scalars
    from spikediag.parser.facts.claims import claims_in
    from spikediag.parser.facts.free_text import document_in
    from spikediag.parser.facts.safe_documents import UnusableError, parse
    from tests.parser.writing import frame


def frames(data: bytes) -> None:
    read_scalars(data)


def payloads(data: bytes) -> None:
    """Cut the input into records, repeat and damage them."""
    source = atheris.FuzzedDataProvider(data)
    times, cut, at = source.ConsumeIntInRange(1, 24), source.ConsumeIntInRange(0, 40), source.ConsumeInt(2)
    records = [
        frame(source.ConsumeBytes(source.ConsumeIntInRange(0, 90)))
        for _ in range(source.ConsumeIntInRange(0, 12))
    ]
    buffer = bytearray(b"".join(records) * times)
    if buffer and cut:
        buffer[at % len(buffer)] ^= cut
    read_scalars(bytes(buffer[: len(buffer) - cut]))


def documents(data: bytes) -> None:
    text = data[1:].decode("utf-8", "replace")
    suffix = (".yaml", ".json", ".toml", "")[data[0] % 4 if data else 0]
    try:
        document = parse(text, suffix) if suffix else document_in(text)
    except UnusableError:
        return
    list(claims_in(document, "fuzz", 5))


if __name__ == "__main__":
    target = {"frames": frames, "payloads": payloads, "documents": documents}[sys.argv.pop(1)]
    atheris.Setup([*sys.argv, "-timeout=60", "-rss_limit_mb=2048"], target)
    atheris.Fuzz()
