"""Expected maximum profit of a retention campaign aimed by churn probabilities.

Verbraken, Verbeke and Baesens (2013), "A novel profit maximizing metric for measuring classification performance of
customer churn prediction models", IEEE Trans. Knowledge and Data Engineering 25. The best share of customers is
contacted; who accepts the offer is uncertain (beta distributed) and integrated out. Belongs here: this measure. Does
not: other figures (`evaluation`).
"""

from dataclasses import dataclass

import numpy as np

from models.learners.encoding import Floats


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """What a campaign brings and costs; defaults are the paper's, amounts in any unit.

    Attributes:
        customer_value: of a customer who is kept.
        offer_cost: of the incentive, for those who take it.
        contact_cost: of asking.
        accept_alpha, accept_beta: of the beta distributed share of would-be leavers who stay for the offer (mean .3).
    """

    customer_value: float = 200.0
    offer_cost: float = 10.0
    contact_cost: float = 1.0
    accept_alpha: float = 6.0
    accept_beta: float = 14.0


@dataclass(frozen=True, kw_only=True)
class MaximumProfit:
    """The measure, and the share of customers to contact that reaches it.

    Attributes:
        a_customer: expected profit over all customers, divided by their number.
        share_contacted: from 0 to 1.
    """

    a_customer: float
    share_contacted: float


def expected_maximum_profit(predicted: Floats, happened: Floats, campaign: Campaign | None = None) -> MaximumProfit:
    """The measure over the convex hull of the ROC curve.

    Args:
        predicted: higher means likelier to leave, shape (rows,).
        happened: 1 for those who left.
        campaign: see `Campaign`.
    """
    from scipy.special import betainc  # noqa: PLC0415 - heavy: imported when used

    terms = campaign or Campaign()
    offer, contact = terms.offer_cost / terms.customer_value, terms.contact_cost / terms.customer_value
    rate = float(happened.mean())
    if rate in (0.0, 1.0):
        return MaximumProfit(a_customer=0.0, share_contacted=0.0)
    found, disturbed = roc_hull(predicted, happened)
    more_found, more_disturbed = np.diff(found), np.diff(disturbed)
    worth = rate * (1 - offer) * more_found
    costs = (1 - rate) * (offer + contact) * more_disturbed + rate * contact * more_found
    edges = np.divide(costs, worth, out=np.full(len(worth), np.inf), where=worth > 0)
    lower = np.concatenate([[0.0], np.minimum(edges, 1.0)])
    upper = np.append(lower[1:], 1.0)
    a, b = terms.accept_alpha, terms.accept_beta
    chance = betainc(a, b, upper) - betainc(a, b, lower)
    mean = a / (a + b) * (betainc(a + 1, b, upper) - betainc(a + 1, b, lower))
    gains = (1 - offer) * rate * found * mean
    spent = (contact * rate * found + (offer + contact) * (1 - rate) * disturbed) * chance
    return MaximumProfit(
        a_customer=float(terms.customer_value * np.sum(gains - spent)),
        share_contacted=float(np.sum(chance * (rate * found + (1 - rate) * disturbed))),
    )


def roc_hull(predicted: Floats, happened: Floats) -> tuple[Floats, Floats]:
    """Corners of the upper convex hull of the ROC curve: shares found of those who left, and of those who stayed."""
    order = np.argsort(-predicted, kind="stable")
    last = np.append(predicted[order][1:] != predicted[order][:-1], True)
    found = np.concatenate([[0.0], np.cumsum(happened[order])[last]]) / happened.sum()
    disturbed = np.concatenate([[0.0], np.cumsum(1 - happened[order])[last]]) / (1 - happened).sum()
    hull: list[int] = []
    for place in range(len(found)):
        while len(hull) > 1 and _is_below(found, disturbed, hull[-2], hull[-1], place):
            hull.pop()
        hull.append(place)
    return found[hull], disturbed[hull]


def _is_below(found: Floats, disturbed: Floats, first: int, middle: int, last: int) -> bool:
    rise = (found[middle] - found[first]) * (disturbed[last] - disturbed[first])
    return bool(rise <= (found[last] - found[first]) * (disturbed[middle] - disturbed[first]))
