"""Many runs diagnosed by whoever executes tasks: one result lost costs one row, and nothing is done twice."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

import spikediag
from spikediag import parser, pipeline, sweep
from spikediag.errors import UsageError
from spikediag.sweep.kept import kept
from spikediag.sweep.row import NoRun
from spikediag.sweep.scan import Scanner, Search
from spikediag.sweep.workers import Inline, processes
from tests.conftest import ROOT, SAMPLE_RUNS, diagnosed_once
from tests.parser.writing import scalar, write
from tests.sweep import executors

NAMES = ("bc_batch_32", "lr_step", "non_finite")


@pytest.fixture(autouse=True)
def known_diagnoses(monkeypatch):
    monkeypatch.setattr(pipeline, "diagnose", known)


def known(run):
    """Its diagnosis wherever it lies: every test has its own copies of the same runs."""
    return replace(diagnosed_once(replace(run, path=run.name)), run=run)


@pytest.fixture
def runs(tmp_path):
    for name in NAMES:
        shutil.copytree(SAMPLE_RUNS / name, tmp_path / "runs" / name)
    return tmp_path / "runs"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKEDIAG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def timeless(found):
    return [replace(row, seconds=0.0) for row in found.rows]


def test_every_run_has_a_row_the_worst_first(runs):
    found = spikediag.scan(runs)
    assert [row.name for row in found.rows] == ["non_finite", "lr_step", "bc_batch_32"]
    assert found.counts == {"diverged": 1, "spiky": 1, "clean": 1}
    assert found.places == ("non_finite", "lr_step", "bc_batch_32")


def test_a_run_below_two_roots_counts_once(runs):
    found = spikediag.scan([runs, runs / "lr_step"])
    assert len(found.rows) == 3


def test_what_cannot_be_read_is_a_row_with_its_reason(runs):
    (runs / "empty").mkdir()
    (runs / "empty" / "events.out.tfevents.1.a").touch()
    write(runs / "no_loss", [scalar("accuracy", n, 0.5) for n in range(30)])
    found = spikediag.scan(runs)
    reasons = {row.name: str(row.reason) for row in found.unread}
    assert len(found.judged) == 3
    assert "its logs hold no scalars" in reasons["empty"]
    assert "understood as a loss" in reasons["no_loss"]


def test_a_bug_costs_one_row(runs, monkeypatch):
    def diagnose(run):
        if run.name == "lr_step":
            raise ZeroDivisionError("division by zero")
        return known(run)

    monkeypatch.setattr(pipeline, "diagnose", diagnose)
    found = spikediag.scan(runs)
    (lost,) = found.unread
    assert lost.is_bug
    assert "ZeroDivisionError" in str(lost.reason)
    assert len(found.judged) == 2


def test_a_copy_beside_attempts_is_a_row(tmp_path):
    folder = tmp_path / "runs" / "two"
    for n in (1, 2):
        points = [scalar("loss", step, step % 7 + n, 1e9 + 1e5 * n + step) for step in range(40)]
        write(folder / f"events.out.tfevents.{n}.a", points)
    shutil.copy(folder / "events.out.tfevents.1.a", folder / "events.out.tfevents.3.copy")
    found = spikediag.scan(tmp_path)
    (copy,) = found.unread
    assert copy.verdict == NoRun.COPY
    assert copy.path.endswith("events.out.tfevents.3.copy")
    assert "byte for byte" in str(copy.reason)
    assert len(found.judged) == 2


def test_a_wrong_fact_is_refused_before_anything_is_read(runs):
    with pytest.raises(UsageError, match="batch_sise"):
        spikediag.scan(runs, batch_sise=3)


def test_a_fact_counts_for_all_runs(runs):
    found = spikediag.scan(runs, dataset_size=64)
    assert {row.ratio for row in found.rows if row.facts.get("batch_size") == 32} == {0.5}


@pytest.mark.parametrize("executor", [executors.Recording, executors.Polled])
def test_any_executor_gives_the_same_rows(runs, executor):
    assert timeless(spikediag.scan(runs, executor=executor())) == timeless(spikediag.scan(runs))


def test_an_unchanged_run_is_not_read_again(runs, cache):
    first = spikediag.scan(runs)
    with (runs / "lr_step" / "config.yaml").open("a", encoding="utf-8") as file:
        file.write("\n")
    again = executors.Recording()
    second = spikediag.scan(runs, executor=again)
    assert again.tasks == 1
    assert timeless(second) == timeless(first)
    fresh = executors.Recording()
    spikediag.scan(runs, executor=fresh, again=True)
    assert fresh.tasks == 3
    other = executors.Recording()
    spikediag.scan(runs, executor=other, dataset_size=5)
    assert other.tasks == 3


def test_a_broken_file_of_results_does_no_harm(runs, cache):
    cache.mkdir()
    (cache / "scan.sqlite").write_bytes(b"no database at all, but long enough to look at" * 100)
    assert len(spikediag.scan(runs).rows) == 3


def test_an_interrupted_scan_goes_on(runs, cache):
    def interrupt(progress):
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep.scan([runs], hear=interrupt)
    rest = executors.Recording()
    found = spikediag.scan(runs, executor=rest)
    assert rest.tasks == 1
    assert len(found.judged) == 3


def test_a_task_that_a_cluster_loses_is_a_row(runs):
    found = spikediag.scan(runs, executor=executors.Failing(executors.KilledWorker("worker-3")))
    assert all("died" in str(row.reason) for row in found.rows)
    found = spikediag.scan(runs, executor=executors.Failing(ModuleNotFoundError("spikediag")))
    assert all("ModuleNotFoundError" in str(row.reason) for row in found.rows)


def test_a_given_executor_that_is_gone_ends_the_scan(runs):
    with pytest.raises(sweep.ScanBrokenError, match="scan again"):
        spikediag.scan(runs, executor=executors.Gone())


def test_no_more_tasks_are_handed_out_than_the_workers_need(tmp_path):
    class Lazy(executors.Polled):
        _max_workers = 1
        most = out = 0

        def submit(self, fn, /, *args):
            Lazy.out += 1
            Lazy.most = max(Lazy.most, Lazy.out)
            return super().submit(lambda *a: (setattr(Lazy, "out", Lazy.out - 1), fn(*a))[1], *args)

    for n in range(12):
        write(tmp_path / f"small_{n}", [scalar("loss", step, step % 7 + n) for step in range(30)])
    assert len(spikediag.scan(tmp_path, executor=Lazy()).rows) == 12
    assert Lazy.most <= 4


@pytest.mark.slow
def test_processes_give_the_same_rows(runs):
    assert timeless(spikediag.scan(runs, jobs=2)) == timeless(spikediag.scan(runs))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system holds no signals back")
def test_an_interrupt_reaches_the_first_process_only_also_while_others_start():
    with processes(2) as pool:
        held = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ()).result()
    assert signal.SIGINT in held
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.slow
def test_a_run_that_kills_its_process_is_a_row_and_the_others_are_read(runs):
    (runs / "lr_step" / "deadly").touch()
    with kept() as results:
        scanner = Scanner(executors.Deadly(), results, executors.Deadly)
        rows = list(scanner.below(Search(str(runs))))
        scanner.executor.shutdown()
    (lost,) = [row for row in rows if not row.judged]
    assert (lost.name, "died" in str(lost.reason)) == ("lr_step", True)
    assert len(rows) == 3


@pytest.mark.slow
def test_dask_gives_the_same_rows_though_a_worker_is_killed(runs, tmp_path):
    distributed = pytest.importorskip("distributed")
    for n in range(6):
        shutil.copytree(runs / "lr_step", runs / f"copy_{n}")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "processes": True}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        killed = []

        def kill(progress):
            if progress.done == 2 and not killed:
                killed.extend(client.run(os.getpid).values())
                os.kill(killed[0], 9)

        found = sweep.scan([runs], executor=client.get_executor(pure=False, retries=2), hear=kill)
    assert killed
    assert timeless(found) == timeless(spikediag.scan(runs))


@pytest.mark.slow
def test_the_command_shares_the_work_on_dask(runs, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        command = [sys.executable, "-m", "spikediag", "scan", str(runs), "--json", "--dask"]
        done = [
            subprocess.run([*command, where], capture_output=True, text=True, cwd=ROOT, check=True)
            for where in (cluster.scheduler_address, "local")
        ]
    one, other = (json.loads(d.stdout)["runs"] for d in done)
    assert len(one) == 3
    assert [{**run, "seconds": 0} for run in one] == [{**run, "seconds": 0} for run in other]


def some_are_kept(cache):
    with suppress(sqlite3.Error), closing(sqlite3.connect(cache / "scan.sqlite")) as database:
        return database.execute("SELECT count(*) FROM results").fetchone()[0] > 0
    return False


@pytest.mark.slow
def test_ctrl_c_says_how_far_it_came(runs, tmp_path):
    for n in range(40):
        shutil.copytree(runs / "lr_step", runs / f"copy_{n}")
    environment = {**os.environ, "SPIKEDIAG_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "spikediag", "scan", str(runs), "-j", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        while process.poll() is None and not some_are_kept(tmp_path / "cache"):
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "of 43 done; run this again to go on." in said
    assert "Traceback" not in said


def test_dask_that_is_not_there_says_what_to_install(monkeypatch):
    from spikediag.sweep import workers

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match="dask"), workers.dask("local", 1):
        pass


def test_inline_gives_the_error_of_its_task_to_who_asks():
    future = Inline().submit(lambda: 1 / 0)
    assert isinstance(future.exception(), ZeroDivisionError)


def test_places_of_a_remote_folder_are_found_where_they_stand_here(runs):
    pytest.importorskip("fsspec")
    import fsspec

    system = fsspec.filesystem("memory")
    system.put(str(runs), "/sweep", recursive=True)
    try:
        found = spikediag.scan("memory://sweep")
        assert [row.path for row in found.judged] == [
            f"memory://sweep/{name}" for name in ("non_finite", "lr_step", "bc_batch_32")
        ]
        (place, *_) = parser.places("memory://sweep")
        assert parser.here(place, "memory://sweep") == place
    finally:
        system.rm("/sweep", recursive=True)


def test_whatever_looks_like_a_run_has_a_row_as_it_has_in_a_check(runs, cache):
    for folder in ("zeros", "deep/er/empty", ".hidden/run", "packed", "wandb/run-20260101_000000-abc"):
        (runs / folder).mkdir(parents=True)
    (runs / "zeros" / "events.out.tfevents.1.host").write_bytes(bytes(4096))
    (runs / "deep/er/empty" / "events.out.tfevents.1.host").write_bytes(b"")
    shutil.copytree(runs / "lr_step", runs / ".hidden/run", dirs_exist_ok=True)
    (runs / "packed" / "events.out.tfevents.1.host.gz").write_bytes(b"\x1f\x8b")
    (runs / "wandb/run-20260101_000000-abc/run-abc.wandb").write_bytes(b"")
    os.mkfifo(runs / "pipe.tfevents")
    for _ in range(2):  # the second time from what is kept
        found = spikediag.scan(runs)
        unread = {os.path.relpath(row.path, runs) for row in found.unread}
        checked = parser.overlooked(runs, [run.folder for run in parser.find_runs(runs)])
        assert {os.path.relpath(one.path, runs) for one in checked} <= unread
        assert {Path(row).parts[0] for row in unread} == {
            "zeros", "deep", ".hidden", "packed", "wandb", "pipe.tfevents",
        }  # fmt: skip
        assert [row.name for row in found.judged] == ["non_finite", "lr_step", "bc_batch_32"]
        assert {one["path"] for one in found.to_dict()["unread"]} == {row.path for row in found.unread}
