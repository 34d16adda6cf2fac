"""The DuckDB file: who gets in, and what they are told when they don't."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse.databases.duckdb_warehouse import DuckDBWarehouse
from warehouse.databases.locking import exclusive_lock
from warehouse.errors import (
    FileNameRefusedError,
    WarehouseBusyError,
    WarehouseMissingError,
    WarehouseOpenElsewhereError,
    WarehouseUnreachableError,
)

NOTEBOOK = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
time.sleep(float(sys.argv[2]))
"""
RUN = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from warehouse.databases.duckdb_warehouse import DuckDBWarehouse
from warehouse.databases.locking import exclusive_lock
path = Path(sys.argv[1])
with exclusive_lock(path, run_key="score-2026-03-01-aaaa", now=datetime(2026, 3, 1, tzinfo=UTC)):
    with DuckDBWarehouse(path):
        print("open", flush=True)
        time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def child(database):
    started = []

    def start(code, seconds):
        process = subprocess.Popen(  # noqa: S603 code of this test
            [sys.executable, "-c", code, str(database), str(seconds)],
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "open\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_notebook_that_holds_the_file_is_named(database, child):
    notebook = child(NOTEBOOK, 60)
    with pytest.raises(WarehouseOpenElsewhereError) as refused, DuckDBWarehouse(database, lock_wait_seconds=0.3):
        pass
    assert refused.value.exit_code == 4
    assert str(notebook.pid) in refused.value.got


def test_a_run_of_ours_that_holds_the_file_is_named(database, child):
    child(RUN, 60)
    with (
        pytest.raises(WarehouseBusyError) as refused,
        DuckDBWarehouse(database, read_only=True, lock_wait_seconds=0.3),
    ):
        pass
    assert refused.value.exit_code == 5
    assert "score-2026-03-01-aaaa" in refused.value.got


def test_waiting_is_rewarded_when_the_file_is_closed_in_time(database, child):
    child(NOTEBOOK, 0.5)
    with DuckDBWarehouse(database, lock_wait_seconds=30) as warehouse:
        assert warehouse.tables("core") == []


def test_one_process_can_not_open_it_in_two_modes(database):
    with (
        DuckDBWarehouse(database),
        pytest.raises(WarehouseOpenElsewhereError, match="open in another program") as refused,
        DuckDBWarehouse(database, read_only=True, lock_wait_seconds=0.1),
    ):
        pass
    assert "this process" in refused.value.got


def test_a_reader_does_not_make_a_file(database):
    with pytest.raises(WarehouseMissingError), DuckDBWarehouse(database, read_only=True):
        pass
    assert not database.exists()


def test_a_damaged_file_is_left_as_it_is(database):
    database.write_bytes(b"not a database" * 1000)
    with pytest.raises(WarehouseUnreachableError) as refused, DuckDBWarehouse(database):
        pass
    assert refused.value.exit_code == 4
    assert database.read_bytes() == b"not a database" * 1000


@pytest.mark.parametrize("name", ["gristmill.duckdb", "segments.db"])
def test_a_file_named_like_a_schema_is_refused(tmp_path, name):
    with pytest.raises(FileNameRefusedError), DuckDBWarehouse(tmp_path / name):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_lock_and_the_file_are_two_things(database):
    with (
        exclusive_lock(database, run_key="score-a", now=datetime(2026, 3, 1, tzinfo=UTC)),
        DuckDBWarehouse(database) as warehouse,
    ):
        warehouse.make_schema("core")
    with DuckDBWarehouse(database, read_only=True) as warehouse:
        assert warehouse.tables("core") == []
