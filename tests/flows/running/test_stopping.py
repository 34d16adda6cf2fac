"""SIGTERM in the middle of training or of a query: the command ends soon, and the ledger does not say "running"."""

import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from flows.running.stopping import EXIT_STOPPED
from warehouse.ledger import history

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_told_to_stop_in_mid_training(workspace, open_at, raw, tmp_path):
    context = open_at(workspace)
    command = [sys.executable, "-c", "from flows.command_line import main; main()", "train", "--as-of", "2025-12-01"]
    command += ["--config", str(ROOT / "tests/shop.toml"), "--data", str(raw), "--orchestration", "none"]
    environment = {"GRISTMILL_WORKSPACE": str(workspace), "GRISTMILL__LAKE__BUCKETS": "3", "PATH": "/usr/bin:/bin"}
    said = (tmp_path / "said").open("w+")
    training = subprocess.Popen(command, env=environment, stderr=said, stdout=subprocess.DEVNULL)  # noqa: S603
    deadline = time.monotonic() + 240
    while "features and outcomes" not in (tmp_path / "said").read_text() and time.monotonic() < deadline:
        assert training.poll() is None, (tmp_path / "said").read_text()
        time.sleep(0.05)
    training.send_signal(signal.SIGTERM)
    assert training.wait(timeout=30) == EXIT_STOPPED
    assert context.warehouse().holder() is None
    with context.warehouse() as warehouse:
        last = history(warehouse, limit=1)[0]
    assert (last.kind, last.as_of, last.status) == ("train", date(2025, 12, 1), "failed")
    assert last.error["error"] == "Stopped"


QUERY_WITHOUT_END = """
import os, signal, threading
import duckdb
from flows.running.stopping import stop_when_told, stopped_instead

stop_when_told()
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
with stopped_instead(), duckdb.connect() as connection:
    connection.execute("set threads = 2")
    connection.execute("create table o as select range::varchar as id from range(2000)")
    connection.execute(
        "create table t as select *, row_number() over (order by id) from (select o.*, (select "
        "sum(hash(a.range::varchar || b.range::varchar || o.id) % 7) from range(9000) a, range(9000) b) from o)"
    )
"""


def test_told_to_stop_in_a_query_without_end():
    ended = subprocess.run(  # noqa: S603 our own text
        [sys.executable, "-c", QUERY_WITHOUT_END], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stderr) == (EXIT_STOPPED, "")
