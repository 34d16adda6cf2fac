"""The lock: one holder, named to those who are turned away, gone with its process."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse.errors import WarehouseBusyError, WarehouseUnreachableError
from warehouse.locking import current_holder, exclusive_lock, lock_path

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
HOLD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from warehouse.locking import exclusive_lock
with exclusive_lock(Path(sys.argv[1]), run_key="score-2026-03-01-aaaa", now=datetime(2026, 3, 1, tzinfo=UTC)):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
RACE = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from warehouse.errors import WarehouseBusyError
from warehouse.locking import exclusive_lock
sys.stdin.readline()
try:
    with exclusive_lock(Path(sys.argv[1]), run_key=sys.argv[2], now=datetime(2026, 3, 1, tzinfo=UTC)):
        time.sleep(1)
        print("ran")
except WarehouseBusyError as error:
    print(error.got)
"""


def child(code, *arguments):
    return subprocess.Popen(  # noqa: S603 code of this test
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_second_taker_is_told_who_holds_it(database):
    with (
        exclusive_lock(database, run_key="train-2026-03-01-bbbb", now=NOW) as holder,
        pytest.raises(WarehouseBusyError) as refused,
        exclusive_lock(database, run_key="score-2026-03-01-cccc", now=NOW),
    ):
        pass
    assert holder.pid == os.getpid()
    assert refused.value.exit_code == 5
    assert "train-2026-03-01-bbbb" in str(refused.value)
    assert str(os.getpid()) in str(refused.value)


def test_it_is_free_after_the_block_however_the_block_ends(database):
    with pytest.raises(KeyError), exclusive_lock(database, run_key="score-a", now=NOW):
        raise KeyError(current_holder(database).run_key == "score-a")
    assert current_holder(database) is None
    with exclusive_lock(database, run_key="score-b", now=NOW):
        assert current_holder(database).run_key == "score-b"


def test_nobody_holds_what_was_never_locked(database):
    assert current_holder(database) is None
    assert not lock_path(database).exists()


def test_a_lock_that_can_not_be_made_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with (
        pytest.raises(WarehouseUnreachableError),
        exclusive_lock(tmp_path / "file" / "warehouse.duckdb", run_key="score-a", now=NOW),
    ):
        pass


def test_a_killed_holder_frees_it_and_is_not_named(database):
    holder = child(HOLD, database, 60)
    assert holder.stdout.readline() == "held\n"
    assert current_holder(database).pid == holder.pid
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert "score-2026-03-01-aaaa" in lock_path(database).read_text()
    assert current_holder(database) is None
    with exclusive_lock(database, run_key="score-b", now=NOW):
        assert current_holder(database).pid == os.getpid()
    holder.communicate()


def test_a_waiter_gets_it_when_the_holder_ends(database):
    holder = child(HOLD, database, 0.5)
    assert holder.stdout.readline() == "held\n"
    began = time.monotonic()
    with exclusive_lock(database, run_key="score-b", now=NOW, wait_seconds=20):
        assert time.monotonic() - began > 0.2
    holder.communicate()


def test_of_two_processes_at_once_one_runs_and_the_other_says_so(database):
    racers = [child(RACE, database, f"score-{name}") for name in ("a", "b")]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = sorted(racer.communicate(timeout=60)[0] for racer in racers)
    assert said[1] == "ran\n"
    assert "held by score-" in said[0]
