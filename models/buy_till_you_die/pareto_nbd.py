"""Pareto/NBD: purchases are Poisson, lifetimes exponential, both rates gamma distributed over customers.

Schmittlein, Morrison and Colombo (1987), "Counting your customers", Management Science 33. The likelihood is taken as
the integral over the moment of leaving (Fader and Hardie 2005, "A note on deriving the Pareto/NBD model"),

    L = G(r + x)/G(r) alpha^r beta^s [ (alpha + T)^-(r + x) (beta + T)^-s
        + s times the integral of (alpha + t)^-(r + x) (beta + t)^-(s + 1) over t from t_x to T ]

(G: the gamma function) by Gauss-Legendre quadrature after a substitution that flattens it. Both terms are positive, so
nothing cancels; the usual difference of two hypergeometric functions does when t_x is close to T. Belongs here: this
model. Does not: the search (`likelihood`).
"""

from dataclasses import dataclass

import numpy as np

from models.buy_till_you_die.histories import Histories
from models.buy_till_you_die.likelihood import most_likely, on_distinct
from models.learners.encoding import Floats

SAMPLE_ROWS = 5_000
NODES = 16
CHUNK_ROWS = 20_000
STARTS = (
    (0.7, 0.5, 0.7, 0.5),
    (0.3, 0.2, 0.3, 2.0),
    (2.0, 2.0, 0.5, 1.0),
)  # r, alpha, s, beta with the mean age as unit


@dataclass(frozen=True, kw_only=True)
class ParetoNbd:
    """A fitted Pareto/NBD model.

    Attributes:
        r, alpha: shape and rate (in time units) of the gamma distributed purchase rates.
        s, beta: the same of the rates of leaving.
    """

    r: float
    alpha: float
    s: float
    beta: float

    def probability_alive(self, repeats: Floats, last_purchase_age: Floats, age: Floats) -> Floats:
        """P(still a customer), shape (rows,)."""
        one_each = Histories(
            repeats=repeats, last_purchase_age=last_purchase_age, age=age, customers=np.ones(len(repeats))
        )
        parameters = np.array([self.r, self.alpha, self.s, self.beta])
        parts = [_gone_over_alive(parameters, chunk)[0] for chunk in _chunks(one_each)]
        log_odds = np.concatenate(parts) if parts else np.zeros(0)
        alive: Floats = 1 / (1 + np.exp(np.clip(log_odds, -700, 700)))
        return alive

    def expected_purchases(
        self, repeats: Floats, last_purchase_age: Floats, age: Floats, *, horizon: float | Floats
    ) -> Floats:
        """Expected number of purchases in the next `horizon` time units, shape (rows,); s = 1 is no exception."""
        log_rest = np.log(self.beta + age) - np.log(self.beta + age + horizon)
        excess = (self.s - 1) * log_rest
        small = np.abs(excess) < 1e-12  # noqa: PLR2004 - below, 1 is exact
        mean = np.where(small, 1.0, np.expm1(np.where(small, 1.0, excess)) / np.where(small, 1.0, excess))
        time_left = (self.beta + age) * -log_rest * mean
        pace = (self.r + repeats) / (self.alpha + age)
        expected: Floats = pace * time_left * self.probability_alive(repeats, last_purchase_age, age)
        return expected

    def probability_any(
        self, repeats: Floats, last_purchase_age: Floats, age: Floats, *, horizon: float | Floats
    ) -> Floats:
        """P(at least one purchase in the next `horizon` time units), shape (rows,).

        Given alive, it is the integral over u, from 0 to the horizon, of
        (r + x)/(alpha + T) (1 + u/(alpha + T))^-(r + x + 1) (1 + u/(beta + T))^-s.
        """
        nodes, weights = np.polynomial.legendre.leggauss(2 * NODES)
        shape = self.r + repeats
        length = -np.expm1(shape * (np.log(self.alpha + age) - np.log(self.alpha + age + horizon)))
        survival = np.zeros(len(length))
        for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            waited = (self.alpha + age) * np.expm1(-np.log1p(-node * length) / shape)
            survival += weight * np.exp(-self.s * np.log1p(waited / (self.beta + age)))
        any_purchase: Floats = length * survival * self.probability_alive(repeats, last_purchase_age, age)
        return any_purchase

    def log_likelihood(self, seen: Histories) -> float:
        """Of all customers."""
        return _Objective(seen)(np.array([self.r, self.alpha, self.s, self.beta]))[0]


