"""SIGKILL at every step of a load, in a child process: the load before stands, and the next one finishes."""

import daily
import polars as pl
import pytest

from warehouse.ledger import last_load
from warehouse.ledger_schema import ledger_rows

FAILPOINTS = ("file_written", "load_written", "load_in_place", "quarantine_written", "before_commit", "recorded")
IN_EVERY_TEST_RUN = ("load_in_place", "before_commit", "recorded")
AFTER_THE_COMMIT = ("recorded",)


@pytest.mark.parametrize(
    "failpoint",
    [pytest.param(point, marks=() if point in IN_EVERY_TEST_RUN else pytest.mark.slow) for point in FAILPOINTS],
)
def test_killed_at(tmp_path, killed_child, failpoint):
    company = daily.Company(tmp_path)
    company.write("1.csv", "1,a,2024-05-01 10:00:00,1.00", "bad,a,2024-05-01 10:00:00,")
    company.load(daily.day(2))
    company.write("2.csv", "2,b,2024-05-02 10:00:00,2.00", "1,a,2024-05-01 10:00:00,9.00", "worse,a,nonsense,1")
    killed_child(daily.__file__, tmp_path, 3, failpoint)

    done = failpoint in AFTER_THE_COMMIT
    with company.warehouse() as warehouse:
        load = last_load(warehouse)
        inputs = ledger_rows(warehouse, "load_inputs", "ORDER BY label", [])
    assert load.load_id == ("20240503T030000" if done else "20240502T030000")
    assert [row["label"] for row in inputs] == ["orders/1.csv", *(["orders/2.csv"] if done else [])]
    assert company.current()["amount"].sort().to_list() == ([200, 900] if done else [100])
    assert company.quarantine()["source_file"].to_list() == ["orders/1.csv", *(["orders/2.csv"] if done else [])]

    company.load(daily.day(4))
    assert company.current()["amount"].sort().to_list() == [200, 900]
    assert company.core().height == 3
    assert company.quarantine()["source_file"].to_list() == ["orders/1.csv", "orders/2.csv"]
    names = {path.name for path in (tmp_path / "lake/core").iterdir()}
    expected = {"load=20240502T030000", "load=20240504T030000"} | ({"load=20240503T030000"} if done else set())
    assert names == expected
    assert company.core().filter(pl.col("superseded_at").is_not_null()).height == 1
