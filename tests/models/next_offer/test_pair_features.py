from datetime import date

import polars as pl

from data_contracts.orders import snapshot_instant
from models.next_offer.bought import bought_before, code_lines
from models.next_offer.candidates import candidates
from models.next_offer.facts import item_facts
from models.next_offer.history import history_of_bought
from models.next_offer.options import OfferOptions
from models.next_offer.pair_features import pair_features

AS_OF = date(2024, 7, 1)
INSTANT = snapshot_instant(AS_OF, time_zone="UTC")


def test_places_are_among_the_customers_own_candidates(make_orders):
    orders = make_orders(("a", "x", 3), ("a", "y", 60), ("b", "x", 5), ("b", "z", 9), ("c", "z", 2))
    facts = item_facts(orders, None, as_of=AS_OF, time_zone="UTC")
    coded = code_lines(orders, before=INSTANT, product_ids=facts.product_ids)
    history = history_of_bought(bought_before(coded.lines, INSTANT), window_days=30, active_within_days=365)
    frame = pair_features(candidates(history, facts, OfferOptions()), history, facts)
    found = {
        (coded.customer_ids[row["customer"]], facts.product_ids[row["product"]]): row["decayed_120d_rank"]
        for row in frame.select("customer", "product", "decayed_120d_rank").iter_rows(named=True)
    }
    assert [found["a", name] for name in "xyz"] == [1, 2, 3]
    assert [found["b", name] for name in "xyz"] == [1, 3, 2]
    assert [found["c", name] for name in "xyz"] == [2, 2, 1]  # neither x nor y was ever bought: both next after z
    assert frame.filter(pl.col("customer") == 0)["product_buyers_30d_rank"].to_list() == [1, 3, 1]