def fit_pareto_nbd(seen: Histories) -> ParetoNbd:
    """The most likely parameters; `seen` has at least one customer."""
    unit = float(np.average(seen.age, weights=seen.customers)) or 1.0
    whole = seen.scaled(1 / unit)
    part = whole.thinned(SAMPLE_ROWS)
    on_whole = _Objective(whole)
    on_part = on_whole if part is whole else _Objective(part)
    r, alpha, s, beta = most_likely(on_whole, on_part, STARTS, float(seen.customers.sum()))
    return ParetoNbd(r=float(r), alpha=float(f"{alpha * unit:.9g}"), s=float(s), beta=float(f"{beta * unit:.9g}"))


@dataclass(frozen=True)
class _Objective:
    """The log-likelihood of some histories and its gradient by r, alpha, s and beta."""

    seen: Histories

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        parts = [_log_likelihood(parameters, chunk) for chunk in _chunks(self.seen)]
        return sum(value for value, _ in parts), np.sum([gradient for _, gradient in parts], axis=0)


def _log_likelihood(parameters: Floats, seen: Histories) -> tuple[float, Floats]:
    from scipy.special import digamma, gammaln  # noqa: PLC0415 - heavy: imported when used

    r, alpha, s, beta = parameters
    x, weights = seen.repeats, seen.customers
    log_odds, by = _gone_over_alive(parameters, seen)
    gone = 1 / (1 + np.exp(-np.clip(log_odds, -700, 700)))
    log_alpha, log_beta = np.log(alpha + seen.age), np.log(beta + seen.age)
    alive = r * np.log(alpha) + s * np.log(beta) - (r + x) * log_alpha - s * log_beta
    value = float(weights @ (on_distinct(lambda k: gammaln(r + k) - gammaln(r), x) + alive + np.logaddexp(0, log_odds)))
    by_alive = (
        on_distinct(lambda k: digamma(r + k) - digamma(r), x) + np.log(alpha) - log_alpha,
        r / alpha - (r + x) / (alpha + seen.age),
        np.log(beta) - log_beta,
        s / beta - s / (beta + seen.age),
    )
    return value, np.array([weights @ (one + gone * more) for one, more in zip(by_alive, by, strict=True)])


def _gone_over_alive(parameters: Floats, seen: Histories) -> tuple[Floats, tuple[Floats, Floats, Floats, Floats]]:
    """Ln of the odds to have left, and its gradient by r, alpha, s and beta.

    With m = min(alpha, beta) and y = ln((m+t)/(m+t_x)) the integrand falls like e^-py at first, and ever a little
    faster; z = (1 - e^-py)/p makes it flat at first and smooth after.
    """
    r, alpha, s, beta = parameters
    now_a, now_b = alpha + seen.age, beta + seen.age
    near = min(alpha, beta)
    start = near + seen.last_purchase_age
    fall = start * ((r + seen.repeats) / (start + (alpha - near)) + (s + 1) / (start + (beta - near))) - 1
    fall = np.where(np.abs(fall) < 1e-6, 1e-6, fall)[:, None]  # noqa: PLR2004 - at 0 the limit is a plain logarithm
    length = -np.expm1(-fall[:, 0] * np.log((near + seen.age) / start)) / fall[:, 0]
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    grown = -np.log1p(-fall * ((nodes + 1) / 2 * length[:, None])) / fall  # y at the nodes
    left = start[:, None] * np.exp(grown)
    left_a, left_b = left + (alpha - near), left + (beta - near)
    log_a, log_b = np.log(left_a), np.log(left_b)
    tilt = (fall + 1) * grown - (r + seen.repeats)[:, None] * log_a - (s + 1) * log_b
    highest = tilt.max(axis=1)
    mass = np.exp(tilt - highest[:, None]) * (weights / 2)
    total = mass.sum(axis=1)
    log_integral = np.log(np.maximum(length, 1e-300)) + np.log(start) + highest + np.log(total)
    log_odds = np.log(s) + (r + seen.repeats) * np.log(now_a) + s * np.log(now_b) + log_integral
    mass /= total[:, None]
    by_r = np.log(now_a) - (mass * log_a).sum(axis=1)
    by_s = 1 / s + np.log(now_b) - (mass * log_b).sum(axis=1)
    by_alpha = (r + seen.repeats) * (1 / now_a - (mass / left_a).sum(axis=1))
    by_beta = s / now_b - (s + 1) * (mass / left_b).sum(axis=1)
    return log_odds, (by_r, by_alpha, by_s, by_beta)


def _chunks(seen: Histories) -> list[Histories]:
    """Rows in portions that keep the quadrature's table small."""
    return [
        Histories(
            repeats=seen.repeats[start : start + CHUNK_ROWS],
            last_purchase_age=seen.last_purchase_age[start : start + CHUNK_ROWS],
            age=seen.age[start : start + CHUNK_ROWS],
            customers=seen.customers[start : start + CHUNK_ROWS],
        )
        for start in range(0, len(seen.age), CHUNK_ROWS)
    ]
