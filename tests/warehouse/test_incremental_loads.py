"""Loads that bring only news: what becomes of each row, and that nothing else moves."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import daily
import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from data_contracts.errors import DataBlockedError
from data_contracts.inputs import InputSpec
from data_contracts.orders import current_at, known_before
from data_contracts.table_checking import Verdict
from warehouse import merging
from warehouse.errors_ingestion import NothingAcceptedError

ORDERS, Company, day = daily.ORDERS, daily.Company, daily.day


def line(order, customer="a", placed="2024-05-01 10:00:00", net="1.00"):
    return f"{order},{customer},{placed},{net}"


@pytest.fixture
def company(tmp_path):
    return Company(tmp_path)


def merged(core, entity="orders"):
    return {name: count for name, count in core.counts[entity].merged.plain().items() if count}


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


class TestNothingUsable:
    """News of which not one row can be used stop nobody, where there are rows without them."""

    broken = (line("2", net=""), line("3", net=""))

    def warnings(self, core):
        return [each.got for each in core.table_rules if each.rule == "source_rows_are_fit_for_use"]

    def test_news_are_set_aside_and_told(self, company):
        company.write("1.csv", line("1"), line("9", net=""))
        assert self.warnings(company.load(day(2))) == []
        company.write("2.csv", *self.broken)
        core = company.load(day(3))
        assert self.warnings(core) == ["source orders: none of 2 rows is fit for use"]
        assert company.current()["order_id"].to_list() == ["1"]
        assert company.quarantine()["source_row"].to_list() == [2, 1, 2]

    def test_a_first_load_is_blocked(self, company):
        company.write("1.csv", *self.broken)
        with pytest.raises(NothingAcceptedError):
            company.load(day(2))

    def test_a_full_source_blocks_although_others_keep_their_rows(self, company):
        company.inputs = {
            "orders": InputSpec(files=("orders/*.csv",), load="incremental"),
            "till": InputSpec(files=("till.csv",)),
        }
        company.sources = {"orders": ORDERS, "till": {**ORDERS, "input": "till"}}
        company.write("1.csv", line("1"))
        company.write("../till.csv", line("2"))
        company.load(day(2))
        company.write("../till.csv", *self.broken)
        with pytest.raises(NothingAcceptedError):
            company.load(day(3))


class TestDrift:
    def test_a_new_column_is_told(self, company):
        company.write("1.csv", line("1"))
        company.load(day(2))
        company.write("2.csv", line("2", placed="2024-05-02 10:00:00") + ",x", header=daily.HEADER + ",note")
        told = [result for result in company.load(day(3)).table_rules if result.rule == "source_columns_are_known"]
        assert [(each.verdict, each.got) for each in told] == [(Verdict.broken, "source orders: note is new")]

    def test_files_of_one_load_may_differ_in_columns_that_nobody_maps(self, company):
        company.write("1.csv", line("1"))
        company.write("2.csv", line("2") + ",x", header=daily.HEADER + ",note")
        company.write("3.csv", line("3"))
        assert merged(company.load(day(2))) == {"added": 3}
        company.write("4.csv", "4,a,2024-05-02 10:00:00", header="order,customer,placed")
        company.write("5.csv", line("5"))
        with pytest.raises(DataBlockedError, match="columns"):
            company.load(day(3))

    def test_a_mapped_column_that_is_gone_blocks(self, company):
        company.write("1.csv", line("1"))
        company.load(day(2))
        company.write("2.csv", "2,a,2024-05-02 10:00:00", header="order,customer,placed")
        with pytest.raises(DataBlockedError, match="mapped column"):
            company.load(day(3))
        assert company.current()["order_id"].to_list() == ["1"]

    def test_a_mapped_column_of_another_type_blocks_unless_accepted(self, company):
        company.inputs = {"orders": InputSpec(files=("*.parquet",), load="incremental")}
        frame = pl.DataFrame({"order": ["1"], "customer": ["a"], "placed": ["2024-05-01 10:00:00"], "net": ["1.00"]})
        frame.write_parquet(company.folder / "1.parquet")
        company.load(day(2))
        later = frame.with_columns(pl.lit("2").alias("order"), pl.lit(5.0).alias("net"))
        later.write_parquet(company.folder / "2.parquet")
        with pytest.raises(DataBlockedError, match="net is DOUBLE, was VARCHAR"):
            company.load(day(3))
        core = company.load(day(3), accept=("source_columns_have_their_types",))
        assert merged(core)["added"] == 1
        assert core.table_rules[0].verdict is Verdict.accepted


class TestEmpty:
    def test_an_empty_full_input_blocks_unless_allowed(self, tmp_path):
        company = Company(tmp_path, load_kind="full")
        company.write("all.csv", line("1"))
        company.load(day(2))
        company.write("all.csv")
        with pytest.raises(DataBlockedError, match="no row"):
            company.load(day(3))
        accepted = ("order_rows_are_as_many_as_usual",)
        assert merged(company.load(day(3), allow_empty=True, accept=accepted)) == {"removed": 1}
        assert company.current().is_empty()

    def test_a_header_without_rows_is_no_news(self, company):
        company.write("1.csv", line("1"))
        company.load(day(2))
        company.write("2.csv")
        core = company.load(day(3))
        assert (core.counts["orders"].read, merged(core)) == (0, {})
        assert company.current().height == 1

    def test_a_file_without_even_a_header_is_a_broken_one(self, company):
        company.write("1.csv", line("1"))
        company.load(day(2))
        (company.folder / "orders/2.csv").write_bytes(b"")
        with pytest.raises(DataBlockedError):
            company.load(day(3))


class TestDatabases:
    @pytest.fixture
    def shop(self, company):
        company.inputs = {
            "orders": InputSpec(database="shop.duckdb", table="sales", load="incremental", watermark="changed_at")
        }
        with duckdb.connect(company.folder / "shop.duckdb") as connection:
            connection.execute(
                'create table sales ("order" varchar, customer varchar, placed timestamp, net decimal(9, 2), '
                "changed_at timestamp)"
            )
        return company

    def told(self, shop, order, net, changed, placed="2024-05-01 10:00:00"):
        with duckdb.connect(shop.folder / "shop.duckdb") as connection:
            connection.execute("insert into sales values (?, 'a', ?, ?, ?)", [order, placed, net, changed])

    def test_rows_above_the_watermark_less_the_look_back_are_read(self, shop):
        self.told(shop, "1", 1, "2024-05-01 10:00:00")
        self.told(shop, "2", 2, "2024-05-20 10:00:00")
        shop.load(day(21))
        self.told(shop, "2", 3, "2024-05-21 10:00:00")
        self.told(shop, "3", 4, "2024-05-18 10:00:00")
        self.told(shop, "unseen", 4, "2024-05-02 10:00:00")
        core = shop.load(day(22))
        assert core.counts["orders"].read == 3
        assert shop.current().sort("order_id").select("order_id", "amount").rows() == [
            ("1", 100),
            ("2", 300),
            ("3", 400),
        ]

    def test_nothing_new_changes_nothing(self, shop):
        self.told(shop, "1", 1, "2024-05-01 10:00:00")
        shop.load(day(2))
        before = shop.core()
        assert merged(shop.load(day(3))) == {"unchanged": 1}
        assert_frame_equal(shop.core(), before)


@st.composite
def days_of_orders(draw):
    """Order lines by day: their customers, moments and amounts; keys are distinct."""
    number = 0
    files = []
    for on in range(1, draw(st.integers(2, 3)) + 1):
        lines = []
        for _ in range(draw(st.integers(1, 4))):
            number += 1
            customer, hour, amount = draw(st.sampled_from("abc")), draw(st.integers(0, 22)), draw(st.integers(1, 9))
            lines.append(line(str(number), customer, f"2024-05-0{on} {hour:02}:00:00", f"{amount}.00"))
        files.append(lines)
    return files


def loaded_one_by_one(folder, files, order=None):
    company = Company(folder)
    for number, which in enumerate(order or range(len(files))):
        company.write(f"{which}.csv", *files[which])
        company.load(day(len(files) + 1 if order else which + 2, hour=number + 1))
    return company


def content(frame, *without):
    return frame.drop("load_id", *without).sort("order_id")


@settings(max_examples=4)
@given(days_of_orders(), st.randoms(use_true_random=False))
def test_laws_of_arrival(tmp_path_factory, files, random):
    """One by one, all at once, shuffled, replayed: the same rows; the order of arrival moves `known_at` only."""
    one_by_one = loaded_one_by_one(tmp_path_factory.mktemp("one"), files)
    at_once = Company(tmp_path_factory.mktemp("all"))
    for number, lines in enumerate(files):
        at_once.write(f"{number}.csv", *random.sample(lines, len(lines)))
    at_once.load(day(8))
    assert_frame_equal(content(one_by_one.current()), content(at_once.current()))

    backwards = loaded_one_by_one(tmp_path_factory.mktemp("back"), files, order=list(reversed(range(len(files)))))
    assert_frame_equal(content(backwards.current(), "known_at"), content(at_once.current(), "known_at"))
    late = backwards.current().filter(pl.col("known_at") > pl.col("ordered_at"))
    assert set(late["order_id"]) == {told.split(",")[0] for lines in files[:-1] for told in lines}

    before = one_by_one.core()
    replayed = random.choice(range(len(files)))
    one_by_one.write("replayed.csv", *reversed(files[replayed]))
    one_by_one.load(day(9))
    assert_frame_equal(one_by_one.core(), before)


@settings(max_examples=4)
@given(days_of_orders(), st.data())
def test_earlier_pictures_do_not_move(tmp_path_factory, files, data):
    """What a load brings late, or corrects, changes nothing as of a date before it."""
    company = loaded_one_by_one(tmp_path_factory.mktemp("one"), files)
    last = len(files) + 1
    instants = [datetime(2024, 5, on, tzinfo=UTC) - timedelta(hours=1) for on in range(1, last + 1)]
    before = [known_before(company.core().lazy(), instant).collect() for instant in instants]
    corrected = [told.rsplit(",", 1)[0] + ",77.00" for lines in files for told in lines if data.draw(st.booleans())]
    company.write("later.csv", *corrected, line("late", placed="2024-05-01 05:00:00"))
    company.load(day(last + 1))
    columns = ["order_id", "amount", "known_at", "load_id"]
    for instant, rows in zip(instants, before, strict=True):
        after = known_before(company.core().lazy(), instant).collect()
        assert_frame_equal(after.select(columns).sort(columns), rows.select(columns).sort(columns))
    tonight = known_before(
        company.core().lazy(), datetime(2024, 5, last + 1, tzinfo=UTC) - timedelta(hours=1)
    ).collect()
    assert tonight.filter(pl.col("amount") == 7700).height == len(corrected)
    assert "late" in tonight["order_id"].to_list()
