"""BG/NBD and MBG/NBD: purchases are Poisson, rates gamma distributed, and each purchase may be the last.

Fader, Hardie and Lee (2005), "Counting your customers the easy way", Marketing Science 24; the modified model, in which
a customer may leave after the first purchase too, is of Batislam, Denizel and Filiztekin (2007), Int. J. of Research
in Marketing 24. The odds to leave are beta distributed. With k chances to leave seen and survived (x, or x + 1 in the
modified model) both have the likelihood

    L = G(r + x)/G(r) alpha^r B(a, b + k)/B(a, b) (alpha + T)^-(r + x)
        [1 + a/(b + k - 1) ((alpha + T)/(alpha + t_x))^(r + x)]

with G and B the gamma and beta functions; the last term is missing without any chance to leave (k = 0).
Belongs here: these two models. Does not: the
search (`likelihood`).
"""

from dataclasses import dataclass

import numpy as np

from models.buy_till_you_die.beta_mean import beta_nodes
from models.buy_till_you_die.histories import Histories
from models.buy_till_you_die.likelihood import most_likely, on_distinct
from models.buy_till_you_die.series import reduced_hypergeometric
from models.learners.encoding import Floats

SAMPLE_ROWS = 20_000
LARGEST_OF_SERIES = 10.0
"""Largest a for which the expectation's series is exact enough; from about 300 on it overflows within a year."""

STARTS = ((1.0, 1.0, 1.0, 2.0), (0.3, 0.5, 0.3, 1.0), (2.0, 3.0, 0.5, 5.0))  # r, alpha, a, b with the mean age as unit


@dataclass(frozen=True, kw_only=True)
class BetaGeometric:
    """A fitted BG/NBD or MBG/NBD model.

    Attributes:
        r, alpha: shape and rate (in time units) of the gamma distributed purchase rates.
        a, b: of the beta distributed odds to leave after a purchase.
        may_leave_at_once: whether the first purchase is a chance to leave too (MBG/NBD).
    """

    r: float
    alpha: float
    a: float
    b: float
    may_leave_at_once: bool = False

    def probability_alive(self, repeats: Floats, last_purchase_age: Floats, age: Floats) -> Floats:
        """P(still a customer), shape (rows,)."""
        survived = repeats + self.may_leave_at_once
        exponent = self.r + repeats
        drift = exponent * (np.log(self.alpha + age) - np.log(self.alpha + last_purchase_age))
        chance = np.maximum(self.b + survived - 1, 1e-12)
        odds = np.where(survived > 0, np.exp(np.clip(np.log(self.a / chance) + drift, -700, 700)), 0.0)
        alive: Floats = 1 / (1 + odds)
        return alive

    def expected_purchases(
        self, repeats: Floats, last_purchase_age: Floats, age: Floats, *, horizon: float | Floats
    ) -> Floats:
        """Expected number of purchases in the next `horizon` time units, shape (rows,).

        Equation (10) of Fader, Hardie and Lee after Euler's transformation, which removes the large exponents, and
        written so that a = 1 is no exception. Its series overflows where a is large (customers who leave alike); there
        it is the mean over the odds to leave instead.
        """
        alive = self.probability_alive(repeats, last_purchase_age, age)
        if self.a > LARGEST_OF_SERIES:
            return self._mean_over_odds(repeats, horizon / (self.alpha + age)) * alive
        survived = repeats + self.may_leave_at_once
        share = horizon / (self.alpha + age + horizon)
        log_rest = np.log1p(-share)
        top = self.a + self.b + survived - 1
        beyond = reduced_hypergeometric(self.a + self.b + (survived - repeats) - 1 - self.r, self.a, top, share)
        excess = self.a - 1
        flat = log_rest * _exponential_mean(excess * log_rest)
        per_customer: Floats = np.maximum(-flat - np.exp(excess * log_rest) * beyond, 0.0) * top
        return per_customer * alive

    def _mean_over_odds(self, repeats: Floats, ahead: Floats) -> Floats:
        """Expected purchases of customers who are alive, shape (rows,).

        With odds p to leave after each purchase, in a horizon of `ahead` times (alpha + T), they are
        (1 - (1 + p ahead)^-(r + x)) / p.
        """
        expected = np.empty(repeats.shape)
        for repeat in np.unique(repeats):
            rows = repeats == repeat
            odds, weights = beta_nodes(self.a, self.b + repeat + self.may_leave_at_once)
            waited = -(self.r + repeat) * np.log1p(np.outer(np.broadcast_to(ahead, repeats.shape)[rows], odds))
            expected[rows] = (-np.expm1(waited) / odds) @ weights
        return expected

    def probability_any(
        self, repeats: Floats, last_purchase_age: Floats, age: Floats, *, horizon: float | Floats
    ) -> Floats:
        """P(at least one purchase in the next `horizon` time units), shape (rows,)."""
        waits = -np.expm1((self.r + repeats) * (np.log(self.alpha + age) - np.log(self.alpha + age + horizon)))
        any_purchase: Floats = waits * self.probability_alive(repeats, last_purchase_age, age)
        return any_purchase

    def log_likelihood(self, seen: Histories) -> float:
        """Of all customers."""
        parameters = np.array([self.r, self.alpha, self.a, self.b])
        return _log_likelihood(parameters, seen, may_leave_at_once=self.may_leave_at_once)[0]


