"""A runner paused in mid-publish (SIGSTOP: a laptop lid, a frozen container) that wakes up when others went on."""

import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import psycopg
import pytest

from warehouse.errors import WarehouseBusyError
from warehouse.ledger import history
from warehouse.publishing.publications import publications

ROOT = Path(__file__).parents[2]
MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
PAUSED = """
import os, signal, sys
from datetime import date
import night
from data_contracts.errors import GristmillError
from warehouse.databases.base import Timeouts
from warehouse.publishing.write_audit_publish import PublishOptions
def pause(passed):
    if passed == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGSTOP)
options = PublishOptions(failpoint=pause)
try:
    night.publish_night(night.Place(sys.argv[1]), date(2026, 3, 3), options=options, timeouts=Timeouts(lock_seconds=1))
except GristmillError as error:
    print(type(error).__name__, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def paused_child(night, place, failpoint):
    child = subprocess.Popen(  # noqa: S603 code of this test
        [sys.executable, "-c", PAUSED, place.address, failpoint],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{Path(night.__file__).parent}", "POLARS_MAX_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    state = Path(f"/proc/{child.pid}/stat")
    deadline = time.monotonic() + 60
    while state.read_text().rpartition(")")[2].split()[0] != "T":
        assert child.poll() is None, child.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return child


def woken(child):
    child.send_signal(signal.SIGCONT)
    said = child.communicate(timeout=60)[1]
    return child.returncode, said


def test_on_one_machine_nobody_overtakes_it_and_it_finishes(night, make_place):
    place = make_place("duckdb")
    night.publish_night(place, MONDAY)
    child = paused_child(night, place, "all_staged")
    try:
        with pytest.raises(WarehouseBusyError), place.open().lock(run_key="score-x", now=night.NOW):
            pass
    finally:
        ended = woken(child)
    assert ended == (0, "")
    assert night.publish_night(place, TUESDAY).outcome == "unchanged"


@pytest.mark.parametrize("failpoint", ["before_staging", "all_staged", "before_commit"])
def test_a_server_that_gave_it_up_lets_another_run_and_refuses_it(night, make_place, failpoint):
    """Paused before the commit it holds the views: the server ends its session, and readers wait no longer."""
    place = make_place("postgresql")
    night.publish_night(place, MONDAY)
    child = paused_child(night, place, failpoint)
    try:
        with psycopg.connect(place.address, autocommit=True) as server:  # what a cut line does to its lock
            held = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            assert server.execute(held).fetchall() == [(True,)]
        other = night.publish_night(place, TUESDAY)
    finally:
        ended = woken(child)
    assert other.outcome == "published"
    assert ended == (5, "RunSupersededError\n")
    with place.open() as warehouse:
        assert [(each.as_of, each.attempt) for each in publications(warehouse)] == [(TUESDAY, 2), (MONDAY, 1)]
        attempts = {run.attempt: run.status for run in history(warehouse) if run.as_of == TUESDAY}
        assert attempts == {1: "failed", 2: "done"}
        assert warehouse.read_table("segments", "customer")["run_key"].unique().to_list() == [other.publication.run_key]
    assert night.publish_night(place, TUESDAY).outcome == "unchanged"
