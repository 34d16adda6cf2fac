from datetime import date

import pytest

from models.judging.grading import grade_bundle
from models.next_offer import item_facts, rank_offers, score_candidates
from models.next_offer.short_history import can_offer, stand_in_offers

AS_OF = date(2024, 7, 1)
ASKED = {"as_of": AS_OF, "time_zone": "UTC", "window_days": 30}


def shop(make_orders, buyers):
    """Everybody bought x and y in spring; the first `buyers` of them x again in the latest window."""
    rows = [(f"c{one:02d}", product, 60 + one) for one in range(30) for product in ("x", "y")]
    return make_orders(*rows, *((f"c{one:02d}", "x", 10) for one in range(buyers)))


def test_what_was_bought_most_is_offered_with_the_latest_windows_probabilities(make_orders):
    orders = shop(make_orders, 15)
    bundle = stand_in_offers(orders, None, active_within_days=365, why="40 days are missing", **ASKED)
    assert (bundle.method, bundle.beats_baseline, can_offer(bundle)) == ("baseline", False, True)
    assert "not graded yet" in grade_bundle(bundle).words
    assert "40 days are missing" in bundle.reasons[0]
    scored = score_candidates(bundle, orders, item_facts(orders, None, **ASKED), as_of=AS_OF, time_zone="UTC")
    offers = rank_offers(scored, None)
    assert offers["purchase_probability"].is_between(0, 1).all()
    assert offers.height


@pytest.mark.parametrize("buyers", [0, 9])
def test_with_hardly_a_buyer_nothing_is_offered(make_orders, buyers):
    bundle = stand_in_offers(shop(make_orders, buyers), None, active_within_days=365, why="few", **ASKED)
    assert not can_offer(bundle)
