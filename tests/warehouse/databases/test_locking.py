"""The lock of every warehouse: one holder, named to those who are turned away, gone with its process."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse.databases.locking import exclusive_lock, lock_path
from warehouse.errors import WarehouseBusyError, WarehouseUnreachableError

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
HOLD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from warehouse.opening import warehouse_at
place = warehouse_at(Path(sys.argv[1]), sys.argv[1] if sys.argv[1].startswith("postgresql:") else "")
with place.lock(run_key="score-2026-03-01-aaaa", now=datetime(2026, 3, 1, tzinfo=UTC)):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
RACE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from warehouse.errors import WarehouseBusyError
from warehouse.opening import warehouse_at
place = warehouse_at(Path(sys.argv[1]), sys.argv[1] if sys.argv[1].startswith("postgresql:") else "")
print("ready", flush=True)
sys.stdin.readline()
try:
    with place.lock(run_key=sys.argv[2], now=datetime(2026, 3, 1, tzinfo=UTC)):
        print("ran", flush=True)
        sys.stdin.readline()  # holds it until the race is over
except WarehouseBusyError as error:
    print(error.got, flush=True)
"""


def child(code, *arguments):
    return subprocess.Popen(  # noqa: S603 code of this test
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_second_taker_is_told_who_holds_it(place):
    with (
        place.open().lock(run_key="train-2026-03-01-bbbb", now=NOW) as holder,
        pytest.raises(WarehouseBusyError) as refused,
        place.open().lock(run_key="score-2026-03-01-cccc", now=NOW),
    ):
        pass
    assert holder.pid == os.getpid()
    assert refused.value.exit_code == 5
    assert "train-2026-03-01-bbbb" in str(refused.value)
    assert str(os.getpid()) in str(refused.value)


def test_it_is_free_after_the_block_however_the_block_ends(place):
    with pytest.raises(KeyError), place.open().lock(run_key="score-a", now=NOW):
        raise KeyError(place.open().holder().run_key == "score-a")
    assert place.open().holder() is None
    with place.open().lock(run_key="score-b", now=NOW):
        assert place.open().holder().run_key == "score-b"


def test_nobody_holds_what_was_never_locked(place):
    assert place.open().holder() is None
    assert not place.open().exists()


def test_a_lock_that_can_not_be_made_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with (
        pytest.raises(WarehouseUnreachableError),
        exclusive_lock(tmp_path / "file" / "warehouse.duckdb", run_key="score-a", now=NOW),
    ):
        pass


def test_a_killed_holder_frees_it_and_is_not_named(place):
    holder = child(HOLD, place.address, 60)
    assert holder.stdout.readline() == "held\n"
    assert place.open().holder().pid == holder.pid
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    if not place.is_postgresql:  # a server hears of it a moment later
        assert "score-2026-03-01-aaaa" in lock_path(Path(place.address)).read_text()
        assert place.open().holder() is None
    with place.open().lock(run_key="score-b", now=NOW, wait_seconds=20):
        assert place.open().holder().pid == os.getpid()
    holder.communicate()


def test_a_waiter_gets_it_when_the_holder_ends(place):
    holder = child(HOLD, place.address, 0.5)
    assert holder.stdout.readline() == "held\n"
    began = time.monotonic()
    with place.open().lock(run_key="score-b", now=NOW, wait_seconds=20):
        assert time.monotonic() - began > 0.2
    holder.communicate()


def test_of_two_processes_at_once_one_runs_and_the_other_says_so(place):
    racers = [child(RACE, place.address, f"score-{name}") for name in ("a", "b")]
    assert [racer.stdout.readline() for racer in racers] == ["ready\n", "ready\n"]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = sorted(racer.stdout.readline() for racer in racers)
    for racer in racers:
        racer.communicate(timeout=60)
    assert said[1] == "ran\n"
    assert "held by score-" in said[0]
