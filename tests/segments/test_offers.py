from datetime import date

import polars as pl
import pytest

from segments.offers import first_offers, next_best_offers, no_offers
from segments.ranked_offers import NEXT_BEST_OFFER

PRODUCTS = pl.DataFrame({"product_id": ["P1", "P2", "P3"], "name": ["TEA CUP", "TEA CUP SET", " "]})


def _listed(offers, active=("a",), products=PRODUCTS):
    return next_best_offers(
        offers,
        active=pl.DataFrame({"customer_id": list(active)}, schema={"customer_id": pl.String}),
        products=products,
        as_of=date(2011, 9, 1),
        next_offer_model_version=3,
        run_key="run",
    )


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        ({"source": "bought before", "times_bought": 4, "days_since_bought": 31}, "bought 4 times, last 31 days ago"),
        ({"source": "bought before", "times_bought": 1, "days_since_bought": 1}, "bought 1 time, last 1 day ago"),
        ({"source": "bought before"}, "bought before"),
        ({"source": "goes with what they bought", "neighbour_product_id": "P2"}, "goes with TEA CUP SET"),
        ({"source": "goes with what they bought", "neighbour_product_id": "P3"}, "goes with P3"),
        ({"source": "goes with what they bought", "neighbour_product_id": "P9"}, "goes with P9"),
        ({"source": "goes with what they bought"}, "goes with what they bought"),
        ({"source": "popular now"}, "popular now"),
        ({"source": "new in favourite category"}, "new in their favourite category, Tea"),
        ({"source": "new in favourite category", "category": None}, "new in their favourite category"),
    ],
)
def test_the_reason_says_the_evidence(make_offers, evidence, reason):
    assert _listed(make_offers(["a"], **evidence))["reason"].item() == reason


@pytest.mark.parametrize(
    ("product", "products", "name"),
    [("P1", PRODUCTS, "TEA CUP"), ("P3", PRODUCTS, "P3"), ("P9", PRODUCTS, "P9"), ("P1", None, "P1")],
)
def test_the_id_stands_in_for_a_missing_name(make_offers, product, products, name):
    assert _listed(make_offers(["a"], product_id=product), products=products)["product_name"].item() == name


def test_only_active_customers_are_listed_in_order(make_offers):
    offers = make_offers(["b", "a", "a", "gone"], rank=[1, 2, 1, 1])
    listed = _listed(offers, active=("a", "b"))
    assert listed.select("customer_id", "rank").rows() == [("a", 1), ("a", 2), ("b", 1)]
    assert listed.schema == NEXT_BEST_OFFER.schema


def test_no_offers_give_an_empty_table_of_the_same_form():
    listed = _listed(no_offers())
    assert listed.height == 0
    assert listed.schema == NEXT_BEST_OFFER.schema


def test_first_three_by_rank_and_none_where_there_are_fewer(make_offers):
    offers = _listed(make_offers(["a"] * 4, rank=[4, 2, 1, 3], product_id=["P4", "P2", "P1", "P3"]))
    named = first_offers(offers, pl.DataFrame({"customer_id": ["b", "a"]}))
    assert named.rows() == [("b", None, None, None), ("a", "TEA CUP", "TEA CUP SET", "P3")]
