"""What everybody does with a product."""

import pytest

from models.next_basket.baskets import cut
from models.next_basket.products import PRIOR_TIMES, product_facts, return_chances


def test_return_chances_count_each_basket_at_risk_once(make_baskets):
    chances = return_chances(cut(make_baskets({"a": ["x", "y", "x", "y"], "b": ["x", "x"]}), steps_back=0))
    anyone = {row["gap_class"]: row["return_chance"] for row in chances.to_dicts() if row["product"] is None}
    # one basket on: x of a no, y of a no, x of a (again) no, x of b yes; two on: x and y of a yes
    assert anyone[0] == pytest.approx(1 / 4)
    assert anyone[1] == pytest.approx(2 / 2)
    own = {row["gap_class"]: row["return_chance"] for row in chances.to_dicts() if row["product"] == 1}
    level = (1 + PRIOR_TIMES / 2) / (1 / 4 + 1 + PRIOR_TIMES / 2)
    assert own[0] == pytest.approx(PRIOR_TIMES * level / 4 / (1 + PRIOR_TIMES))


def test_popularity_counts_customers(make_baskets):
    facts = product_facts(cut(make_baskets({"a": ["x", "x", "y"], "b": ["x"]}), steps_back=0), 2).to_dicts()
    assert facts[0]["product_buyers"] == pytest.approx(1000.0)
    assert facts[0]["product_buyers_last"] == pytest.approx(500.0)
    assert facts[1]["product_new_buyers_last_3"] == pytest.approx(500.0)
