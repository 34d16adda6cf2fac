"""What a night's candidates are called."""

import polars as pl

from config.decisions import Decisions
from flows.decisions.contact_effects import Effects
from flows.decisions.offer_candidates import OfferFacts, offer_candidates


def test_two_products_of_one_name_are_told_apart_where_one_customer_is_offered_both():
    ranked = pl.DataFrame(
        [("anna", 1, "7", "Tee"), ("anna", 2, "8", "Tee"), ("anna", 3, "9", "Lamp"), ("bert", 1, "7", "Tee")],
        schema=["customer_id", "rank", "product_id", "product_name"],
        orient="row",
    ).with_columns(category=pl.lit("home"), purchase_probability=pl.lit(0.1))
    margins = pl.DataFrame({"product_id": ["7", "8", "9"], "margin_amount": [100, 90, 80], "price_amount": [200] * 3})
    facts = OfferFacts(
        margins=margins,
        offers=None,
        contacts=None,
        effects=Effects(by_customer=None, words="nothing known", facts={}),
        minor_units=100,
    )
    made = offer_candidates(ranked, facts, Decisions())
    assert made.select("customer_id", "offer_name").rows() == [
        ("anna", "Tee (7)"),
        ("anna", "Tee (8)"),
        ("anna", "Lamp"),
        ("bert", "Tee"),
    ]
