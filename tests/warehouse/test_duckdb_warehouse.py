"""The DuckDB file: who gets in, what they are told when they don't, frames in and out."""

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from warehouse.base import TableDescription
from warehouse.duckdb_warehouse import DuckDBWarehouse
from warehouse.errors import (
    FileNameRefusedError,
    NameRefusedError,
    StatementFailedError,
    WarehouseBusyError,
    WarehouseMissingError,
    WarehouseOpenElsewhereError,
    WarehouseUnreachableError,
)
from warehouse.locking import exclusive_lock

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
from warehouse.duckdb_warehouse import DuckDBWarehouse
from warehouse.locking import exclusive_lock
path = Path(sys.argv[1])
with exclusive_lock(path, run_key="score-2026-03-01-aaaa", now=datetime(2026, 3, 1, tzinfo=UTC)):
    with DuckDBWarehouse(path):
        print("open", flush=True)
        time.sleep(float(sys.argv[2]))
"""
FRAME = pl.DataFrame(
    {
        "customer_id": ["00123", None, "ä\U0001f600\u202e"],
        "as_of": [date(2026, 3, 1)] * 3,
        "at": pl.Series([datetime(2026, 3, 29, 1, 30, tzinfo=UTC)] * 3, dtype=pl.Datetime("us", "UTC")),
        "value": pl.Series([Decimal("1.20"), None, Decimal("-3.00")], dtype=pl.Decimal(18, 2)),
        "flag": pl.Series([1, 0, None], dtype=pl.Int8),
        "share": [0.1, None, 1e300],
        "contacted": [True, None, False],
    }
)


@pytest.fixture
def child(database):
    started = []

    def start(code, seconds):
        process = subprocess.Popen(  # noqa: S603 code of this test
            [sys.executable, "-c", code, str(database), str(seconds)],
            cwd=Path(__file__).parents[2],
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


def test_frames_come_back_as_they_went_in(warehouse):
    warehouse.write_frame("core", "kept", FRAME)
    back = warehouse.read_table("core", "kept")
    assert back.schema == FRAME.schema
    assert back.equals(FRAME)
    assert warehouse.tables("core") == ["kept"]
    assert warehouse.tables("nowhere") == []


def test_a_view_shows_the_table_with_its_comments(warehouse):
    warehouse.write_frame("core", "kept", FRAME)
    described = TableDescription(dict.fromkeys(FRAME.columns, 'it\'s one; -- "quoted"'), "three rows")
    warehouse.comment_table("core", "kept", described)
    warehouse.point_view(("shown", "kept"), ("core", "kept"))
    assert warehouse.describe("shown", "kept") == described
    assert warehouse.read_table("shown", "kept").equals(FRAME)
    assert warehouse.views("shown") == ["kept"]


def test_a_transaction_is_all_or_nothing(warehouse):
    warehouse.write_frame("core", "kept", FRAME)

    def half_done():
        with warehouse.transaction():
            warehouse.write_frame("core", "second", FRAME)
            warehouse.execute("DELETE FROM core.kept")
            raise KeyError

    with pytest.raises(KeyError):
        half_done()
    assert warehouse.tables("core") == ["kept"]
    assert warehouse.read_table("core", "kept").height == 3
    with pytest.raises(StatementFailedError), warehouse.transaction():
        warehouse.execute("DELETE FROM core.kept; SELECT nonsense")
    assert warehouse.read_table("core", "kept").height == 3


def test_a_refused_statement_says_which_step(warehouse):
    with pytest.raises(StatementFailedError, match="refused to count the geese"):
        warehouse.query("SELECT count(*) FROM geese", step="count the geese")


@pytest.mark.parametrize("names", [("core", "a b"), ('c"; DROP', "kept"), ("core", "K"), ("../core", "kept")])
def test_names_off_the_allow_list_create_nothing(warehouse, names):
    with pytest.raises(NameRefusedError):
        warehouse.write_frame(*names, FRAME)
    with pytest.raises(NameRefusedError):
        warehouse.write_frame("core", "kept", FRAME.rename({"share": "Share"}))
    assert warehouse.tables("core") == []


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


@pytest.mark.usefixtures("warehouse")
def test_one_process_can_not_open_it_in_two_modes(database):
    with (
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


def test_it_is_open_only_inside_its_block(database):
    warehouse = DuckDBWarehouse(database)
    with pytest.raises(RuntimeError):
        warehouse.query("SELECT 1")


def test_the_lock_and_the_file_are_two_things(database):
    with (
        exclusive_lock(database, run_key="score-a", now=datetime(2026, 3, 1, tzinfo=UTC)),
        DuckDBWarehouse(database) as warehouse,
    ):
        warehouse.make_schema("core")
    with DuckDBWarehouse(database, read_only=True) as warehouse:
        assert warehouse.tables("core") == []
