"""Loads that bring only news from sources that are empty, unusable, have drifted, or are a database."""

import daily
import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from data_contracts.errors import DataBlockedError
from data_contracts.inputs import InputSpec
from data_contracts.table_checking import Verdict
from warehouse.errors_ingestion import NothingAcceptedError

ORDERS, Company, day, line, merged = daily.ORDERS, daily.Company, daily.day, daily.line, daily.merged


@pytest.fixture
def company(tmp_path):
    return Company(tmp_path)


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
