"""What a load leaves in quarantine and in the ledger for the next: nothing that was set aside is lost on the way."""

import shutil

import daily
import pytest

from warehouse.errors import ClockBehindError

Company, day = daily.Company, daily.day
GOOD, BROKEN = "1,a,2024-05-01 10:00:00,1.00", "2,a,2024-05-01 10:00:00,"


def line(order, net="1.00", placed="2024-05-02 10:00:00"):
    return f"{order},a,{placed},{net}"


def set_aside(company):
    return company.quarantine().select("source_file", "source_row").rows()


@pytest.fixture
def company(tmp_path):
    made = Company(tmp_path)
    made.write("1.csv", GOOD, BROKEN)
    made.load(day(2))
    return made


def test_rows_of_a_file_that_is_gone_stay_in_quarantine_when_the_mapping_changes(company):
    (company.folder / "orders/1.csv").unlink()
    company.write("2.csv", line("3"), line("4", net=""))
    company.load(day(3))
    company.mapping["constants"]["channel"] = "web"
    core = company.load(day(4))
    assert core.counts["orders"].read == 2  # all that is still there
    assert set_aside(company) == [("orders/1.csv", 2), ("orders/2.csv", 2)]


def test_rows_stay_in_quarantine_when_a_copy_of_another_file_takes_the_name_of_theirs(company):
    company.write("0.csv", line("9"))
    company.load(day(3))
    shutil.copy(company.folder / "orders/0.csv", company.folder / "orders/1.csv")
    company.write("3.csv", line("3"))
    assert company.load(day(4)).reading.replayed == {"orders": 1}
    assert set_aside(company) == [("orders/1.csv", 2)]


def test_of_one_key_the_file_that_came_last_counts_however_files_are_called(company):
    company.write("0-corrected.csv", line("1", net="5.00"))
    company.load(day(3))
    assert company.current()["amount"].to_list() == [500]
    core = company.load(day(4), everything=True)
    assert core.counts["orders"].merged.changes == 0
    assert company.current()["amount"].to_list() == [500]
    company.mapping["constants"]["channel"] = "web"
    company.load(day(5))
    assert company.current().select("amount", "channel").rows() == [(500, "web")]


def test_of_files_that_come_at_once_numbers_in_their_names_count_as_numbers(company):
    company.write("day-10.csv", line("7", net="10.00"))
    company.write("day-9.csv", line("7", net="9.00"))
    company.load(day(3))
    assert dict(company.current().select("order_id", "amount").iter_rows())["7"] == 1000


def test_an_older_lake_is_gone_on_from_and_what_came_since_is_news_again(company):
    company.write("2.csv", line("3"))
    company.load(day(3))
    company.write("3.csv", line("4", placed="2024-05-01 08:00:00"))
    company.load(day(4))
    (company.folder / "orders/1.csv").unlink()
    shutil.rmtree(company.lake.root / "core/load=20240504T030000")
    core = company.load(day(5))
    assert [file.label for file in core.reading.files] == ["orders/3.csv"]
    assert core.counts["orders"].merged.late == 1
    assert sorted(company.current()["order_id"]) == ["1", "3", "4"]


def test_a_clock_that_is_behind_loads_nothing_so_that_nothing_is_taken_for_older(company):
    company.write("2.csv", line("3", placed="2024-05-01 10:00:00"))
    with pytest.raises(ClockBehindError):
        company.load(day(2, hour=2))
    assert company.current()["order_id"].to_list() == ["1"]
    assert company.load(day(3)).counts["orders"].merged.added == 1
