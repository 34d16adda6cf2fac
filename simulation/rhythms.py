"""How often customers buy, how regularly, in which season, on which days and at what hour.

Belongs here: traits of time. Does not: the order times that follow from them (`order_times.py`).
"""

from dataclasses import dataclass

import numpy as np

from simulation.randomness import Flags, Floats, Ints, pick

_SHARE_ORDERING_AT_ONCE = 0.92
_SEASON_SHARES = (0.35, 0.5, 0.15)
_CONSUMER_WEEKDAY_SHARES = (0.4, 0.6)


@dataclass(frozen=True)
class Rhythms:
    """Arrays by customer index.

    Attributes:
        orders_at_once: places the first order on joining.
        orders_per_year: buying rate while alive and not fading.
        gap_shape: shape of the gamma distribution of gaps; 1 is random, more is regular.
        season: index into `calendar.SEASON_PEAKS`.
        weekday: index into `calendar.WEEKDAY_FACTORS`.
        hour: usual hour of buying, local.
    """

    orders_at_once: Flags
    orders_per_year: Floats
    gap_shape: Floats
    season: Ints
    weekday: Ints
    hour: Floats


def draw_rhythms(rng: np.random.Generator, *, is_trader: Flags) -> Rhythms:
    """Gamma-distributed rates; traders buy more often, on working days, in office hours."""
    count = is_trader.size
    return Rhythms(
        orders_at_once=rng.random(count) < _SHARE_ORDERING_AT_ONCE,
        orders_per_year=rng.gamma(1.0, 9.0, count) * np.where(is_trader, 1.4, 1.0) + 0.8,
        gap_shape=1.5 + rng.gamma(1.5, 2.5, count),
        season=pick(rng, _SEASON_SHARES, count),
        weekday=np.where(is_trader, 0, pick(rng, _CONSUMER_WEEKDAY_SHARES, count)),
        hour=np.where(is_trader, rng.normal(11.0, 1.5, count), rng.normal(18.0, 3.0, count)),
    )
