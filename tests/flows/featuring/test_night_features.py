"""A night's features: built once for the same inputs, within bounds for large buckets, the same bits in any way."""

import json
import os
import shutil
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from config.compute import Compute
from flows.buckets.core_tables import CoreTables, CustomerRange
from flows.buckets.customer_ranges import cut_by_customers
from flows.featuring.inputs import file_digest
from flows.featuring.night_features import NightJob, build_night_bucket, build_night_features
from tests.flows.feature_company import DAY, company
from warehouse.lake import Lake

BUCKETS = 2


@pytest.fixture(scope="module")
def tables():
    return company()


@pytest.fixture
def lake(tmp_path, tables):
    lake = Lake(tmp_path / "lake")
    lake.write_load("one", tables, buckets=BUCKETS)
    return lake


@pytest.fixture
def build(lake):
    """Builds one bucket's night; gives its path and whether it was written."""

    def built(bucket, load_id="one", day=DAY, settings_hash="s"):
        core = CoreTables(lake.open_load(load_id), "Europe/London")
        job = NightJob(core=core.recipe(), lake=str(lake.root), as_of=day, settings_hash=settings_hash)
        path = lake.root / "features" / f"as_of={day}" / f"bucket={bucket:03d}.parquet"
        before = path.stat().st_ino if path.exists() else None
        assert build_night_bucket(job, bucket) == str(path)
        return path, path.stat().st_ino != before

    return built


def test_a_bucket_of_the_same_inputs_is_not_built_again(build):
    assert build(0)[1]
    assert not build(0)[1]
    assert build(0, settings_hash="other")[1]
    assert build(0, day=date(2025, 12, 2))[1]


def test_a_later_load_that_shares_a_bucket_leaves_it_alone(build, lake, tables):
    """Bucket 0 is linked from the load before, as a load does where nothing changed; in bucket 1 an order is new."""
    for bucket in range(BUCKETS):
        build(bucket)
    shutil.copytree(lake.root / "core" / "load=one", lake.root / "core" / "load=two", copy_function=os.link)
    orders = lake.root / "core" / "load=two" / "orders" / "bucket=001.parquet"
    more = pl.read_parquet(orders)
    orders.unlink()
    pl.concat([more, more.head(1).with_columns(order_id=pl.lit("new"))]).write_parquet(orders)
    assert not build(0, "two")[1]
    assert build(1, "two")[1]
    assert build(1, "one")[1]


@pytest.mark.parametrize("harm", ["cut short", "other bytes", "no note", "another note"])
def test_a_stored_bucket_that_is_not_what_was_stored_is_built_again(build, harm):
    path, _ = build(0)
    good = file_digest(path)
    content = path.read_bytes()
    note = path.with_suffix(".json")
    if harm == "cut short":
        path.write_bytes(content[:-20])
    elif harm == "other bytes":
        path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    elif harm == "no note":
        note.unlink()
    else:
        note.write_text(json.dumps({"made_of": "x", "sha256": good}))
    assert build(0)[1]
    assert file_digest(path) == good
    assert not build(0)[1]


@pytest.mark.slow
def test_a_pool_builds_the_same_bits(open_at, tmp_path, tables):
    hashes = []
    for number, processes in enumerate((1, 2)):
        context = open_at(tmp_path / str(number))
        compute = context.settings.model_copy(update={"compute": Compute(processes=processes)})
        context = replace(context, settings=compute)
        context.lake.write_load("one", tables, buckets=BUCKETS)
        core = CoreTables.of_load(context, "one")
        paths = build_night_features(context, core=core, as_of=DAY, tick=lambda: None)
        hashes.append([file_digest(path) for path in map(type(tmp_path), paths)])
    assert hashes[0] == hashes[1]


def giant(tables, customer, lines):
    """The same company, with so many more order lines of one customer."""
    one = tables["orders"].head(1).with_columns(customer_id=pl.lit(customer))
    number = pl.int_range(pl.len()).cast(pl.String)
    more = pl.concat([one] * lines).with_columns(order_id=pl.lit("g") + number)
    return {**tables, "orders": pl.concat([tables["orders"], more])}


def test_a_bucket_with_a_giant_customer_is_cut_and_nothing_changes(lake, tables):
    load = lake.write_load("giant", giant(tables, "007", 3_000), buckets=1)
    core = CoreTables(load, "Europe/London")
    days = [DAY, date(2025, 6, 1)]
    parts = list(cut_by_customers(core, 0, dates=len(days), most_rows=300))
    assert len(parts) > 3
    customers = [part.customers for part in parts]
    assert CustomerRange("007", "008") in customers
    assert customers[0].first is None
    assert customers[-1].end is None
    rows = [part.orders(0).select(pl.len()).collect().item() for part in parts]
    assert sum(rows) == core.orders(0).select(pl.len()).collect().item()
    assert max(rows) > 3_000
    assert sorted(rows)[-2] <= 300
    cut = pl.concat([part.build_features(0, days).collect() for part in parts])
    assert cut.equals(core.build_features(0, days).collect(), null_equal=True)


def test_many_dates_cut_a_bucket_too_and_a_small_one_stays_whole(lake):
    core = CoreTables(lake.open_load("one"), "Europe/London")
    assert list(cut_by_customers(core, 0, dates=2)) == [core]
    parts = list(cut_by_customers(core, 0, dates=10, most_built=30))
    found = [part.orders(0).select(pl.col("customer_id").n_unique()).collect().item() for part in parts]
    assert len(parts) > 2
    assert max(found) <= 3
