"""What is fuzzed: a function each, that takes a source of chance and fails on a fault."""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np

from spikediag import Run, diagnose, parser, read_run
from spikediag.errors import SpikediagError
from spikediag.live.alerts import Alert, State
from spikediag.model import CouplingVerdict, Diagnosis, Origin
from spikediag.parser import text_tables
from spikediag.parser.event_files.scalars import read_scalars, read_stretches
from spikediag.parser.event_files.summaries import read_summaries
from spikediag.parser.facts.claims import claims_in
from spikediag.parser.facts.free_text import document_in, printed_claims
from spikediag.parser.facts.safe_documents import UnusableError, parse
from spikediag.parser.log_files import ForeignError, Opened, UnusableLogError
from spikediag.parser.sources import source_of
from spikediag.parser.user_settings import read_user_settings
from spikediag.policy import Policy, baseline, load
from spikediag.policy.result import AcceptedSpike, CheckResult
from spikediag.policy.rules import judge
from spikediag.sweep import Sweep
from spikediag.sweep.row import left_out, unread
from spikediag.text import say
from tests.fuzz import attacks, curves, documents, event_files, log_files, outputs
from tests.fuzz import policies as policies_
from tests.policy import cases
from tests.reporter import builders
from tests.sweep import rows

TARGETS: dict[str, Callable[[random.Random], None]] = {}


def target(function: Callable[[random.Random], None]) -> Callable[[random.Random], None]:
    TARGETS[function.__name__] = function
    return function


@target
def diagnoses(rng: random.Random) -> None:
    """A whole diagnosis of extreme arrays, and everything said of it."""
    try:
        diagnosis = diagnose(Run.from_arrays(curves.arrays(rng), **curves.facts(rng)))
    except SpikediagError:
        return
    json.dumps(diagnosis.to_dict(), allow_nan=False)
    diagnosis.to_markdown(rng.choice(("en", "zh")))
    if rng.random() < 0.02:
        from spikediag import reporter

        reporter.render(diagnosis, ("md", "png", "html"), "en")


@target
def injections(rng: random.Random) -> None:
    """A report and a check in which every string attacks its reader."""
    strings = tuple(f"{n}{attacks.attack(rng)}" if n % 2 else f"{attacks.attack(rng)}{n}" for n in range(9))
    strings = tuple(s.replace("\ud800", "\udc80") if n == 2 else s for n, s in enumerate(strings))  # a path
    diagnosis = builders.hostile(strings)
    for hostile in strings:
        outputs.name(hostile)
    outputs.report(diagnosis, rng.choice(("en", "zh")))
    if rng.random() < 0.05:
        outputs.page(diagnosis.to_html())
    outputs.check(diagnosis, strings[0])


@target
def sweeps(rng: random.Random) -> None:
    """A scan and alerts in which every string attacks its reader."""
    strings = [f"{attacks.attack(rng)}{n}" for n in range(6)]
    facts = {strings[0]: strings[1], "batch_size": strings[2], "seed": 1}
    found = [
        rows.row(strings[3], tag=strings[4], cause=strings[5], facts=facts),
        rows.row(strings[4], tag=strings[3], facts={**facts, strings[0]: "b"}),
        left_out(strings[2], strings[0], say("{why}", why=strings[1])),
        unread(strings[5], strings[3], say("{why}", why=strings[4])),
    ]
    outputs.scan(Sweep((strings[1],), tuple(found), "0"), rng.choice(("en", "zh")))
    if rng.random() < 0.2:
        finding = builders.hostile(tuple(strings + strings[:3])).findings[0]
        for state in State:
            outputs.alert(Alert.of(finding, state, 1, strings[0]), rng.choice(("en", "zh")))


@target
def events(rng: random.Random) -> None:
    """An event file that is nearly right; now and then in stretches, with its texts, and as a run."""
    content = event_files.file(rng)
    scalars = read_scalars(content)
    assert all(np.all(np.abs(points.steps) <= 2**53) for points in scalars.points.values())
    chance = rng.random()
    if chance < 0.02:
        apart = read_stretches(event_files.stretches(rng, content), len(content))
        assert event_files.all_of(apart) == event_files.all_of(scalars)
    if chance < 0.0005:
        read_summaries(scalars.excerpt.records)
    if chance < 0.002:
        with TemporaryDirectory() as folder:
            Path(folder, "events.out.tfevents.1.host").write_bytes(content)
            with suppress(SpikediagError):
                read_run(folder)


@target
def logs(rng: random.Random) -> None:
    """A log of another source than TensorBoard that is nearly right; now and then as a run."""
    _read_as_log(rng, *log_files.file(rng))


@target
def programs(rng: random.Random) -> None:
    """The same of what programs print, and services let download."""
    _read_as_log(rng, *log_files.newer(rng))


def _read_as_log(rng: random.Random, name: str, content: bytes) -> None:
    source = source_of(Path(name))
    assert source
    with suppress(UnusableLogError, ForeignError):
        for log in source.read(Opened.of(Path(name), content)):
            assert all(np.all(np.abs(points.steps) <= 2**53) for points in log.points.values())
            log.summaries()
    if rng.random() < 0.02:
        with TemporaryDirectory() as folder:
            Path(folder, name).write_bytes(content)
            with suppress(SpikediagError):
                json.dumps(diagnose(read_run(Path(folder, name))).to_dict(), allow_nan=False)


