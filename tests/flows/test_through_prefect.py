"""The same verbs through a real Prefect server: started by the run itself, or configured."""

import json
import os
import signal
import subprocess
import sys
import time
import traceback
import urllib.request
from datetime import date
from pathlib import Path

import pytest

from flows.loading import ingesting
from flows.running.local_server import answers, local_server
from flows.running.orchestration import carry_out

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
LATER = date(2026, 1, 1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with local_server(tmp_path_factory.mktemp("prefect")) as api_url:
        yield api_url


def ask(api_url, path, body):
    request = urllib.request.Request(  # noqa: S310 our own server on loopback
        f"{api_url}/{path}", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def test_a_night_through_prefect_is_the_night_without(server, workspace, open_at, do, tmp_path):
    plain = do("score", open_at(workspace), as_of=LATER)
    other = open_at(workspace, PREFECT_API_URL=server)
    result = carry_out(
        "score", other, mode="server", config=None, data=None, parameters={"as_of": LATER, "force": True}
    )
    assert result["orchestration"] == f"Prefect at {server}"
    assert result["content_hash"] == plain["content_hash"]
    flows = ask(server, "flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 1})
    assert flows[0]["state"]["type"] == "COMPLETED"
    assert flows[0]["name"].startswith("score 2026-01-01")
    artifacts = ask(server, "artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flows[0]["id"]]}}})
    pages = {artifact["key"]: artifact for artifact in artifacts}
    assert {"gristmill-score", "gristmill-tiers", "gristmill-steps"} <= set(pages)
    assert plain["content_hash"] in pages["gristmill-score"]["data"]
    tasks = ask(server, "task_runs/filter", {"flow_runs": {"id": {"any_": [flows[0]["id"]]}}})
    assert {"verify the champions", "features", "segments", "publish"} <= {task["name"] for task in tasks}


def test_a_blocked_night_is_failed_in_prefect_too(server, workspace, open_at):
    context = open_at(workspace, PREFECT_API_URL=server)
    with pytest.raises(Exception, match="no promoted churn model"):
        carry_out("score", context, mode="server", config=None, data=None, parameters={"as_of": date(2025, 1, 1)})
    flows = ask(server, "flow_runs/filter", {"sort": "START_TIME_DESC", "limit": 1})
    assert flows[0]["state"]["type"] == "FAILED"


def test_serving_keeps_the_schedules_and_stops_when_told(server, raw, tmp_path):
    environment = {**os.environ, "PREFECT_API_URL": server, "GRISTMILL_WORKSPACE": str(tmp_path / "work")}
    command = [sys.executable, "-c", "from flows.command_line import main; main()", "serve"]
    command += ["--config", str(ROOT / "tests/shop.toml"), "--data", str(raw)]
    serving = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True)  # noqa: S603
    try:
        found = _deployments(server, expected=4)
        schedules = {
            deployment["name"]: deployment["schedules"][0]["schedule"]
            for deployment in found
            if deployment["schedules"]
        }
        assert schedules["nightly-scoring"]["cron"] == "0 2 * * *"
        assert schedules["weekly-training"]["cron"] == "0 4 * * 0"
        assert schedules["nightly-scoring"]["timezone"] == "Europe/London"
        assert schedules["quarterly-review"]["cron"] == "0 6 1 1,4,7,10 *"
        names = {"nightly-scoring", "weekly-training", "quarterly-review", "backfill"}
        assert {deployment["name"] for deployment in found} == names
        (nightly,) = [deployment for deployment in found if deployment["name"] == "nightly-scoring"]
        assert nightly["parameters"]["catch_up_nights"] == 3
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.wait(timeout=60)


def _deployments(api_url, *, expected):
    deadline = time.monotonic() + 120
    found = []
    while time.monotonic() < deadline and len(found) < expected:
        time.sleep(1)
        found = ask(api_url, "deployments/filter", {})
    return found


def test_the_server_is_gone_when_the_run_is_over(tmp_path):
    with local_server(tmp_path) as api_url:
        assert answers(api_url)
        assert os.environ["PREFECT_API_URL"] == api_url
    assert not answers(api_url, timeout_seconds=1)
    assert os.environ.get("PREFECT_API_URL") != api_url


def test_no_secret_is_on_the_servers_pages_or_in_its_files(server, open_at, tmp_path, tmp_path_factory, monkeypatch):
    """In the warehouse's address, a webhook's, the registry's, the environment; told by our errors and by a bug's."""
    dsn, hook = "postgresql://mill:hunter2dsn@127.0.0.1:1/shop", "http://127.0.0.1:1/hunter2hook"
    monkeypatch.setenv("SHOP_API_TOKEN", token := "hunter2token")
    secrets = {"GRISTMILL__NOTIFICATIONS__WEBHOOK": hook, "MLFLOW_TRACKING_URI": "http://mill:hunter2uri@127.0.0.1:1"}
    patience = {"GRISTMILL__WAREHOUSE__CONNECT_TIMEOUT_SECONDS": "0.3"}

    def failing(*_, **__):
        raise RuntimeError(f"bug with {dsn}, {hook}, {token}") from OSError(f"at {dsn}")

    def refused(**changes):
        context = open_at(tmp_path / "work", PREFECT_API_URL=server, **secrets, **changes)
        with pytest.raises(Exception, match=r"bug with|can't be reached") as caught:
            carry_out("ingest", context, mode="server", config=None, data=None, parameters={})
        return "".join(traceback.format_exception(caught.value))

    told = refused(GRISTMILL_WAREHOUSE_URL=dsn, **patience)
    monkeypatch.setattr(ingesting, "ingest_sources", failing)
    monkeypatch.setenv("GRISTMILL_WAREHOUSE_URL", dsn)
    told += refused()
    begun = {"flow_runs": {"start_time": {"is_null_": False}}}  # not those that a schedule has in store
    flows = ask(server, "flow_runs/filter", {**begun, "sort": "START_TIME_DESC", "limit": 2})
    assert [flow["state"]["type"] for flow in flows] == ["FAILED"] * 2
    assert "bug with ***" in json.dumps(flows)
    (task,) = ask(server, "task_runs/filter", {"flow_runs": {"id": {"any_": [flow["id"] for flow in flows]}}})
    assert "bug with ***" in json.dumps(task)
    for path in ("logs/filter", "artifacts/filter", "events/filter"):
        told += json.dumps(ask(server, path, {}))
    assert "hunter2" not in told
    kept = [
        path for folder in (tmp_path, *tmp_path_factory.getbasetemp().glob("prefect*")) for path in folder.rglob("*")
    ]
    assert {path for path in kept if path.is_file() and b"hunter2" in path.read_bytes()} == set()
    assert any(b"bug with ***" in path.read_bytes() for path in kept if path.is_file())
