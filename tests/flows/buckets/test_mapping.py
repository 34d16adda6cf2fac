"""One function over many buckets, in this process, in a pool, on a cluster: the same results, whatever dies."""

import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from config.compute import Compute
from flows.buckets import mapping as mapping_module
from flows.buckets.dask_cluster import refuse_unasked
from flows.buckets.errors import (
    ClusterDiffersError,
    ClusterDownError,
    ClusterSeesNoLakeError,
    JobChangedError,
    WorkerDiedError,
)
from flows.buckets.mapping import bucket_mapping, carry_out
from flows.errors import NobodyActiveError
from tests.flows import mapped_work
from warehouse.lake import Lake

ROOT = Path(__file__).parents[3]


@pytest.fixture
def mapped(tmp_path):
    """Carries a function out over buckets as `[compute]` says."""

    def mapped(function, job, buckets, **compute):
        context = SimpleNamespace(lake=Lake(tmp_path / "lake"), settings=SimpleNamespace(compute=Compute(**compute)))
        with bucket_mapping(context) as mapping:
            return mapping.run(function, job, buckets, tick=lambda: None)

    return mapped


@pytest.mark.slow
def test_processes_share_the_cores_and_keep_the_order(mapped, monkeypatch):
    monkeypatch.setenv("POLARS_MAX_THREADS", "4")
    found = mapped(mapped_work.threads, "", [3, 0, 2, 1], processes=2)
    assert [bucket for bucket, _, _ in found] == [3, 0, 2, 1]
    assert {threads for _, _, threads in found} == {2}
    pids = {pid for _, pid, _ in found}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert os.environ["POLARS_MAX_THREADS"] == "4"
    assert mapped(mapped_work.threads, "", [0])[0][1] == os.getpid()


def test_a_process_that_dies_costs_nothing_but_time(mapped, tmp_path):
    assert mapped(mapped_work.dies_once, str(tmp_path), [0, 1, 2], processes=2) == [0, 10, 20]
    assert (tmp_path / "died").exists()
    assert list((tmp_path / "lake").iterdir()) == []


@pytest.mark.slow
def test_a_bucket_that_kills_twice_is_told_and_worth_another_try(mapped):
    with pytest.raises(WorkerDiedError, match="died again") as told:
        mapped(mapped_work.dies, "", [0, 1, 2], processes=2)
    assert told.value.exit_code == 4
    assert told.value.got == "bucket 1"


def test_a_failure_arrives_as_it_was_raised(mapped):
    with pytest.raises(NobodyActiveError) as told:
        mapped(mapped_work.is_blocked, "", [0, 1], processes=2)
    assert told.value.exit_code == 3
    assert "last order on 2025-01-01" in told.value.got


def test_an_error_travels_with_its_facts():
    error = NobodyActiveError(as_of=date(2026, 1, 1), within_days=365, last_order=date(2025, 1, 1))
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 what was written a moment ago
    assert type(arrived) is NobodyActiveError
    assert arrived.facts() == error.facts()


def test_a_job_is_read_only_as_it_was_written(tmp_path, monkeypatch):
    handed = mapping_module.BucketMapping(folder=tmp_path, compute=Compute())._handed(mapped_work.dies_once, "job")
    Path(handed.path).write_bytes(pickle.dumps("another"))
    with pytest.raises(JobChangedError):
        carry_out(handed, 0)


def test_what_a_killed_run_left_is_swept(mapped, tmp_path):
    left = tmp_path / "lake" / ".mapping-abc.writing"
    left.mkdir(parents=True)
    (left / "part.parquet").touch()
    assert mapped(mapped_work.dies_once, str(tmp_path), [0]) == [0]
    assert not left.exists()


@pytest.mark.parametrize("wrong", [{"processes": 2, "cluster": "tcp://h:8786"}, {"cluster": "10.0.0.5:8786"}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ValidationError):
        Compute(**wrong)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("raised", "refused", "told"),
    [
        (ImportError("no gristmill"), ClusterDiffersError, "tcp://b has no gristmill"),
        (RuntimeError("half an installation"), ClusterDiffersError, "tcp://b fails: RuntimeError"),
        (PermissionError("not yours"), ClusterSeesNoLakeError, "tcp://b"),
    ],
)
def test_a_worker_that_could_not_be_asked_is_refused(raised, refused, told):
    with pytest.raises(refused, match=told):
        refuse_unasked({"tcp://a": (True, {}), "tcp://b": raised}, folder="/lake")
    refuse_unasked({"tcp://a": (True, {})}, folder="/lake")


def test_a_scheduler_that_is_not_there_is_told(mapped, monkeypatch):
    monkeypatch.setattr("flows.buckets.dask_cluster.CONNECT_SECONDS", 1.0)
    with pytest.raises(ClusterDownError) as told:
        mapped(mapped_work.dies_once, "", [0], cluster=f"tcp://127.0.0.1:{_free_port()}")
    assert told.value.exit_code == 4


@pytest.fixture
def cluster(tmp_path):
    """A scheduler and two workers over TCP; gives the address and the workers."""
    address = f"tcp://127.0.0.1:{_free_port()}"
    port = address.rpartition(":")[2]
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "PYTHONPATH": str(ROOT)}

    def started(*arguments):
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        return subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL)  # noqa: S603 ours

    processes = [started("scheduler", "--host", "127.0.0.1", "--port", port)]
    processes += [started("worker", address, "--nthreads", "1", "--no-nanny") for _ in range(2)]
    yield address, processes[1:]
    for process in reversed(processes):
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


@pytest.mark.slow
def test_a_cluster_gives_the_same_and_outlives_a_worker(mapped, cluster, tmp_path):
    address, workers = cluster
    assert mapped(mapped_work.dies_once, "", [2, 0], cluster=address) == [20, 0]
    (tmp_path / "marks").mkdir()
    found = mapped(mapped_work.dies_once, str(tmp_path / "marks"), [0, 1, 2, 3], cluster=address)
    assert found == [0, 10, 20, 30]
    time.sleep(0.5)
    assert sum(worker.poll() is None for worker in workers) == 1


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
