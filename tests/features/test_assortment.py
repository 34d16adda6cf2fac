from datetime import UTC, datetime
from math import log

import pytest


@pytest.fixture(scope="module")
def history(orders_of):
    return orders_of(
        {"at": "2022-06-01", "order_id": "1", "product_id": "tea", "quantity": 2.5},
        {"at": "2022-06-01", "order_id": "1", "product_id": "cup", "quantity": 1.0},
        {"at": "2024-01-10", "order_id": "2", "product_id": "tea", "quantity": 4.0},
        {"at": "2024-02-10", "order_id": "3", "product_id": "pot"},
        {"at": "2024-02-11", "order_id": "4", "product_id": "pot", "amount": -100, "quantity": -1.0},
        {"at": "2024-02-12", "order_id": "5", "product_id": "pen", "amount": -100},
    )


@pytest.fixture(scope="module")
def products(products_of):
    return products_of(
        {"product_id": "tea", "category": "drinks"},
        {"product_id": "cup", "category": "china"},
        {"product_id": "pot", "category": "china"},
        {"product_id": "pen", "category": "office"},
        {"product_id": "unsold", "category": "toys"},
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("distinct_products_life", 3),
        ("distinct_products_365_days", 2),
        ("repeat_product_share", 1 / 3),
        ("new_product_share_90_days", 0.5),
        ("distinct_categories_life", 2),
        ("distinct_categories_365_days", 2),
        ("favourite_category_share", 0.5),
        ("category_entropy", pytest.approx(log(2), abs=1e-6)),
        ("lines_per_purchase_life", 4 / 3),
        ("quantity_per_purchase_life", 8.5 / 3),
        ("lines_per_purchase_365_days", 1.0),
        ("quantity_per_purchase_365_days", 2.5),
    ],
)
def test_values(history, products, one_row, name, expected):
    assert one_row(history, "2024-03-01", products=products)[name] == expected


def test_a_category_counts_from_when_it_was_known(history, products_of, features_of):
    known = datetime(2024, 2, 20, tzinfo=UTC)
    late = products_of({"product_id": "tea", "category": "drinks", "known_at": known})
    built = features_of(history, "2024-02-15", "2024-03-01", products=late)
    assert built["distinct_categories_life"].to_list() == [0, 1]
    assert built["category_entropy"].to_list() == [None, 0.0]


def test_a_product_in_no_category_counts_as_product_only(history, products_of, one_row):
    row = one_row(history, "2024-03-01", products=products_of({"product_id": "tea", "category": None}))
    assert (row["distinct_products_life"], row["distinct_categories_life"]) == (3, 0)


def test_late_lines_move_first_and_last_purchase_of_a_product(orders_of, features_of):
    history = orders_of(
        {"at": "2024-01-10", "product_id": "tea"},
        {"at": "2022-01-10", "product_id": "tea", "known": "2024-02-10"},
    )
    built = features_of(history, "2024-02-01", "2024-03-01")
    assert built["new_product_share_90_days"].to_list() == [1.0, 0.0]
    assert built["repeat_product_share"].to_list() == [0.0, 1.0]


def test_quantities_are_rounded_to_thousandths_not_cut_off(orders_of, one_row):
    row = one_row(orders_of({"at": "2024-01-10", "quantity": 0.57}), "2024-03-01")  # 0.57 * 1000 is 569.99…
    assert row["quantity_per_purchase_life"] == 0.57
