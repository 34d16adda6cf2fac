import errno
import shutil
from datetime import UTC, datetime

import duckdb
import pytest

from data_contracts.errors import DataBlockedError, DependencyDownError
from data_contracts.inputs import InputSpec
from warehouse.errors_scratch import MemoryShortError, ScratchFullError, ScratchRoomError
from warehouse.scratch import Scratch, room_needed, scratch_folder
from warehouse.sources.files import SourcePlace
from warehouse.sources.reading import prepare_connection


def test_the_folder_is_made_where_asked_and_goes(tmp_path):
    base = tmp_path / "new" / "scratch"
    with scratch_folder(Scratch(folder=base)) as folder:
        assert folder.parent == base
        (folder / "staging.duckdb").write_text("x")
    assert list(base.iterdir()) == []


def test_too_little_room_is_told_before_anything_is_begun(tmp_path):
    needed = shutil.disk_usage(tmp_path).total * 2
    with pytest.raises(ScratchRoomError) as caught, scratch_folder(Scratch(folder=tmp_path), room_bytes=needed):
        raise AssertionError("it was begun")
    assert isinstance(caught.value, DependencyDownError)
    assert "paths.scratch" in caught.value.action
    assert str(tmp_path) in caught.value.where


@pytest.mark.parametrize(
    "failure",
    [OSError(errno.ENOSPC, "x"), duckdb.IOException('IO Error: Could not write "f": No space left on device')],
)
def test_a_full_disk_is_told(tmp_path, failure):
    with pytest.raises(ScratchFullError), scratch_folder(Scratch(folder=tmp_path)):
        raise failure
    assert list(tmp_path.iterdir()) == []


def test_other_failures_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), scratch_folder(Scratch(folder=tmp_path)):
        raise FileNotFoundError(errno.ENOENT, "x")


def limited(folder, megabytes):
    connection = duckdb.connect(folder / "staging.duckdb")
    now = datetime(2024, 1, 1, tzinfo=UTC)
    prepare_connection(connection, company_currency="GBP", now=now, memory_limit=f"{megabytes}MB")
    return connection


def test_what_exceeds_the_memory_is_worked_on_in_the_folder(tmp_path):
    with scratch_folder(Scratch(folder=tmp_path)) as folder, limited(folder, 60) as connection:
        connection.execute("set threads = 1")
        connection.execute(
            "create table t as select hash(i)::varchar as id from range(2_000_000) as numbers(i) order by id"
        )
        assert connection.execute("select count(*) from t").fetchone() == (2_000_000,)


def test_what_cannot_be_done_in_the_memory_is_told(tmp_path):
    with (
        pytest.raises(MemoryShortError) as caught,
        scratch_folder(Scratch(folder=tmp_path, memory_gigabytes=1)) as folder,
        limited(folder, 20) as connection,
    ):
        connection.execute("select list(hash(i)::varchar) from range(5_000_000) as numbers(i)").fetchall()
    assert isinstance(caught.value, DataBlockedError)
    assert "compute.memory_gigabytes" in caught.value.where
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("gigabytes", "limit"), [(4.0, "3200MB"), (1.0, "200MB"), (64, "63200MB")])
def test_duckdb_gets_what_the_others_leave(gigabytes, limit):
    assert Scratch(memory_gigabytes=gigabytes).memory_limit == limit


def test_room_is_by_the_size_and_kind_of_files(tmp_path):
    (tmp_path / "a.csv").write_text("x" * 1000)
    (tmp_path / "b.csv").write_text("x" * 500)
    (tmp_path / "c.csv.gz").write_bytes(b"x" * 100)
    inputs = {
        "plain": InputSpec(files=("?.csv",)),
        "packed": InputSpec(files=("c.csv.gz",)),
        "database": InputSpec(database="shop.duckdb", table="sales"),
    }
    assert room_needed(inputs, SourcePlace(data_root=tmp_path)) == 3000 + 600
