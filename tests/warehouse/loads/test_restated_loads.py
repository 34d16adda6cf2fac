"""A mapping that changes, sources that overlap or leave: nothing is doubled, and no past date sees what came later."""

from copy import deepcopy
from datetime import date

import daily
import pytest

from data_contracts.errors_table_rules import TableRuleBrokenError
from data_contracts.inputs import InputSpec
from data_contracts.orders import known_before, snapshot_instant
from warehouse.opening import warehouse_at

ZONE = "Europe/London"


ORDERS, day = daily.ORDERS, daily.day


@pytest.fixture
def company(tmp_path):
    return daily.Company(tmp_path)


def line(order, *, placed="2024-05-01 10:00:00", net="1.00"):
    return f"{order},a,{placed},{net}"


def amounts(company, day_of_may, month=5):
    """Order and amount (minor units) as known before a date."""
    instant = snapshot_instant(date(2024, month, day_of_may), time_zone=ZONE)
    rows = known_before(company.core().lazy(), instant).select("order_id", "amount").collect()
    return sorted(rows.iter_rows())


def two_sources(company):
    """An incremental source and, after it, one that shows everything, of the same orders."""
    company.inputs = {
        "orders": InputSpec(files=("orders/*.csv",), load="incremental"),
        "other": InputSpec(files=("other/*.csv",)),
    }
    company.sources = {"one": deepcopy(ORDERS), "two": {**deepcopy(ORDERS), "input": "other"}}


@pytest.mark.parametrize("load_kind", ["incremental", "full"])
def test_rows_whose_key_a_corrected_mapping_changes_are_not_doubled_at_any_date(company, load_kind):
    company.load_kind = load_kind
    company.write("1.csv", line("01"), line("02"))
    company.load(day(2))
    del company.mapping["columns"]["order_id"]
    company.mapping["expressions"]["order_id"] = "ltrim(\"order\", '0')"
    company.load(day(3))
    assert amounts(company, 2) == amounts(company, 3) == [("1", 100), ("2", 100)]
    company.mapping["expressions"]["order_id"] = '"order"'
    company.load(day(4))  # and back again
    assert amounts(company, 2) == amounts(company, 4) == [("01", 100), ("02", 100)]


def test_between_a_corrected_row_and_the_version_before_there_is_no_gap(company):
    company.mapping["columns"]["known_at"] = "seen"
    header = "order,customer,placed,net,seen"
    company.write("1.csv", line("1") + ",2024-05-01 12:00:00", header=header)
    company.load(day(2))
    company.write("2.csv", line("1", net="5.00") + ",2024-05-03 01:00:00", header=header)
    company.load(day(3))
    assert [amounts(company, number) for number in (2, 3, 4)] == [[("1", 100)], [("1", 100)], [("1", 500)]]


def test_dates_read_wrongly_are_known_since_the_right_day(company):
    company.mapping["formats"] = {"ordered_at": "%d/%m/%Y"}
    company.write("1.csv", line("1", placed="01/02/2024"))
    company.load(day(2))
    company.mapping["formats"] = {"ordered_at": "%m/%d/%Y"}
    company.load(day(3))
    assert amounts(company, 15, month=1) == [("1", 100)]


def test_a_second_source_changes_nothing_that_the_first_has_told(company):
    two_sources(company)
    company.write("1.csv", line("1"))
    company.write("../other/x.csv", line("1", net="9.00"), line("5"))
    both, company.sources = company.sources, {"one": company.sources["one"]}
    company.load(day(2))
    company.sources = both
    company.load(day(6))
    assert amounts(company, 2) == [("1", 100), ("5", 100)]
    company.write("../other/x.csv", line("1", net="9.00"), line("5"), line("6", placed="2024-05-06 10:00:00"))
    company.load(day(7))  # the first has no news: its word stands all the same
    assert amounts(company, 7) == [("1", 100), ("5", 100), ("6", 100)]


def test_a_source_that_leaves_the_settings_or_its_name_blocks_until_that_is_accepted(company):
    company.write("1.csv", line("1"))
    company.load(day(2))
    (company.folder / "orders/1.csv").unlink()
    company.write("2.csv", line("2"))
    company.sources = {"sales": company.mapping}
    with pytest.raises(TableRuleBrokenError, match="source_is_in_the_settings"):
        company.load(day(3))
    company.load(day(3), accept=("source_is_in_the_settings",))
    assert amounts(company, 2) == [("1", 100), ("2", 100)]  # the past keeps what was known then
    assert amounts(company, 3) == [("2", 100)]
    assert company.current()["order_id"].to_list() == ["2"]


def test_postgresql_remembers_what_was_loaded_as_duckdb_does(company, postgresql_address):
    company.warehouse = lambda: warehouse_at(company.folder / "unused.duckdb", postgresql_address)
    company.write("1.csv", line("1"), "bad,a,2024-05-01 10:00:00,")
    company.load(day(2))
    company.write("2.csv", line("1", net="9.00"), line("2", placed="2024-05-02 10:00:00"))
    company.load(day(3))
    company.write("copy.csv", line("1", net="9.00"), line("2", placed="2024-05-02 10:00:00"))
    assert company.load(day(4)).counts["orders"].read == 0
    assert (amounts(company, 2), amounts(company, 4)) == ([("1", 100)], [("1", 900), ("2", 100)])
    assert company.quarantine().select("source_file", "rules").rows() == [("orders/1.csv", "amount_is_present")]
