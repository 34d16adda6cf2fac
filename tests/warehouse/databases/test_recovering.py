"""A DuckDB log that can't be replayed: never removed, and the last good state comes back."""

from datetime import date

import pytest

from warehouse.databases.recovering import recover
from warehouse.errors import WarehouseLogUnreadableError, WarehouseUnreachableError
from warehouse.publishing.publications import current_publication

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


@pytest.fixture
def damaged(night, make_place, killed_child):
    """A warehouse whose second night was killed after its commit, and whose log was damaged on the disk since."""
    place = make_place("duckdb")
    night.publish_night(place, MONDAY)
    killed_child(night.__file__, place.address, TUESDAY.isoformat(), "committed")
    log = place.open().path.with_name("warehouse0.duckdb.wal")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)
    return place, log


def test_a_damaged_log_is_told_and_left_alone(damaged):
    place, log = damaged
    before = log.read_bytes()
    with pytest.raises(WarehouseLogUnreadableError) as told, place.open(file_wait_seconds=30):
        pass  # told at once, although it was to wait for other programs
    assert "gristmill recover" in told.value.action
    assert log.read_bytes() == before


def test_the_last_good_state_comes_back_and_the_night_can_be_run_again(damaged, night):
    place, log = damaged
    content = log.read_bytes()
    aside = recover(place.open(), now=night.NOW)
    assert aside.name == f"{log.name}.unreadable-20260301T020000Z"
    assert aside.read_bytes() == content
    with place.open() as warehouse:
        assert current_publication(warehouse).as_of == MONDAY
    assert night.publish_night(place, TUESDAY).outcome == "published"
    assert recover(place.open(), now=night.NOW) is None


def test_a_damaged_file_is_left_as_it_was_found(damaged, night):
    place, log = damaged
    path = place.open().path
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(WarehouseUnreachableError):
        recover(place.open(), now=night.NOW)
    assert log.exists()
