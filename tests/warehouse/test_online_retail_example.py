"""The mapping of `examples/online_retail` on the real files: every count is pinned."""

import os
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from data_contracts.inputs import InputSpec
from data_contracts.mapping import SourceMapping
from data_contracts.orders import purchase_orders, snapshot_instant
from warehouse.lake import Lake
from warehouse.loads.ingestion import Destination, ingest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("GRISTMILL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "online_retail"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.exists(), reason=f"Online Retail II is not at {DATA}: set GRISTMILL_SHARED_DATA"),
]

OVERLAP = pl.col("InvoiceDate") <= datetime(2010, 12, 9, 20, 1)  # noqa: DTZ001  # local time, as the files have it


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    settings = tomllib.loads((ROOT / "examples/online_retail/gristmill.toml").read_text())
    return ingest(
        inputs={name: InputSpec.model_validate(spec) for name, spec in settings["inputs"].items()},
        sources={name: SourceMapping.model_validate(source) for name, source in settings["sources"].items()},
        rules=[],
        data_root=DATA,
        company_currency=settings["company"]["currency"],
        time_zone=settings["company"]["time_zone"],
        now=datetime(2026, 1, 1, tzinfo=UTC),
        load_id="load-1",
        into=Destination(lake=Lake(tmp_path_factory.mktemp("lake")), buckets=4),
    )


def test_rows_read_accepted_and_set_aside(loaded):
    counts = {entity: (each.read, each.accepted, each.quarantined) for entity, each in loaded.counts.items()}
    assert counts == {
        "products": (4892, 4892, 0),
        "customers": (5942, 5942, 0),
        "orders": (1_067_370, 794_163, 273_207),
    }
    assert loaded.quarantined.height == 273_207


def test_rows_by_rule(loaded):
    assert loaded.counts["orders"].broken() == {
        "customer_id_is_present": 243_007,
        "is_a_product_line": 6_092,
        "is_not_a_bad_debt_adjustment": 6,
        "price_is_above_zero": 6_207,
        "negative_quantity_is_a_cancellation": 3_457,
        "line_is_not_repeated_in_its_file": 12_133,
        "key_is_unique": 14_417,
        "order_product_is_known": 6_461,
    }
    assert not loaded.counts["customers"].broken()
    assert not loaded.counts["products"].broken()


def test_the_later_copies_of_the_nine_days_are_exactly_the_usable_lines_of_the_second_file(loaded):
    second = pl.scan_parquet(DATA / "year_2010_2011.parquet").with_row_index("source_row", offset=1)
    overlapping = second.filter(OVERLAP).select(pl.col("source_row").cast(pl.Int64)).collect()
    set_aside = loaded.quarantined.filter(pl.col("source") == "orders_second_year")
    assert overlapping.height == 22_523
    assert overlapping.join(set_aside, on="source_row", how="anti").is_empty()
    copies = set_aside.filter(pl.col("rules") == "key_is_unique").select("source_row")
    assert copies.join(overlapping, on="source_row", how="anti").is_empty()


def clean_lines(file, *, invoice, price, customer):
    """The rules said again in Polars: lines of goods that somebody bought or sent back, each once."""
    lines = pl.scan_parquet(DATA / file).unique(maintain_order=True)
    lines = lines.rename({invoice: "invoice", price: "price", customer: "customer"})
    return lines.filter(
        pl.col("customer").is_not_null(),
        pl.col("StockCode").str.contains(r"^\d{5}"),
        ~pl.col("invoice").str.starts_with("A"),
        pl.col("price") > 0,
        (pl.col("Quantity") >= 0) | pl.col("invoice").str.starts_with("C"),
    )


def test_rows_and_money_are_those_of_a_second_independent_reading(loaded):
    first = clean_lines("year_2009_2010.parquet", invoice="Invoice", price="Price", customer="Customer ID")
    second = clean_lines("year_2010_2011.parquet", invoice="InvoiceNo", price="UnitPrice", customer="CustomerID")
    lines = pl.concat([first, second.filter(~OVERLAP)]).collect()
    orders = loaded.load.scan("orders").collect()
    pence = (lines["Quantity"] * (lines["price"] * 100).round(0).cast(pl.Int64)).sum()
    assert orders.height == lines.height
    assert orders["amount"].sum() == pence
    assert orders["customer_id"].n_unique() == lines["customer"].n_unique()
    assert orders.filter(pl.col("amount") < 0)["order_id"].str.starts_with("C").all()


def test_population_and_churn_of_the_reference_protocol(loaded):
    """At 2011-09-01: 4,324 customers bought in the 365 days before, 50.5 % of them not in the 90 days after."""
    start = snapshot_instant(date(2011, 9, 1), time_zone="Europe/London")
    purchases = purchase_orders(loaded.load.scan("orders")).filter("is_purchase").collect()
    before = purchases.filter(pl.col("ordered_at").is_between(start - timedelta(365), start, closed="left"))
    after = purchases.filter(pl.col("ordered_at").is_between(start, start + timedelta(90), closed="left"))
    population = before.select("customer_id").unique()
    staying = population.join(after, on="customer_id", how="semi")
    assert population.height == 4_324
    assert 1 - staying.height / population.height == pytest.approx(0.505, abs=0.001)
