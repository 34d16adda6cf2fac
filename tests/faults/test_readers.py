"""Somebody reads the readers' file while nights are published: never an error, never two nights at once."""

import threading
from datetime import date, timedelta

import duckdb

from warehouse.publishing.serving_copy import refresh_serving_copy
from warehouse.publishing.write_audit_publish import PublishOptions

MONDAY = date(2026, 3, 2)
READ = (
    "SELECT (SELECT count(*) FROM segments.customer), (SELECT count(*) FROM segments.next_best_offer), "
    "(SELECT string_agg(DISTINCT run_key, ' ') FROM (FROM segments.customer SELECT run_key UNION ALL "
    "FROM segments.next_best_offer SELECT run_key UNION ALL FROM segments.published_version SELECT run_key))"
)


def test_a_reader_of_the_serving_copy_during_many_swaps(night, make_place, tmp_path, effort):
    place, copy = make_place("duckdb"), tmp_path / "serving.duckdb"
    ended, problems, looks = threading.Event(), [], []

    def swap(day):
        night.publish_night(place, MONDAY + timedelta(days=day), options=PublishOptions(keep_versions=3))
        with place.open() as warehouse:
            assert refresh_serving_copy(warehouse, copy)

    def look():
        while not ended.is_set():
            try:
                with duckdb.connect(str(copy), read_only=True) as reader:
                    customers, offers, keys = reader.execute(READ).fetchone()
            except duckdb.Error as error:
                problems.append(error)
                return
            looks.append(keys)
            if (customers, offers) != (10, 10) or " " in keys:
                problems.append((customers, offers, keys))

    swap(0)
    reader = threading.Thread(target=look)
    reader.start()
    try:
        for day in range(1, 5 if effort == 1 else 201):
            swap(day)
    finally:
        ended.set()
        reader.join()
    assert problems == []
    assert len(set(looks)) > 1
