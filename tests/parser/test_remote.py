"""Runs that lie elsewhere: read as those that lie here, whatever holds them."""

import json
import logging
import os
import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import spikediag
from spikediag.cli import entry
from spikediag.errors import RunNotFoundError, SpikediagError, UnreadableRunError, UsageError
from spikediag.parser import address, find_runs, read_run, remote
from spikediag.parser.event_files.scalars import read_scalars
from tests.conftest import some_of
from tests.parser import remote_servers as servers
from tests.parser.remote_servers import REQUESTS, SECRET, SERVERS, USER
from tests.parser.sources import wandb_files as wandb
from tests.parser.sources.test_progress import progress
from tests.parser.sources.twins import as_events, rows, told, training
from tests.parser.writing import NAME, START, scalar

fsspec = pytest.importorskip("fsspec", reason="remote runs need fsspec, of the extra [remote]")
pytestmark = [  # what the libraries of the servers leave to the garbage collector is not ours
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
TAGS = ("train/loss", "train/approx_kl", "train/value_loss")
WANDB = "wandb/run-20261101_120000-abc"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own, and no remote folder known from another test."""
    monkeypatch.setenv("SPIKEDIAG_CACHE", str(tmp_path / "cache"))
    remote._standing_in.cache_clear()
    REQUESTS.clear()
    yield tmp_path / "cache"
    remote._standing_in.cache_clear()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of runs of several kinds, with configuration beside and above them, and a large model."""
    root = tmp_path / "store" / "exp"
    curves = training(*TAGS)
    as_events(root / "bc", curves)
    (root / "config.json").write_text(json.dumps({"batch_size": 32, "learning_rate": 3e-4}))
    (root / "bc" / "spikediag.toml").write_text("[facts]\ndataset_size = 418\n")
    (root / "bc" / "checkpoints").mkdir()
    (root / "bc" / "checkpoints" / "model_2000.pt").write_bytes(b"weights" * 1000)
    progress(root / "sb3", training(*TAGS, seed=1))
    other = training("bc/actor_loss", "bc/mse", seed=2)
    history = [wandb.history(step, row, clock=START) for step, row in rows(other)]
    wandb.write(root / "il" / WANDB, [wandb.run({"batch_size": 64}), *history])
    return tmp_path / "store"


def told_of(url: str) -> dict:
    """What a diagnosis says, but for where the run lies."""
    document = spikediag.diagnose(url).to_dict()
    document["run"].pop("path")
    return json.loads(json.dumps(document).replace(address(url), "RUN"))


@pytest.mark.parametrize("kind", some_of("memory", "web", slow=("s3", "sftp")))
def test_a_remote_run_is_understood_as_the_same_one_here(kind: str, runs: Path) -> None:
    with SERVERS[kind](runs) as url:
        for name in ("exp/bc", "exp/sb3", f"exp/il/{WANDB}", f"exp/bc/{NAME}"):
            assert told_of(f"{url}/{name}") == told_of(str(runs / name)), name
        run = read_run(f"{url}/exp/bc")
    facts = {name.value: (fact.value, fact.source) for name, fact in run.facts.items()}
    assert facts["batch_size"] == (32, "../config.json: batch_size")
    assert facts["dataset_size"] == (418, "spikediag.toml: dataset_size")
    assert [saved.path for saved in run.checkpoints] == ["checkpoints/model_2000.pt"]
    assert run.path == address(f"{url}/exp/bc")
    assert SECRET not in run.path


@pytest.mark.parametrize("kind", some_of("memory", slow=("web", "s3", "sftp")))
def test_every_command_takes_the_address_of_a_folder_of_runs(
    kind: str, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys, caplog
) -> None:
    monkeypatch.chdir(runs.parent)
    reports = runs.parent / "reports"
    with SERVERS[kind](runs) as url, caplog.at_level(logging.INFO):
        said = [
            (entry.run(words), *capsys.readouterr())
            for words in (
                ["scan", f"{url}/exp"],
                ["check", f"{url}/exp", "--json"],
                ["tags", f"{url}/exp/sb3"],
                ["compare", f"{url}/exp/sb3", f"{url}/exp/bc", "--json"],
                ["analyze", f"{url}/exp", "--out", "reports", "--format", "md,json"],
                ["analyze", f"{url}/exp", "--out", "reports", "--format", "md,json"],
                ["analyze", f"{url}/nothing", "--json"],
            )
        ]
    assert [code for code, *_ in said] == [0, 1, 0, 0, 0, 0, 2]
    assert {"bc", "sb3", f"il/{WANDB}"} <= {line.split()[0] for line in said[0][1].splitlines() if line}
    assert [run["path"] for run in json.loads(said[1][1])["runs"]] == [
        f"{address(url)}/exp/{name}" for name in ("bc", f"il/{WANDB}", "sb3")
    ]
    assert json.loads(said[-1][1])["path"] == f"{address(url)}/nothing"
    folders = sorted(path.name for path in reports.iterdir())
    assert folders == ["bc", "il_abc", "sb3"]
    written = b"".join(p.read_bytes() for p in reports.rglob("*") if p.is_file())
    for text in (*(text for _, *texts in said for text in texts), caplog.text, str(written)):
        assert SECRET not in text
        assert "spikediag-" not in text  # the folder that stands for the remote one


def test_a_database_is_read_with_what_was_not_merged_into_it(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    database = sqlite3.connect(folder / "mlflow.db")
    database.executescript(
        "PRAGMA journal_mode=WAL;"
        "CREATE TABLE runs(run_uuid, name, start_time, lifecycle_stage);"
        "CREATE TABLE metrics(key, value, timestamp, run_uuid, step, is_nan);"
        "CREATE TABLE params(key, value, run_uuid);"
        "INSERT INTO runs VALUES ('r1', 'one', 1, 'active'), ('r2', 'two', 2, 'active');"
    )
    for run in ("r1", "r2"):
        rows_ = [("loss", k / 7, 1.7e12 + k, run, k, 0) for k in range(50)]
        database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows_)
    database.commit()
    with servers.memory(folder) as url:
        found = [address(run.path) for run in find_runs(url)]
        assert found == [f"{url}/mlflow.db/r1", f"{url}/mlflow.db/r2"]
        assert len(read_run(f"{url}/mlflow.db/r2").series["loss"]) == 50
    database.close()


def test_only_what_a_source_asks_for_is_fetched_and_again_only_what_is_new(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    curves = training(*TAGS, every=1)
    as_events(folder, {tag: dict(list(curve.items())[:390]) for tag, curve in curves.items()})
    padding = [scalar("a/quantity/with/a/rather/long/name", step, 0.0) for step in range(2000)]
    from tests.parser.writing import write

    events = write(folder, [*padding, *(scalar("loss", k, 0.1 * k) for k in range(100))])
    (folder / "model_100.pt").write_bytes(b"weights" * 1000)
    with servers.web(folder) as url:
        first = read_run(url)
        assert not any("model_100" in request for request in REQUESTS)
        assert sum(NAME in request and request.startswith("GET") for request in REQUESTS) == 1
        REQUESTS.clear()
        remote._standing_in.cache_clear()
        assert told_of(url) == told_of(url)
        assert not any(NAME in request and request.startswith("GET") for request in REQUESTS)
        size = events.stat().st_size
        more = tmp_path / "more" / NAME
        write(more, [scalar("loss", k, 0.1 * k) for k in range(100, 200)])
        header = len(write(tmp_path / "empty" / NAME, []).read_bytes())
        with events.open("ab") as file:
            file.write(more.read_bytes()[header:])
        os.utime(events, (START, START))
        remote._standing_in.cache_clear()
        REQUESTS.clear()
        second = read_run(url)
    assert (len(first.series["loss"]), len(second.series["loss"])) == (100, 200)
    ranges = [request.rpartition("bytes=")[2] for request in REQUESTS if "bytes=" in request]
    assert ranges == [f"{size - remote.OVERLAP}-{events.stat().st_size - 1}", f"0-{remote.OVERLAP - 1}"]
    assert not any(request.endswith(NAME) and request.startswith("GET") for request in REQUESTS)


def test_a_file_that_was_changed_in_its_middle_or_its_beginning_is_fetched_whole(tmp_path: Path) -> None:
    from tests.parser.writing import write

    folder = tmp_path / "store"
    long = [scalar("a/quantity/with/a/rather/long/name", step, 0.0) for step in range(2500)]
    write(folder, [*long, *(scalar("loss", k, 0.1) for k in range(10))])
    with servers.web(folder) as url:
        read_run(url)
        write(folder, [*(scalar("loss", k, 0.5) for k in range(30)), *long])
        os.utime(folder / NAME, (START, START))
        remote._standing_in.cache_clear()
        again = read_run(url)
    assert set(again.series["loss"].values.tolist()) == {0.5}
    assert len(again.series["loss"]) == 30


def test_the_cache_keeps_one_version_of_a_file_and_lets_the_oldest_go(
    runs: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with servers.web(runs) as url:
        read_run(f"{url}/exp/bc")
        kept = {path.parent.name for path in cache.glob("*/*")}
        assert len(kept) == len(list(cache.glob("*/*"))) == 3  # the events and two documents
        monkeypatch.setattr(remote, "MOST_KEPT", 1)
        read_run(f"{url}/exp/sb3")
    assert len(list(cache.glob("*/*"))) <= 1
    assert oct(next(cache.iterdir()).stat().st_mode & 0o777) == "0o700"


def test_a_signed_address_is_read_and_its_signature_never_shown(runs: Path, tmp_path: Path, capsys) -> None:
    with servers.web(runs) as url:
        signed = f"{url}/exp/bc/{NAME}?sig={SECRET}&expires=1"
        run = read_run(signed)
        assert len(run.series[TAGS[0]]) == 400
        assert run.path == f"{url}/exp/bc/{NAME}"
        assert entry.run(["analyze", signed, "--json"]) == 0
        assert SECRET not in "".join(capsys.readouterr())
        wrong = f"{url}/exp/denied/{NAME}?sig={SECRET}-wrong"
        with pytest.raises(UnreadableRunError, match="no permission") as caught:
            read_run(wrong)
        assert SECRET not in str(caught.value)
        assert caught.value.__suppress_context__
        assert entry.run(["analyze", wrong, "--debug"]) == 2
        said = "".join(capsys.readouterr())
        assert "no permission" in said
        assert SECRET not in said


@pytest.mark.parametrize("kind", ["s3", "sftp"])
def test_what_may_not_be_read_is_said_in_one_sentence(
    kind: str, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    with SERVERS[kind](runs) as url:
        wrong = url.replace(f":{SECRET}@", ":no-secret@") if kind == "sftp" else "s3://no-such-bucket"
        with pytest.raises(UnreadableRunError) as caught:
            read_run(f"{wrong}/exp")
        expected = "no permission" if kind == "sftp" else "does not exist; check the bucket"
        assert expected in str(caught.value)
        assert "no-secret" not in str(caught.value)
        assert entry.run(["scan", f"{wrong}/exp", "--debug"]) == 2
        assert "no-secret" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("scheme", ["http", "sftp", pytest.param("s3", marks=pytest.mark.slow)])
def test_a_network_that_is_down_is_said_in_one_sentence(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip({"http": "aiohttp", "sftp": "paramiko", "s3": "s3fs"}[scheme])
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", USER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    where = "bucket" if scheme == "s3" else f"{USER}:{SECRET}@127.0.0.1:{port}"
    with pytest.raises(UnreadableRunError, match="could not be reached") as caught:
        read_run(f"{scheme}://{where}/runs")
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module, url, package in (("fsspec", "s3://b/x", "s3fs"), ("gcsfs", "gs://b/x", "gcsfs")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(UnreadableRunError, match=f"pip install 'spikediag.remote.' {package}`"):
            read_run(url)
        monkeypatch.undo()


def test_an_unknown_protocol_and_an_address_with_dots_are_refused() -> None:
    with pytest.raises(UsageError, match="nowhere:// is no protocol"):
        read_run("nowhere://user:pw@host/run")
    fsspec.filesystem("memory").pipe("/deep/run/events", b"x")
    with pytest.raises(SpikediagError):
        read_run("memory://deep/../../../etc")
    with pytest.raises(RunNotFoundError):
        read_run("memory://nothing/here")


def test_names_that_lead_elsewhere_or_fit_no_disk_are_left_out(tmp_path: Path) -> None:
    as_events(tmp_path / "store", training(*TAGS))
    with servers.memory(tmp_path / "store") as url:
        files, base = fsspec.filesystem("memory"), url.removeprefix("memory:/")
        for name in ("../../escaped", "a\\b", "x" * 300, "nul\0l", "file", "file/below"):
            files.store[f"{base}/{name}"] = files.store[f"{base}/{NAME}"]
        assert told(tmp_path / "store")["findings"] == told_of(url)["findings"]
        stand_in = remote._standing_in().root
        assert not list(stand_in.parent.glob("escaped"))
        for name in list(files.store):
            if name.startswith(base) and not name.endswith(NAME):
                del files.store[name]


def test_a_file_that_is_gone_when_it_is_asked_for_is_left_out_with_the_reason(runs: Path) -> None:
    with servers.memory(runs) as url:
        (found,) = find_runs(f"{url}/exp/sb3")
        again = next(iter(find_runs(f"{url}/exp/bc")))
        fsspec.filesystem("memory").rm(f"{url.removeprefix('memory:/')}/exp/bc/{NAME}")
        assert read_run(found).series.keys() == set(TAGS)
        again.contents._kept.clear()
        remote._standing_in().waiting.add(again.folder.files[0])
        with pytest.raises(UnreadableRunError, match="no longer there"):
            read_run(again)


def test_a_remote_run_is_named_by_its_url_and_never_by_where_its_bytes_are_kept(tmp_path: Path) -> None:
    as_events(tmp_path / "run_1", training(*TAGS))
    system = fsspec.filesystem("memory")
    names = {"/pick/lightning_logs/version_0": "pick/version_0", "/results/run_1": "run_1"}
    for there in names:
        system.put(f"{tmp_path}/run_1/", f"{there}/", recursive=True)
    assert {there: read_run(f"memory:/{there}").name for there in names} == names


def test_local_paths_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    as_events(tmp_path / "s3:" / "run", training(*TAGS))
    assert len(read_run("s3:/run").series) == 3
    assert len(read_run(f"file://{tmp_path}/s3:/run").series) == 3
    assert address(tmp_path) == str(tmp_path)
    shutil.rmtree(tmp_path / "s3:")
    assert remote.url_of(Path("s3://bucket/run")) == "s3://bucket/run"
    assert remote.url_of(Path("C:/runs")) is None


def test_event_files_are_read_alike_after_they_were_fetched(runs: Path) -> None:
    with servers.memory(runs) as url:
        content = remote.present(remote.local(f"{url}/exp/bc/{NAME}")).read_bytes()
    assert read_scalars(content).points.keys() == set(TAGS)
