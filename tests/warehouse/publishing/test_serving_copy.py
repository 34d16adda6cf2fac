"""The readers' copy: in step with what is published, never half-written, open to readers while a run writes."""

import shutil
from datetime import date, timedelta

import duckdb
import pytest

from warehouse.publishing.errors_serving import ServingCopyNotWrittenError
from warehouse.publishing.serving_copy import refresh_serving_copy
from warehouse.publishing.write_audit_publish import rollback

MONDAY = date(2026, 3, 2)


@pytest.fixture
def place(make_place):
    return make_place("duckdb")


@pytest.fixture
def copy(tmp_path):
    return tmp_path / "serving.duckdb"


def refreshed(place, copy, **options):
    with place.open() as warehouse:
        return refresh_serving_copy(warehouse, copy, **options)


def day_seen(connection):
    return connection.sql("SELECT DISTINCT as_of FROM segments.customer").fetchall()


def test_it_shows_what_is_published_with_its_meanings(night, place, copy):
    night.publish_night(place, MONDAY)
    assert refreshed(place, copy)
    assert not refreshed(place, copy)
    with duckdb.connect(str(copy), read_only=True) as connection:
        assert day_seen(connection) == [(MONDAY,)]
        assert connection.sql("SELECT version_number, as_of FROM segments.published_version").fetchall() == [
            (1, MONDAY)
        ]
        told = "SELECT comment FROM duckdb_columns() WHERE table_name = 'customer' AND column_name = 'customer_id'"
        assert connection.sql(told).fetchall() == [("who: the customer's number",)]


def test_a_reader_who_stays_keeps_their_version_and_is_in_nobodys_way(night, place, copy):
    night.publish_night(place, MONDAY)
    refreshed(place, copy)
    with duckdb.connect(str(copy), read_only=True) as reader:
        night.publish_night(place, MONDAY + timedelta(days=1))
        refreshed(place, copy)
        assert day_seen(reader) == [(MONDAY,)]
    with duckdb.connect(str(copy), read_only=True) as reader:
        assert day_seen(reader) == [(MONDAY + timedelta(days=1),)]


def test_it_follows_a_rollback_and_goes_when_nothing_is_published(night, place, copy):
    assert not refreshed(place, copy)
    night.publish_night(place, MONDAY)
    night.publish_night(place, MONDAY + timedelta(days=1))
    refreshed(place, copy)
    with place.open() as warehouse:
        rollback(warehouse, now=night.NOW)
    assert refreshed(place, copy)
    with duckdb.connect(str(copy), read_only=True) as connection:
        assert day_seen(connection) == [(MONDAY,)]


def test_a_damaged_copy_is_written_anew(night, place, copy):
    night.publish_night(place, MONDAY)
    copy.write_bytes(b"half a file")
    assert refreshed(place, copy)
    assert not refreshed(place, copy)


def test_without_room_the_copy_before_stays(night, place, tmp_path):
    night.publish_night(place, MONDAY)
    folder = tmp_path / "readers"
    copy = folder / "serving.duckdb"
    refreshed(place, copy)
    before = copy.read_bytes()
    night.publish_night(place, MONDAY + timedelta(days=1))
    (folder / ".serving.duckdb.writing").mkdir()  # something is in the way
    with pytest.raises(ServingCopyNotWrittenError):
        refreshed(place, copy)
    assert copy.read_bytes() == before
    shutil.rmtree(folder / ".serving.duckdb.writing")
    assert refreshed(place, copy)
