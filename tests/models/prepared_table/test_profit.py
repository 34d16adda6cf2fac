import numpy as np
import pytest
from scipy.stats import beta

from models.prepared_table.profit import Campaign, expected_maximum_profit, roc_hull

RANDOM = np.random.default_rng(6)
LEFT = (RANDOM.random(800) < 0.3).astype(float)
SCORES = np.round(LEFT + RANDOM.normal(size=800), 1)


def by_hand(predicted, happened, campaign):
    """The definition: for every share who accept, the best threshold; averaged over the share's distribution."""
    order = np.argsort(-predicted, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(predicted[order])), len(order) - 1)
    found = np.concatenate([[0], np.cumsum(happened[order])[ends]]) / len(order)
    disturbed = np.concatenate([[0], np.cumsum(1 - happened[order])[ends]]) / len(order)
    value, offer, contact = campaign.customer_value, campaign.offer_cost, campaign.contact_cost

    def best(share):
        gain = share * (value - offer) - contact
        return np.max(gain * found - (offer + contact) * disturbed)

    shares = np.linspace(0, 1, 20_001)
    weights = beta(campaign.accept_alpha, campaign.accept_beta).pdf(shares)
    return np.trapezoid([best(share) for share in shares] * weights, shares)


@pytest.mark.parametrize("campaign", [Campaign(), Campaign(customer_value=50), Campaign(offer_cost=40, contact_cost=5)])
def test_it_is_the_mean_of_the_best_profits(campaign):
    expected = by_hand(SCORES, LEFT, campaign)
    assert expected_maximum_profit(SCORES, LEFT, campaign).a_customer == pytest.approx(expected, rel=1e-4)


def test_a_perfect_order_contacts_leavers_and_no_order_is_worth_less():
    perfect = expected_maximum_profit(LEFT, LEFT)
    assert perfect.share_contacted == pytest.approx(LEFT.mean(), abs=1e-3)
    assert perfect.a_customer > expected_maximum_profit(SCORES, LEFT).a_customer
    assert expected_maximum_profit(SCORES, LEFT).a_customer > expected_maximum_profit(-SCORES, LEFT).a_customer


def test_the_hull_bends_one_way_only():
    found, disturbed = roc_hull(SCORES, LEFT)
    slopes = np.diff(found) / np.maximum(np.diff(disturbed), 1e-12)
    assert (np.diff(slopes) <= 1e-9).all()
    assert (found[0], disturbed[0], found[-1], disturbed[-1]) == (0, 0, 1, 1)


def test_without_leavers_there_is_no_profit():
    assert expected_maximum_profit(SCORES, np.zeros(800)).a_customer == 0
