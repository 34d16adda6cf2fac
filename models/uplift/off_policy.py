"""What another policy would have brought, told from contacts that were logged with their probabilities.

Belongs here: inverse propensity, self-normalised and doubly robust estimates with their intervals, and whether the log
can answer at all. Does not: policies.

Horvitz, Thompson 1952; Swaminathan, Joachims 2015 (self-normalised); Dudík, Langford, Li 2011 (doubly robust).
"""

from dataclasses import dataclass

import numpy as np

from models.learners.encoding import Floats
from models.uplift.clusters import Ints, mean_error, summed
from models.uplift.qini import Interval

Z = 1.959964
FEW_ROWS = 100


@dataclass(frozen=True, kw_only=True)
class Logged:
    """What was done, with which probability, and what came of it.

    Attributes:
        action: number of what was done, 0 is nothing, shape (rows,).
        propensity: probability with which it was done, above 0, shape (rows,).
        outcome: in any unit, shape (rows,).
        customer: to whom, shape (rows,); None: every row is a customer of its own.
    """

    action: Ints
    propensity: Floats
    outcome: Floats
    customer: Ints | None = None


@dataclass(frozen=True, kw_only=True)
class PolicyValue:
    """What a policy brings per customer.

    Attributes:
        ips: by inverse propensities.
        self_normalised: the same over the sum of its weights: less noise, a little bias.
        doubly_robust: expected outcomes put right by what was seen; None without them.
        effective_rows: customers that the weighted log is worth.
        words: what to think of it.
    """

    ips: Interval
    self_normalised: Interval
    doubly_robust: Interval | None
    effective_rows: float
    words: str


def policy_value(logged: Logged, policy: Floats, expected: Floats | None = None) -> PolicyValue:
    """Estimate the mean outcome of a policy per customer.

    Args:
        logged: the log.
        policy: probability of each action under the new policy, shape (rows, actions), rows sum to 1.
        expected: the outcome expected of each action, shape (rows, actions), by a model that did not see the row.
    """
    rows = np.arange(len(logged.action))
    weight = policy[rows, logged.action] / logged.propensity
    weighted = weight * logged.outcome
    mean_weight = max(float(weight.mean()), 1e-12)
    normalised = float(weighted.mean()) / mean_weight
    residual = weight * (logged.outcome - normalised) / mean_weight
    robust = None
    if expected is not None:
        direct = (policy * expected).sum(axis=1)
        robust = _interval(direct + weight * (logged.outcome - expected[rows, logged.action]), logged)
    by_customer = summed(weight, logged.customer)
    squares = float((by_customer**2).sum())
    effective = float(weight.sum()) ** 2 / squares if squares else 0.0
    return PolicyValue(
        ips=_interval(weighted, logged),
        self_normalised=_interval(residual, logged, centre=normalised),
        doubly_robust=robust,
        effective_rows=effective,
        words=_words(policy, logged, effective),
    )


def _words(policy: Floats, logged: Logged, effective: float) -> str:
    never = [
        place for place in range(policy.shape[1]) if policy[:, place].max() > 0 and not (logged.action == place).any()
    ]
    if never:
        return f"the log can't answer: {len(never)} of the policy's actions were never tried"
    if effective < FEW_ROWS:
        return f"hardly anything is known: the log is worth {effective:,.0f} customers for this policy"
    customers = len(summed(logged.outcome, logged.customer))
    return f"the log is worth {effective:,.0f} of its {customers:,} customers for this policy"


def _interval(values: Floats, logged: Logged, *, centre: float | None = None) -> Interval:
    """Mean of the values with a normal 95 % interval by customer; around `centre` where that is the estimate."""
    mean = float(values.mean()) if centre is None else centre
    error = mean_error(values, logged.customer)
    return Interval(value=mean, low=mean - Z * error, high=mean + Z * error)