def fit_beta_geometric(seen: Histories, *, may_leave_at_once: bool = False) -> BetaGeometric:
    """The most likely parameters.

    Args:
        seen: at least one customer.
        may_leave_at_once: True for MBG/NBD.
    """
    unit = float(np.average(seen.age, weights=seen.customers)) or 1.0
    whole = seen.scaled(1 / unit)
    part = whole.thinned(SAMPLE_ROWS)

    def on(rows: Histories) -> "_Objective":
        return _Objective(rows, may_leave_at_once)

    on_whole = on(whole)
    found = most_likely(on_whole, on_whole if part is whole else on(part), STARTS, float(seen.customers.sum()))
    alpha = float(f"{found[1] * unit:.9g}")
    return BetaGeometric(
        r=float(found[0]), alpha=alpha, a=float(found[2]), b=float(found[3]), may_leave_at_once=may_leave_at_once
    )


@dataclass(frozen=True)
class _Objective:
    """The log-likelihood of some histories, as the search wants it."""

    seen: Histories
    may_leave_at_once: bool

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        return _log_likelihood(parameters, self.seen, may_leave_at_once=self.may_leave_at_once)


def _log_likelihood(parameters: Floats, seen: Histories, *, may_leave_at_once: bool) -> tuple[float, Floats]:
    """Log-likelihood and its gradient by r, alpha, a and b."""
    from scipy.special import digamma, gammaln  # noqa: PLC0415 - heavy: imported when used

    r, alpha, a, b = parameters
    x, weights = seen.repeats, seen.customers
    survived = x + may_leave_at_once
    can_have_left = survived > 0
    log_now, log_last = np.log(alpha + seen.age), np.log(alpha + seen.last_purchase_age)
    chance = np.where(can_have_left, b + survived - 1, 1.0)
    log_odds = np.where(can_have_left, np.log(a / chance) + (r + x) * (log_now - log_last), -np.inf)
    gone = np.exp(log_odds - np.logaddexp(0.0, log_odds))
    fixed = on_distinct(
        lambda k: (
            gammaln(r + k) - gammaln(r) + gammaln(b + k + may_leave_at_once) - gammaln(a + b + k + may_leave_at_once)
        ),
        x,
    )
    constant = r * np.log(alpha) + gammaln(a + b) - gammaln(b)
    value = float(weights @ (fixed + constant - (r + x) * log_now + np.logaddexp(0.0, log_odds)))
    by_r = on_distinct(lambda k: digamma(r + k) - digamma(r), x) + np.log(alpha) - log_now + gone * (log_now - log_last)
    inverse_now, inverse_last = 1 / (alpha + seen.age), 1 / (alpha + seen.last_purchase_age)
    by_alpha = r / alpha - (r + x) * (inverse_now + gone * (inverse_last - inverse_now))
    by_both = on_distinct(lambda k: digamma(a + b) - digamma(a + b + k), survived)
    by_b = by_both + on_distinct(lambda k: digamma(b + k) - digamma(b), survived) - gone / chance
    by_a = by_both + gone / a
    return value, np.array([weights @ part for part in (by_r, by_alpha, by_a, by_b)])


def _exponential_mean(values: Floats) -> Floats:
    """(e^v - 1) / v, 1 at 0."""
    safe = np.where(np.abs(values) < 1e-12, 1.0, values)  # noqa: PLR2004 - below, 1 is exact
    return np.where(np.abs(values) < 1e-12, 1.0, np.expm1(safe) / safe)  # noqa: PLR2004 - as above
