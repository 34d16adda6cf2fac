"""The prices of the limits: what one more of each would bring, found as the optimum of the Lagrangian dual.

Belongs here: the dual and its optimum. Does not: making the choice keep the limits exactly (`repair`).

Prices λ ≥ 0 minimise λ·most + Σ over customers of the best choice at these prices: an upper bound of what any choice
within the limits can bring (Geoffrion 1974). It is convex and piecewise linear; it is minimised by cutting planes, one
cut a group of customers and pass (Kelley 1960; Birge, Louveaux 1988 for several cuts), begun at the prices of a sample.
"""

from dataclasses import dataclass, field

import numpy as np

from segments.decisions.problem import Bucket, Buckets, Floats, Rules, chosen_at, sampled, totals

SAMPLE_CUSTOMERS = 20_000
SAMPLE_GROUPS = 40
MOST_PASSES = 80
CLOSE_ENOUGH = 1e-5
CLOSE_ENOUGH_WHOLE = 2e-5
FORCED = 100.0  # a minimum's price may rise to so many times the largest value


@dataclass(frozen=True, kw_only=True)
class Prices:
    """The prices of the limits.

    Attributes:
        of_limits: what one more unit of each limit would bring in minor units, shape (limits,), at least 0.
        bound: no choice within the limits brings more (minor units).
        passes: over all customers.
        at_ceiling: limits whose price ran to its ceiling: they can't be kept together with the others.
    """

    of_limits: Floats
    bound: float
    passes: int
    at_ceiling: tuple[int, ...] = ()


@dataclass
class _Cuts:
    """Values and uses of choices seen so far, a row a cut."""

    group: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    uses: list[Floats] = field(default_factory=list)

    def add(self, group: int, value: float, uses: Floats) -> None:
        """One choice of one group of customers."""
        self.group.append(group)
        self.value.append(value)
        self.uses.append(uses)


def find_prices(buckets: Buckets, rules: Rules, *, largest: float) -> Prices:
    """Minimise the dual over all customers.

    Args:
        buckets: all customers.
        rules: numbers a customer and the limits.
        largest: largest absolute value of any option to any customer, minor units.
    """
    ceiling = ceilings(rules, largest)
    if not rules.limits:
        value, _ = _evaluate(buckets, np.zeros(0), rules, _Cuts())
        return Prices(of_limits=np.zeros(0), bound=value, passes=1)
    sample, share = sampled(buckets, SAMPLE_CUSTOMERS)
    groups = [
        Bucket(option=sample.option[start::SAMPLE_GROUPS], value=sample.value[start::SAMPLE_GROUPS])
        for start in range(min(SAMPLE_GROUPS, max(len(sample.option), 1)))
    ]
    begin, bound, _ = _minimise(groups, rules, rules.most * share, ceiling, np.zeros(len(ceiling)))
    passes = 0
    if share < 1.0:
        begin, bound, passes = _minimise(buckets, rules, rules.most, ceiling, begin, close_enough=CLOSE_ENOUGH_WHOLE)
    stuck = tuple(
        int(place)
        for place in np.flatnonzero((begin > 0.99 * ceiling) & np.array([x.is_minimum for x in rules.limits]))
    )
    return Prices(of_limits=begin, bound=bound, passes=passes, at_ceiling=stuck)


def ceilings(rules: Rules, largest: float) -> Floats:
    """Prices above which nothing changes any more, shape (limits,)."""
    highest = []
    for limit in rules.limits:
        uses = np.abs(limit.uses[limit.uses != 0])
        least = float(uses.min()) if len(uses) else 1.0
        highest.append((FORCED if limit.is_minimum else 1.0) * (largest + 1.0) / least)
    return np.array(highest)


def _minimise(
    buckets: Buckets,
    rules: Rules,
    most: Floats,
    ceiling: Floats,
    begin: Floats,
    *,
    close_enough: float = CLOSE_ENOUGH,
) -> tuple[Floats, float, int]:
    """Prices, the dual's value there, and passes made."""
    cuts, best, best_value = _Cuts(), begin, np.inf
    asked = begin
    for passes in range(1, MOST_PASSES + 1):
        value, _ = _evaluate(buckets, asked, rules, cuts)
        value += float(asked @ most)
        if value < best_value:
            best, best_value = asked, value
        lower, proposed = _master(cuts, len(buckets), most, ceiling)
        if best_value - lower <= close_enough * max(abs(best_value), 1.0):
            break
        asked = proposed if passes <= 2 else 0.7 * proposed + 0.3 * best  # noqa: PLR2004 first look around, then steady
    return best, best_value, passes


def _evaluate(buckets: Buckets, prices: Floats, rules: Rules, cuts: _Cuts) -> tuple[float, Floats]:
    """The sum of best reduced values at these prices, and what is used; every bucket's choice becomes a cut."""
    uses = rules.uses
    of_option = prices @ uses
    total, used = 0.0, np.zeros(len(prices))
    for place in range(len(buckets)):
        bucket = buckets[place]
        value, taken = totals(bucket, chosen_at(bucket, of_option, rules).taken, uses)
        cuts.add(place, value, taken)
        total += value - float(prices @ taken)
        used += taken
    return total, used


def _master(cuts: _Cuts, groups: int, most: Floats, ceiling: Floats) -> tuple[float, Floats]:
    """The prices at which the cuts' maximum is lowest, and its value there: a lower bound of the dual."""
    from scipy.optimize import linprog  # noqa: PLC0415 heavy
    from scipy.sparse import coo_array, hstack  # noqa: PLC0415

    limits, rows = len(most), len(cuts.value)
    scale = max(1.0, *(abs(value) for value in cuts.value))
    uses = np.stack(cuts.uses)
    of_group = coo_array((-np.ones(rows), (np.arange(rows), np.array(cuts.group))), shape=(rows, groups))
    matrix = hstack([coo_array(-uses * ceiling / scale), of_group], format="csr")
    found = linprog(
        np.concatenate([most * ceiling / scale, np.ones(groups)]),
        A_ub=matrix,
        b_ub=-np.array(cuts.value) / scale,
        bounds=[(0.0, 1.0)] * limits + [(0.0, None)] * groups,
        method="highs",
    )
    if found.x is None:  # not seen; then the bound says nothing and the best prices so far stand
        return -np.inf, np.zeros(limits)
    return float(found.fun) * scale, np.clip(found.x[:limits], 0.0, 1.0) * ceiling