@target
def resumed(rng: random.Random) -> None:
    """Parts of a W&B run that are nearly right: read together, or apart."""
    with TemporaryDirectory() as folder:
        for day in range(1, rng.randrange(2, 5)):
            part = Path(folder, "wandb", f"offline-run-2026110{day}_120000-abc", "run-abc.wandb")
            part.parent.mkdir(parents=True)
            part.write_bytes(log_files.wandb_part(rng))
        for found in parser.find_runs(folder):
            with suppress(SpikediagError):
                run = parser.read_run(found)
                assert all((np.diff(series.steps) > 0).all() for series in run.series.values())


@target
def pieces(rng: random.Random) -> None:
    """A table that is nearly right: read as it lies, in parts, it is what it is when it is read whole."""
    name, content = log_files.file(rng)
    while not name.endswith((".csv", ".tsv")) or len(content) > 1 << 13:
        name, content = log_files.file(rng)
    told: list[object] = []
    whole = mock.patch.object(text_tables, "_streamed", side_effect=ValueError)
    part = len(content.partition(b"\n")[0]) + rng.choice((1, 30, 300))
    in_parts = mock.patch.object(text_tables, "PART", part)
    for way in (whole, in_parts):
        with way:
            try:
                columns, gaps = text_tables.read_csv(Opened.of(Path(name), content))
                lost = [(gap.length, str(gap.what)) for gap in gaps]  # a mark of the bytes moves the places
                cells = [(n, c.there.tolist(), str(c.values[c.there])) for n, c in columns.items()]
                told.append((lost, cells))
            except UnusableLogError as error:
                told.append(str(error))
    assert told[0] == told[1], told


@target
def databases(rng: random.Random) -> None:
    """A database or a Parquet table that is nearly right, in a file; now and then as a run."""
    name, content = log_files.database(rng)
    source = source_of(Path(name))
    assert source
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        with suppress(UnusableLogError, ForeignError):
            for log in source.read(Opened.of(path, content)):
                assert all(np.all(np.abs(points.steps) <= 2**53) for points in log.points.values())
                log.summaries()
        assert path.read_bytes() == content
        if rng.random() < 0.02:
            with suppress(SpikediagError):
                json.dumps(diagnose(read_run(path)).to_dict(), allow_nan=False)


@target
def policies(rng: random.Random) -> None:
    """A policy and a baseline that are nearly right: an error, or a check by them."""
    with TemporaryDirectory() as folder:
        name = rng.choice(tuple(policies_.PLACES))
        path, accepted = Path(folder, name), Path(folder, "accepted.toml")
        path.write_text(policies_.policy(rng, name), encoding="utf-8")
        accepted.write_text(policies_.baseline(rng), encoding="utf-8")
        try:
            policy = load(Path(folder), {}, path if rng.random() < 0.5 else None)
        except SpikediagError:
            policy = Policy()
        entries: tuple[AcceptedSpike, ...] = ()
        with suppress(SpikediagError):
            entries = baseline.load(accepted)
            accepted.write_bytes(baseline.to_toml(entries))
            assert baseline.load(accepted) == entries
    result = baseline.apply(judge(checked(rng), policy), entries, date(2026, 1, 1))
    if rng.random() < 0.2:
        outputs.every(CheckResult(policy, (result,), stale=baseline.stale(entries, (result,))))


def checked(rng: random.Random) -> Diagnosis:
    """A run with one spike, small or large."""
    height = rng.choice((39.1, 1e-300, 1e308, float("inf")))
    verdict = rng.choice(tuple(CouplingVerdict))
    return cases.diagnosis(cases.finding(verdict, height=height), matters=rng.choice((True, False, None)))


@target
def mlruns(rng: random.Random) -> None:
    """A run folder of MLflow that is nearly right: a file for each metric and parameter."""
    with TemporaryDirectory() as folder:
        meta = log_files.mlruns(rng, Path(folder))
        source = source_of(meta)
        if source is None:
            return
        with suppress(UnusableLogError, ForeignError):
            for log in source.read(Opened.of(meta, meta.read_bytes())):
                assert all(np.all(np.abs(points.steps) <= 2**53) for points in log.points.values())
                log.summaries()
        if rng.random() < 0.02:
            with suppress(SpikediagError):
                json.dumps(diagnose(read_run(Path(folder))).to_dict(), allow_nan=False)


@target
def settings(rng: random.Random) -> None:
    """Text that may be anything a person or a library puts beside a run."""
    text = documents.text(rng)
    for suffix in (".toml", ".json", ".yaml"):
        with suppress(UnusableError):
            list(claims_in(parse(text, suffix), "fuzz", Origin.BESIDE))
    list(claims_in(document_in(text), "fuzz", Origin.TEXT))
    list(printed_claims(text, "fuzz"))
    with TemporaryDirectory() as folder:
        path = Path(folder, "spikediag.toml")
        path.write_bytes(text.encode(errors="surrogatepass"))
        for read in (
            lambda: load(Path(folder), {}),
            lambda: load(Path(folder), {}, path),
            lambda: baseline.load(path),
            lambda: read_user_settings(Path(folder)),
        ):
            with suppress(SpikediagError):
                read()
