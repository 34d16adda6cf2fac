"""SIGKILL at every step of publishing, in a child process: readers see old or new, and the next run finishes."""

import time
from datetime import date

import pytest

from warehouse.ledger import crashed_runs, history
from warehouse.publishing.publications import current_publication
from warehouse.publishing.write_audit_publish import FAILPOINTS

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
IN_EVERY_TEST_RUN = {
    "duckdb": ("first_table_staged", "first_view_moved", "before_commit", "committed"),
    "postgresql": ("first_table_staged", "first_view_moved", "committed"),
}
AFTER_THE_COMMIT = ("committed", "collected")


def freed_in_time(place):
    """A server hears of a client's end a moment later than an operating system."""
    deadline = time.monotonic() + 20
    while place.open().holder() is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    return place.open().holder() is None


def dates_seen(place):
    with place.open(read_only=True) as warehouse:
        return {
            table: warehouse.read_table("segments", table)["run_key"].unique().to_list()
            for table in ("customer", "next_best_offer")
        } | {"ledger": [current_publication(warehouse).run_key]}


def cases():
    for kind, quick in IN_EVERY_TEST_RUN.items():
        for failpoint in FAILPOINTS:
            marks = () if failpoint in quick else pytest.mark.slow
            yield pytest.param(kind, failpoint, marks=marks)


@pytest.mark.parametrize(("kind", "failpoint"), list(cases()))
def test_killed_at(night, make_place, killed_child, kind, failpoint):
    place = make_place(kind)
    night.publish_night(place, MONDAY)
    killed_child(night.__file__, place.address, TUESDAY.isoformat(), failpoint)

    shown = TUESDAY if failpoint in AFTER_THE_COMMIT else MONDAY
    keys = {night.run_key("score", shown, night.CONFIGURATION)}
    assert {name: set(seen) for name, seen in dates_seen(place).items()} == dict.fromkeys(
        ("customer", "next_best_offer", "ledger"), keys
    )
    assert freed_in_time(place)
    with place.open(read_only=True) as warehouse:
        assert [run.as_of for run in crashed_runs(warehouse, lock_is_free=True)] == [TUESDAY]
        assert crashed_runs(warehouse, lock_is_free=False) == []

    again = night.publish_night(place, TUESDAY)
    assert again.outcome == ("unchanged" if failpoint in AFTER_THE_COMMIT else "published")
    with place.open(read_only=True) as warehouse:
        attempts = {run.attempt: run.status for run in history(warehouse) if run.as_of == TUESDAY}
        assert attempts == {1: "done" if failpoint in AFTER_THE_COMMIT else "failed", 2: "done"}
        assert current_publication(warehouse).as_of == TUESDAY
        assert warehouse.tables("segments_versions") == [
            "customer__1",
            "customer__2",
            "next_best_offer__1",
            "next_best_offer__2",
        ]
