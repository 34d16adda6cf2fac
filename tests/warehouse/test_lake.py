import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.lake import Lake, assign_buckets, bucket_of
from warehouse.lake_errors import LoadMissingError


def orders(*customer_ids):
    return pl.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(len(customer_ids))],
            "line_number": [1] * len(customer_ids),
            "customer_id": list(customer_ids),
            "ordered_at": [datetime(2025, 1, 1 + n % 28, tzinfo=UTC) for n in range(len(customer_ids))],
        },
        schema_overrides={"line_number": pl.Int32, "ordered_at": pl.Datetime("us", "UTC")},
    )


@pytest.mark.parametrize(("customer_id", "bucket"), [("00042", 10), ("é", 6), ("12345", 12)])
def test_a_customers_bucket_never_changes(customer_id, bucket):
    assert bucket_of(customer_id, 16) == bucket


@given(
    st.lists(st.text(min_size=1).filter(lambda text: "\x00" not in text), min_size=1, max_size=20), st.integers(1, 64)
)
def test_many_customers_get_the_buckets_they_get_one_by_one(ids, buckets):
    assigned = assign_buckets(pl.Series(ids, dtype=pl.String), buckets)
    assert dict(assigned.iter_rows()) == {customer: bucket_of(customer, buckets) for customer in ids}


def test_a_load_keeps_every_row_and_one_customer_in_one_bucket(tmp_path):
    frame = orders(*[f"c{n % 17}" for n in range(100)])
    load = Lake(tmp_path).write_load("l1", {"orders": frame}, buckets=4)
    parts = [load.scan("orders", bucket).collect() for bucket in range(4)]
    assert sum(part.height for part in parts) == 100
    homes = pl.concat([part.select("customer_id").unique() for part in parts])
    assert homes["customer_id"].n_unique() == homes.height == 17
    assert load.scan("orders").collect().sort("order_id").equals(frame.sort("order_id"))
    assert all(part.equals(part.sort("customer_id", "ordered_at", "order_id", "line_number")) for part in parts)


def test_a_table_without_customers_is_one_file_whatever_the_bucket(tmp_path):
    products = pl.DataFrame({"product_id": ["a", "b"]})
    load = Lake(tmp_path).write_load("l1", {"orders": orders("c1"), "products": products}, buckets=3)
    assert load.scan("products", 2).collect().equals(products)
    assert load.scan("customers", 2) is None


def test_writing_a_load_again_replaces_it(tmp_path):
    lake = Lake(tmp_path)
    lake.write_load("l1", {"orders": orders("c1", "c2")}, buckets=2)
    load = lake.write_load("l1", {"orders": orders("c3")}, buckets=3)
    assert load.scan("orders").collect()["customer_id"].to_list() == ["c3"]
    assert [path.name for path in (tmp_path / "core").iterdir()] == ["load=l1"]


def test_a_load_that_failed_half_way_is_not_there(tmp_path):
    lake = Lake(tmp_path)
    with pytest.raises(AttributeError):
        lake.write_load("l1", {"orders": orders("c1"), "products": "not a frame"}, buckets=2)
    assert not lake.has_load("l1")
    with pytest.raises(LoadMissingError) as caught:
        lake.open_load("l1")
    assert "gristmill ingest --force" in caught.value.action


def test_the_manifest_counts_rows(tmp_path):
    load = Lake(tmp_path).write_load("l1", {"orders": orders("c1", "c2")}, buckets=2)
    assert json.loads((load.folder / "load.json").read_text())["entities"] == {"orders": 2}


def test_a_nights_bucket_is_put_in_place_whole(tmp_path):
    path = Lake(tmp_path).write_bucket("features", date(2025, 2, 28), 7, pl.DataFrame({"a": [1]}))
    assert path.relative_to(tmp_path).as_posix() == "features/as_of=2025-02-28/bucket=007.parquet"
    assert [child.name for child in path.parent.iterdir()] == ["bucket=007.parquet"]


def test_columns_that_hold_nothing_are_known(tmp_path):
    frame = orders("c1", "c2").with_columns(pl.lit(None, pl.Int64).alias("cost_amount"))
    assert Lake(tmp_path).write_load("l1", {"orders": frame}, buckets=2).absent_columns == ("orders.cost_amount",)
