"""Loads that bring only news: what becomes of each row, and that nothing else moves."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import daily
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_contracts.inputs import InputSpec
from data_contracts.orders import current_at, known_before
from warehouse.loads import merging

ORDERS, Company, day, line, merged = daily.ORDERS, daily.Company, daily.day, daily.line, daily.merged


@pytest.fixture
def company(tmp_path):
    return Company(tmp_path)


def facts(frame):
    return frame.select("order_id", "amount", "known_at", "superseded_at", "load_id").rows()


STAMP = datetime(2024, 5, 2, 23, 0, tzinfo=UTC) - timedelta(microseconds=1)  # midnight in London is 23:00 in UTC


def test_a_second_file_is_added_and_the_first_is_not_read_again(company):
    company.write("1.csv", line("1"), line("2", "b"))
    company.load(day(2))
    company.write("2.csv", line("3", placed="2024-05-02 10:00:00"))
    core = company.load(day(3))
    assert core.counts["orders"].read == 1
    assert merged(core) == {"added": 1}
    assert company.current()["order_id"].sort().to_list() == ["1", "2", "3"]
    assert company.current()["load_id"].value_counts(sort=True).rows() == [
        ("20240502T030000", 2),
        ("20240503T030000", 1),
    ]


def test_a_copy_of_a_file_is_passed_over_and_rows_told_again_change_nothing(company):
    company.write("1.csv", line("1"), line("2", "b"))
    company.load(day(2))
    before = company.core()
    shutil.copy(company.folder / "orders/1.csv", company.folder / "orders/copy.csv")
    company.write("3.csv", line("2", "b"), line("1"))
    core = company.load(day(3))
    assert core.reading.replayed == {"orders": 1}
    assert merged(core) == {"unchanged": 2}
    assert_frame_equal(company.core(), before)


def test_a_correction_supersedes_and_earlier_pictures_stay(company):
    company.write("1.csv", line("1", net="1.00"), line("2"))
    company.load(day(2))
    company.write("2.csv", line("1", net="5.00"))
    core = company.load(day(3))
    placed = datetime(2024, 5, 1, 9, tzinfo=UTC)
    assert merged(core) == {"corrected": 1}
    assert facts(company.core().filter(pl.col("order_id") == "1")) == [
        ("1", 100, placed, STAMP, "20240502T030000"),
        ("1", 500, STAMP, None, "20240503T030000"),
    ]
    rows = company.core().lazy().filter(pl.col("order_id") == "1")
    assert known_before(rows, STAMP).collect()["amount"].to_list() == [100]
    assert known_before(rows, STAMP + timedelta(microseconds=1)).collect()["amount"].to_list() == [500]


def test_late_rows_are_known_since_the_load_and_counted(company):
    company.write("1.csv", line("1", placed="2024-05-01 10:00:00"))
    company.load(day(2))
    company.write("2.csv", line("2", placed="2024-05-01 09:00:00"), line("3", placed="2024-04-20 09:00:00"))
    core = company.load(day(3))
    assert merged(core) == {"added": 2, "late": 2, "late_beyond_look_back": 1, "latest_days": 11}
    assert set(company.current().filter(pl.col("order_id") != "1")["known_at"]) == {STAMP}


def test_a_late_row_that_says_since_when_it_is_known_is_believed(company):
    company.mapping["columns"] = {**ORDERS["columns"], "known_at": "placed"}
    company.write("1.csv", line("1", placed="2024-05-01 10:00:00"))
    company.load(day(2))
    company.write("2.csv", line("2", placed="2024-05-01 09:00:00"))
    assert merged(company.load(day(3))) == {"added": 1}
    assert company.current()["known_at"].to_list() == company.current()["ordered_at"].to_list()


def test_a_changed_mapping_reads_everything_again_and_restates_in_place(company):
    company.write("1.csv", line("1"), line("2", "b"))
    company.load(day(2))
    company.mapping["money"] = "minor"
    company.write("1.csv", line("1", net="100"), line("2", "b", net="300"))
    core = company.load(day(3))
    assert merged(core) == {"unchanged": 1, "restated": 1}
    assert company.core().select("amount", "known_at", "superseded_at").rows() == [
        (100, datetime(2024, 5, 1, 9, tzinfo=UTC), None),
        (300, datetime(2024, 5, 1, 9, tzinfo=UTC), None),
    ]


@pytest.mark.parametrize("setting", [{"null_texts": ("", "shop")}, {"encoding": "latin-1"}])
def test_another_way_of_reading_an_input_is_a_changed_mapping(company, setting):
    company.mapping["columns"] = {**ORDERS["columns"], "channel": "via"}
    reading = {"files": ("orders/*.csv",), "load": "incremental"}
    company.inputs = {"orders": InputSpec(**reading)}
    company.write("1.csv", line("1") + ",shop", line("2") + ",Café", header=daily.HEADER + ",via")
    first = company.load(day(2))
    before = company.core()
    company.inputs = {"orders": InputSpec(**reading, look_back_days=9)}
    assert company.load(day(3)).counts["orders"].read == 0  # where rows are late is no matter of reading them
    company.inputs = {"orders": InputSpec(**reading, **setting)}
    core = company.load(day(4))
    assert first.counts["orders"].read == core.counts["orders"].read == 2
    assert merged(core) == {"unchanged": 1, "restated": 1}
    assert company.core()["known_at"].to_list() == before["known_at"].to_list()
    assert company.core()["channel"].to_list() == ([None, "Café"] if "null_texts" in setting else ["shop", "CafÃ©"])


def test_what_a_full_source_no_longer_has_is_removed_and_may_come_back(tmp_path):
    company = Company(tmp_path, load_kind="full")
    company.write("all.csv", line("1"), line("2", "b"))
    company.load(day(2))
    company.write("all.csv", line("1"))
    assert merged(company.load(day(3))) == {"unchanged": 1, "removed": 1}
    assert company.current()["order_id"].to_list() == ["1"]
    assert current_at(company.core().lazy(), STAMP).collect()["order_id"].sort().to_list() == ["1", "2"]
    company.write("all.csv", line("1"), line("2", "b"))
    assert merged(company.load(day(4)))["added"] == 1
    versions = company.core().filter(pl.col("order_id") == "2").sort("known_at")
    assert versions["superseded_at"].to_list() == [STAMP, None]
    assert versions["known_at"][1] == STAMP + timedelta(days=1)


def test_an_order_of_another_customer_leaves_its_old_bucket(company):
    company.buckets = 8
    company.write("1.csv", *[line(str(number), f"c{number}") for number in range(20)])
    company.load(day(2))
    company.write("2.csv", line("7", "somebody"))
    company.load(day(3))
    assert company.current().filter(pl.col("order_id") == "7")["customer_id"].to_list() == ["somebody"]
    assert company.current().height == 20
    assert company.core().height == 21


def test_the_last_of_several_rows_of_one_key_wins_and_the_others_are_set_aside(company):
    company.write("1.csv", line("1", net="1.00"), line("1", net="2.00"))
    company.write("2.csv", line("1", net="3.00"))
    company.load(day(2))
    assert company.current()["amount"].to_list() == [300]
    assert company.quarantine().select("source_file", "rules").rows() == [("orders/1.csv", "key_is_unique")] * 2


def test_files_in_which_nothing_changes_are_shared_between_loads(company):
    company.buckets = 16
    company.write("1.csv", *[line(str(number), f"c{number}") for number in range(40)])
    first = company.load(day(2)).load
    company.write("2.csv", line("x", "c1", placed="2024-05-02 10:00:00"))
    second = company.load(day(3)).load
    shared = [Path.samefile(*pair) for pair in zip(first.files("orders"), second.files("orders"), strict=True)]
    assert shared.count(False) == 1


@pytest.mark.parametrize("load_kind", ["incremental", "full"])
def test_looking_up_few_rows_and_comparing_with_all_decide_alike(tmp_path, monkeypatch, load_kind):
    told, found = [], []
    for number, few_among in enumerate((0, 10**9)):  # always look up, never
        monkeypatch.setattr(merging, "_FEW_AMONG", few_among)
        company = Company(tmp_path / str(number), load_kind=load_kind)
        company.write("1.csv", *[line(str(order), f"c{order % 7}") for order in range(30)])
        told.append(merged(company.load(day(2))))
        (company.folder / "orders/1.csv").unlink()
        placed = "2024-05-02 10:00:00"
        corrected, moved = line("3", "c3", net="7.00"), line("4", "elsewhere")
        company.write("2.csv", line("1", "c1"), corrected, moved, line("99", placed=placed))
        told.append(merged(company.load(day(3))))
        company.write("3.csv", line("3", "c3", net="8.00"), line("5", "c5"))  # corrected again; back where it was gone
        told.append(merged(company.load(day(4))))
        found.append(company.core())
    assert told[:3] == told[3:]
    assert told[1]["corrected"] == 2
    assert ("removed" in told[1]) == (load_kind == "full")
    assert_frame_equal(*found)


def test_old_loads_are_collected_and_the_last_stays(company):
    company.keep = 2
    for number in range(1, 5):
        company.write(f"{number}.csv", line(str(number), placed=f"2024-05-0{number} 10:00:00"))
        company.load(day(number + 1))
    (company.folder / "lake/core/.load=x.writing").mkdir()
    company.write("5.csv", line("5", placed="2024-05-05 10:00:00"))
    company.load(day(6))
    names = sorted(path.name for path in (company.folder / "lake/core").iterdir())
    assert names == ["load=20240505T030000", "load=20240506T030000"]
    assert company.current().height == 5


def test_another_number_of_buckets_moves_everything(company):
    company.write("1.csv", *[line(str(number), f"c{number}") for number in range(30)])
    company.load(day(2))
    before = company.core()
    company.buckets = 5
    company.write("2.csv", line("0", "c0"))
    core = company.load(day(3))
    assert_frame_equal(company.core(), before)
    assert len(core.load.files("orders")) == 5


def test_quarantined_rows_stay_until_their_file_is_read_again(company):
    company.write("1.csv", line("1"), line("2", net=""))
    company.load(day(2))
    company.write("2.csv", line("3", placed="2024-05-02 10:00:00"), line("4", net=""))
    company.load(day(3))
    assert company.quarantine()["source_file"].to_list() == ["orders/1.csv", "orders/2.csv"]
    company.write("1.csv", line("1"), line("2", net="7.00"))
    company.load(day(4))
    assert company.quarantine()["source_file"].to_list() == ["orders/2.csv"]
    assert company.quarantine()["load_id"].to_list() == ["20240503T030000"]


def test_the_columns_of_a_source_are_remembered_with_each_load(company):
    company.write("1.csv", line("1"))
    company.load(day(2))
    with company.warehouse() as warehouse:
        found = daily.recall(warehouse, company.lake).sources["orders"]
    assert list(found.columns) == ["order", "customer", "placed", "net"]
    assert found.newest_event == datetime(2024, 5, 1, 9, tzinfo=UTC)
