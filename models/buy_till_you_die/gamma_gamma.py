"""Gamma-Gamma: the mean amount of a purchase, shrunk towards everybody's as far as few purchases say little.

Fader, Hardie and Lee (2005), "RFM and CLV", J. of Marketing Research 42; Fader and Hardie (2013), "The Gamma-Gamma
model of monetary value". Amounts don't depend on how often somebody buys.
Belongs here: this model. Does not: purchases.
"""

from dataclasses import dataclass

import numpy as np

from models.buy_till_you_die.likelihood import most_likely, on_distinct
from models.learners.encoding import Floats

SAMPLE_ROWS = 20_000
STARTS = ((4.0, 3.0, 2.0), (1.0, 2.0, 1.0), (10.0, 10.0, 5.0))  # p, q, gamma with the mean amount as unit


@dataclass(frozen=True, kw_only=True)
class GammaGamma:
    """A fitted Gamma-Gamma model.

    Attributes:
        p: shape of a customer's amounts.
        q, gamma: shape and scale (in the amounts' unit) of the customers' rates.
    """

    p: float
    q: float
    gamma: float

    def expected_amount(self, purchases: Floats, mean_amount: Floats) -> Floats:
        """Expected amount of a purchase, shape (rows,); customers without purchases get the mean of all.

        Where q <= 1 the mean of all does not exist; then a customer's own mean is kept, scaled as far as it is defined.
        """
        certainty = np.maximum(self.p * purchases + self.q - 1, 1e-9)
        expected: Floats = self.p * (self.gamma + purchases * np.where(purchases > 0, mean_amount, 0.0)) / certainty
        return expected

    def log_likelihood(self, purchases: Floats, mean_amount: Floats) -> float:
        """Of all customers."""
        return _log_likelihood(np.array([self.p, self.q, self.gamma]), purchases, mean_amount)[0]


def fit_gamma_gamma(purchases: Floats, mean_amount: Floats) -> GammaGamma:
    """The most likely parameters.

    Args:
        purchases: how many amounts the mean is of, at least 1, shape (rows,).
        mean_amount: above 0, shape (rows,).

    Raises:
        ValueError: customers without purchases, or amounts of 0 or less.
    """
    purchases, mean_amount = np.asarray(purchases, dtype=np.float64), np.asarray(mean_amount, dtype=np.float64)
    if not len(purchases) or (purchases < 1).any() or not (mean_amount > 0).all():
        raise ValueError("Gamma-Gamma needs customers with at least one purchase and mean amounts above 0")
    unit = float(np.average(mean_amount, weights=purchases))
    order = np.lexsort((mean_amount, purchases))
    x, m = purchases[order], mean_amount[order] / unit
    places = np.linspace(0, len(x) - 1, min(SAMPLE_ROWS, len(x))).astype(np.int64)

    def on(these: Floats, amounts: Floats, weight: float) -> "_Objective":
        return _Objective(these, amounts, weight)

    whole = on(x, m, 1.0)
    part = whole if len(places) == len(x) else on(x[places], m[places], len(x) / len(places))
    p, q, gamma = most_likely(whole, part, STARTS, float(len(x)))
    return GammaGamma(p=float(p), q=float(q), gamma=float(f"{gamma * unit:.9g}"))


@dataclass(frozen=True)
class _Objective:
    """The log-likelihood of some customers, as the search wants it."""

    purchases: Floats
    mean_amount: Floats
    weight: float

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        value, gradient = _log_likelihood(parameters, self.purchases, self.mean_amount)
        return self.weight * value, self.weight * gradient


def _log_likelihood(parameters: Floats, x: Floats, m: Floats) -> tuple[float, Floats]:
    """Log-likelihood and its gradient by p, q and gamma."""
    from scipy.special import digamma, gammaln  # noqa: PLC0415 - heavy: imported when used

    p, q, gamma = parameters
    both, log_spent = np.log(gamma + m * x), np.log(m) + np.log(x)
    fixed = on_distinct(lambda k: gammaln(p * k + q) - gammaln(p * k), x)
    value = fixed - gammaln(q) + q * np.log(gamma) + p * x * log_spent - np.log(m) - (p * x + q) * both
    by_p = x * (on_distinct(lambda k: digamma(p * k + q) - digamma(p * k), x) + log_spent - both)
    by_q = on_distinct(lambda k: digamma(p * k + q), x) - digamma(q) + np.log(gamma) - both
    by_gamma = q / gamma - (p * x + q) / (gamma + m * x)
    return float(value.sum()), np.array([by_p.sum(), by_q.sum(), by_gamma.sum()])
