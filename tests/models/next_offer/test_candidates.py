from datetime import date

from data_contracts.orders import snapshot_instant
from models.next_offer.bought import bought_before, code_lines
from models.next_offer.candidates import SOURCES, candidates
from models.next_offer.facts import item_facts
from models.next_offer.history import history_of_bought
from models.next_offer.options import OfferOptions

AS_OF = date(2024, 7, 1)
INSTANT = snapshot_instant(AS_OF, time_zone="UTC")


def candidates_of(orders, products=None, **options):
    chosen = OfferOptions(**options)
    facts = item_facts(orders, products, as_of=AS_OF, time_zone="UTC")
    coded = code_lines(orders, before=INSTANT, product_ids=facts.product_ids)
    history = history_of_bought(bought_before(coded.lines, INSTANT), window_days=30, active_within_days=365)
    frame = candidates(history, facts, chosen)
    return {
        (coded.customer_ids[row["customer"]], facts.product_ids[row["product"]]): (
            SOURCES[row["source"]],
            None if row["neighbour_product"] is None else facts.product_ids[row["neighbour_product"]],
        )
        for row in frame.iter_rows(named=True)
    }


SHARED = [("a", "x", 3), ("a", "y", 3), ("b", "x", 3), ("b", "y", 3), ("c", "x", 3), ("d", "p", 3)]


def test_every_source_is_named(make_orders, make_products):
    products = make_products(("x", "tea", True), ("y", "tea", True), ("old", "tea", True), ("p", "jam", True))
    found = candidates_of(make_orders(*SHARED, ("d", "old", 300)), products, popular_candidates=4)
    assert found["c", "x"][0] == "bought before"
    assert found["c", "y"] == ("goes with what they bought", "x")
    assert found["c", "old"][0] == "new in favourite category"
    assert found["c", "p"][0] == "popular now"


def test_candidates_are_bounded_by_customer(make_orders):
    rows = [("a", f"p{number:02d}", number + 1) for number in range(60)]
    found = candidates_of(make_orders(*rows), own_candidates=9, popular_candidates=0)
    assert len(found) <= 9 + 9 // 3


def test_customers_who_went_long_ago_get_none(make_orders):
    assert {customer for customer, _ in candidates_of(make_orders(("a", "x", 3), ("gone", "x", 380)))} == {"a"}
