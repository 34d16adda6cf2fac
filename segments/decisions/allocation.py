"""Choosing for all customers at once: prices, a choice within the limits, how good it is, and what clashes.

Belongs here: the order of these steps. Does not: words for people (`explaining`), tables.
"""

from dataclasses import dataclass

import numpy as np

from segments.decisions.prices import Prices, find_prices
from segments.decisions.problem import Bucket, Buckets, Floats, Limit, Rules
from segments.decisions.repair import TOLERANCE, Picks, repaired
from segments.errors import RulesClashError


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """The choice.

    Attributes:
        picks: who gets what.
        prices: of the limits.
        used: of each limit, shape (limits,).
        value: net gain of the choice, minor units.
    """

    picks: Picks
    prices: Prices
    used: Floats
    value: int

    @property
    def gap(self) -> float:
        """How far below the best possible choice this one can be at most, as a share of it."""
        return max(self.prices.bound - self.value, 0.0) / max(abs(self.prices.bound), 1.0)


def allocate(buckets: Buckets, rules: Rules) -> Allocation:
    """Choose what brings most within the rules.

    Args:
        buckets: customers with the value of their options; read several times, one at a time.
        rules: how many a customer and a channel, and the limits over all.

    Raises:
        RulesClashError: minimums that can't be reached, with the smallest set of rules that clash.
    """
    largest = max((_largest(buckets[place]) for place in range(len(buckets))), default=0.0)
    prices = find_prices(buckets, rules, largest=largest)
    picks, used = repaired(buckets, prices.of_limits, rules)
    missed = [place for place in range(len(rules.limits)) if used[place] > rules.most[place] + TOLERANCE]
    if missed:
        raise RulesClashError(clashing=_clash(buckets, rules, missed[0]), missed=rules.limits[missed[0]].name)
    return Allocation(picks=picks, prices=prices, used=used, value=int(picks.value.sum()))


def _largest(bucket: Bucket) -> float:
    there = bucket.value[bucket.option >= 0]
    return float(np.abs(there.astype(np.int64)).max()) if there.size else 0.0


def _clash(buckets: Buckets, rules: Rules, missed: int) -> list[str]:
    """A smallest set of limits that can't be kept together with the one missed (by leaving out one after the other)."""
    kept = [limit for place, limit in enumerate(rules.limits) if place != missed]
    target = rules.limits[missed]
    for limit in list(kept):
        without = [one for one in kept if one is not limit]
        if not _reachable(buckets, rules, target, without):
            kept = without
    return [target.name, *(limit.name for limit in kept)]


def _reachable(buckets: Buckets, rules: Rules, target: Limit, others: list[Limit]) -> bool:
    """Whether the minimum can be reached within the other limits, whatever it costs."""
    limits = (target, *others)
    trial = Rules(
        channel=rules.channel, at_most=rules.at_most, at_most_a_channel=rules.at_most_a_channel, limits=limits
    )
    free = [_worthless(buckets[place]) for place in range(len(buckets))]
    prices = find_prices(free, trial, largest=1.0)
    _, used = repaired(free, prices.of_limits, trial)
    return bool(used[0] <= target.most + TOLERANCE)


def _worthless(bucket: Bucket) -> Bucket:
    return Bucket(option=bucket.option, value=np.zeros_like(bucket.value))
