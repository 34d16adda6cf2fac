from datetime import date

import polars as pl
import pytest

import features
from features.errors import ColumnsMissingError, ColumnTypesError, NoSnapshotsError, RecordsDoubledError


def test_columns_types_and_order_are_the_catalogues(orders_of, customers_of, products_of, features_of):
    lines = orders_of({"at": "2024-01-10", "customer_id": "b"}, {"at": "2024-01-10", "customer_id": "a"})
    frames = {"customers": customers_of({}), "products": products_of({"product_id": "p", "category": "x"})}
    built = features_of(lines, "2024-03-01", "2024-02-01", "2024-03-01", **frames)
    specs = features.catalogue(["orders", *frames])
    assert built.columns == features.names(["orders", *frames])
    assert built.dtypes == [pl.String, pl.Date, *(spec.dtype for spec in specs)]
    assert built.select("customer_id", "snapshot_date").rows() == [
        (customer, date(2024, month, 1)) for customer in ("a", "b") for month in (2, 3)
    ]


@pytest.mark.parametrize("absent", [["orders.cost_amount"], ["orders.cost_amount", "orders.discount_amount"]])
def test_features_of_absent_columns_drop_out(orders_of, features_of, absent):
    built = features_of(orders_of({"at": "2024-01-10"}), "2024-03-01", absent_columns=absent)
    assert built.columns == features.names(["orders"], absent_columns=absent)


def test_only_customers_with_a_purchase_known_before_the_snapshot(orders_of, features_of):
    lines = orders_of(
        {"customer_id": "bought", "at": "2024-02-29 23:59"},
        {"customer_id": "returned only", "at": "2024-01-10", "amount": -5},
        {"customer_id": "given away", "at": "2024-01-10", "amount": 0},
        {"customer_id": "too late", "at": "2024-03-01 00:00"},
        {"customer_id": "known too late", "at": "2024-01-01", "known": "2024-03-01 00:00"},
    )
    assert features_of(lines, "2024-03-01")["customer_id"].to_list() == ["bought"]


def test_snapshots_before_all_rows_give_no_rows_but_all_columns(orders_of, features_of):
    built = features_of(orders_of({"at": "2024-01-10"}), "2020-01-01")
    assert built.is_empty()
    assert built.columns == features.names(["orders"])


def test_no_orders_give_no_rows(orders_of, customers_of, products_of, features_of):
    built = features_of(orders_of(), "2024-01-01", customers=customers_of(), products=products_of())
    assert built.is_empty()
    assert built.columns == features.names(["orders", "customers", "products"])


def test_an_order_that_comes_undone_later_changes_later_snapshots_only(orders_of, features_of):
    lines = orders_of(
        {"at": "2024-01-10", "order_id": "1", "amount": 10},
        {"at": "2024-01-20", "order_id": "2", "amount": 100},
        {"at": "2024-01-20", "order_id": "2", "amount": -100, "known": "2024-02-15"},
    )
    built = features_of(lines, "2024-02-01", "2024-03-01")
    assert built["purchase_count_life"].to_list() == [2, 1]
    assert built["days_since_last_order"].to_list() == [12, 51]
    assert built["median_days_between_orders"].to_list() == [10.0, None]


def test_large_amounts_stay_exact(orders_of, one_row):
    lines = orders_of({"at": "2024-02-28", "amount": 2**53}, {"at": "2024-02-28", "amount": 1})
    assert one_row(lines, "2024-03-01")["net_amount_30_days"] == 2**53 + 1


@pytest.mark.parametrize("entity", ["orders", "customers", "products"])
def test_a_missing_column_is_named(orders_of, customers_of, products_of, features_of, entity):
    frames = {"orders": orders_of({"at": "2024-01-10"}), "customers": customers_of({}), "products": products_of()}
    frames[entity] = frames[entity].drop("known_at")
    with pytest.raises(ColumnsMissingError) as caught:
        features_of(frames.pop("orders"), "2024-03-01", **frames)
    assert (caught.value.where, caught.value.expected, caught.value.exit_code) == (entity, "also known_at", 3)


def test_no_snapshot_is_refused(orders_of, features_of):
    with pytest.raises(NoSnapshotsError):
        features_of(orders_of({"at": "2024-01-10"}))


def test_two_records_of_one_customer_are_refused_not_doubled(orders_of, customers_of, features_of):
    with pytest.raises(RecordsDoubledError) as caught:
        features_of(orders_of({"at": "2024-01-10"}), "2024-03-01", customers=customers_of({}, {}))
    assert (caught.value.where, caught.value.exit_code) == ("customers", 3)
    assert caught.value.got.startswith("2 rows")


@pytest.mark.parametrize(
    ("column", "dtype", "told"),
    [("amount", pl.Float64, "amount: Float64"), ("ordered_at", pl.Datetime("us"), "ordered_at: Datetime")],
)
def test_a_column_of_another_type_is_named(orders_of, features_of, column, dtype, told):
    spoilt = orders_of({"at": "2024-01-10"}).with_columns(pl.lit(None, dtype=dtype).alias(column))
    with pytest.raises(ColumnTypesError) as caught:
        features_of(spoilt, "2024-03-01")
    assert told in caught.value.got
    assert caught.value.exit_code == 3
