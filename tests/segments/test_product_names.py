"""Which name of a product is said."""

import polars as pl

from segments.product_names import told_apart


def test_a_name_of_several_products_has_the_id_behind_it():
    rows = pl.DataFrame(
        {
            "customer_id": ["anna", "anna", "anna", "bert", "bert"],
            "product_id": ["1", "2", "3", "1", "4"],
            "product_name": ["Tee", "Tee", "Lamp", "Tee", None],
        }
    )
    assert rows.select(told_apart())["product_name"].to_list() == ["Tee (1)", "Tee (2)", "Lamp", "Tee (1)", None]
    assert rows.select(told_apart("customer_id"))["product_name"].to_list() == [
        "Tee (1)",
        "Tee (2)",
        "Lamp",
        "Tee",
        None,
    ]


def test_products_without_a_name_stay_without():
    rows = pl.DataFrame({"product_id": ["1", "2"], "product_name": pl.Series([None, None], dtype=pl.String)})
    assert rows.select(told_apart())["product_name"].to_list() == [None, None]
