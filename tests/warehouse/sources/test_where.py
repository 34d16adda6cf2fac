"""Rows that a source's `where` leaves out: not the table's, so neither judged nor set aside, but counted."""

import pytest
from daily import HEADER, ORDERS, Company, day

from warehouse.errors_ingestion import NothingAcceptedError, SourceExpressionError
from warehouse.sources.errors import SourceFilesDifferError

GOOD, BAD = "o1,c1,2024-05-01 10:00:00,9.50", "o2,c1,no date,9.50"
OTHER, EMPTY = "refund,,no date,nothing", "o3,c1,2024-05-01 12:00:00,"


@pytest.fixture
def company(tmp_path):
    company = Company(tmp_path, load_kind="full")
    company.mapping["where"] = "\"order\" <> 'refund'"
    return company


def test_rows_left_out_are_counted_and_break_no_rule(company):
    company.write("1.csv", OTHER, GOOD, GOOD.replace("o1", ""), BAD, OTHER)
    counts = company.load(day(2)).counts["orders"]
    assert (counts.read, counts.accepted, counts.quarantined, counts.left_out) == (2, 1, 1, 3)
    assert counts.broken() == {"ordered_at_is_parsable": 1, "ordered_at_is_present": 1} or counts.broken() == {
        "ordered_at_is_parsable": 1
    }
    quarantined = company.quarantine()
    assert quarantined.select("source_file", "source_row").rows() == [("orders/1.csv", 4)]
    assert "no date" in quarantined["raw_row"].item()


def test_sources_may_share_a_files_rows_between_them(company):
    """Each row keeps its own place, so that what is set aside is shown as it was written."""
    company.sources = {
        "sales": {**ORDERS, "where": "net not like '-%'"},
        "returns": {**ORDERS, "where": "net like '-%'", "constants": {**ORDERS["constants"], "channel": "returned"}},
    }
    lines = ["r1,c1,2024-05-01,-1.00", "s1,c1,2024-05-01,1.00", "r2,c1,never,-2.00", "s2,c1,never,2.00"]
    company.write("1.csv", *lines)
    counts = company.load(day(2)).counts["orders"]
    assert (counts.read, counts.accepted, counts.quarantined, counts.left_out) == (4, 2, 2, 4)
    assert company.current().select("order_id", "source", "amount").rows() == [
        ("r1", "returns", -100),
        ("s1", "sales", 100),
    ]
    assert [("r2" in row["raw_row"], row["source"], row["source_row"]) for row in company.quarantine().to_dicts()] == [
        (True, "returns", 3),
        (False, "sales", 4),
    ]


def test_windows_look_at_the_tables_own_rows_only(company):
    company.mapping["expressions"]["quantity"] = "count(*) over ()"
    company.write("1.csv", GOOD, OTHER, EMPTY.replace("12:00:00,", "12:00:00,1"))
    company.load(day(2))
    assert company.current()["quantity"].to_list() == [2, 2]


@pytest.mark.parametrize("where", ["unheard_of = 1", "net::int > 0", "row_number() over () = 1"])
def test_a_condition_that_cannot_be_evaluated_is_named(company, where):
    company.mapping["where"] = where
    company.write("1.csv", GOOD, OTHER)
    with pytest.raises(SourceExpressionError) as caught:
        company.load(day(2))
    assert caught.value.where == "sources.orders.where"


def test_where_nothing_is_left_the_condition_is_told_and_not_quarantine(company):
    company.write("1.csv", OTHER)
    with pytest.raises(NothingAcceptedError) as caught:
        company.load(day(2))
    assert "leaves out all 1 " in caught.value.got
    assert "quarantine" not in caught.value.action


def test_a_day_of_other_rows_is_no_news(company):
    company.load_kind = "incremental"
    company.write("1.csv", GOOD)
    company.load(day(2))
    company.write("2.csv", OTHER)
    counts = company.load(day(3)).counts["orders"]
    assert (counts.read, counts.left_out, company.current().height) == (0, 1, 1)


def test_every_file_has_the_columns_that_the_condition_looks_at(company):
    company.mapping["where"] = "kind = 'sale'"
    company.write("1.csv", GOOD + ",sale", header=HEADER + ",kind")
    company.write("2.csv", GOOD.replace("o1", "o9"))
    with pytest.raises(SourceFilesDifferError):
        company.load(day(2))
