"""A server, a worker, a run asked for through the API, the worker killed in the middle, and the run after it.

It takes minutes and two more processes than most machines of a test run have to spare: `make try-prefect` asks for it.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from flows.running.local_server import local_server
from flows.status.ledger_facts import read_status

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("GRISTMILL_TRY_PREFECT" not in os.environ, reason="takes minutes: make try-prefect"),
]
ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 300
DAY = "2026-01-01"


@pytest.fixture
def server(tmp_path):
    with local_server(tmp_path / "prefect") as api_url:
        yield api_url


@pytest.fixture
def environment(server, workspace, raw, tmp_path):
    """What docs/operations.md tells to export, and where this test's company is."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PREFECT_API_URL": server,
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PYTHONPATH": str(ROOT),
        "GRISTMILL_HOME": str(ROOT),
        "GRISTMILL_CONFIG": str(ROOT / "tests/shop.toml"),
        "GRISTMILL_DATA": str(raw),
        "GRISTMILL_WORKSPACE": str(workspace),
        "GRISTMILL__LAKE__BUCKETS": "3",
    }


@pytest.fixture
def worker(environment, tmp_path):
    """Starts a worker of the pool; all of them and their children are gone in the end."""
    started = []

    def start():
        log = (tmp_path / f"worker-{len(started)}.log").open("wb")
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "gristmill", "--limit", "1"]
        started.append(subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log))  # noqa: S603
        return started[-1]

    yield start
    for process in started:
        kill_with_children(process.pid)


def kill_with_children(pid):
    """SIGKILL, as a machine that goes down: the run's own process too."""
    try:
        family = [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]
    except psutil.NoSuchProcess:
        return
    for one in family:
        one.send_signal(signal.SIGKILL)
    psutil.wait_procs(family, timeout=10)


def ask(api_url, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{api_url}/{path}", data=data, headers={"Content-Type": "application/json"})  # noqa: S310 our own server on loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.25)
    return found


def test_a_worker_is_killed_in_the_middle_and_the_next_run_publishes(server, environment, worker, workspace, open_at):
    prefect = [sys.executable, "-m", "prefect"]
    for command in (
        ["work-pool", "create", "gristmill", "--type", "process"],
        ["deploy", "--all"],
        ["automation", "create", "--from-file", "prefect_automations.yaml"],
    ):
        subprocess.run([*prefect, *command], env=environment, cwd=ROOT, check=True, capture_output=True, timeout=120)  # noqa: S603
    deployment = ask(server, "deployments/name/gristmill-run/nightly-scoring")
    assert deployment["concurrency_limit"] is None

    def trigger():
        parameters = {"as_of": DAY, "catch_up_nights": 0}
        return ask(server, f"deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})["id"]

    def state(run):
        return ask(server, f"flow_runs/{run}")["state"]["type"]

    def runs_now():
        return open_at(workspace).warehouse().holder()

    first, killed = trigger(), worker()
    assert wait_for("the run holds the lock", runs_now).run_key == f"run {DAY}"
    kill_with_children(killed.pid)
    found = read_status(open_at(workspace), limit=5)
    assert found["running"] is None
    assert (found["published"] or {}).get("as_of") != DAY

    worker()
    again = trigger()
    wait_for("the second run ends", lambda: state(again) in {"COMPLETED", "FAILED", "CRASHED"})
    states = [one["name"] for one in ask(server, f"flow_run_states/?flow_run_id={again}")]
    assert states[-1] == "Completed"
    assert "AwaitingConcurrencySlot" not in states, "the place of the killed run was waited for"
    assert state(first) == "RUNNING"  # what Prefect believes; the automation says otherwise in ten minutes
    found = read_status(open_at(workspace), limit=5)
    assert found["published"]["as_of"] == DAY
    assert ask(server, f"flow_runs/{again}")["name"] == f"run {DAY}"
