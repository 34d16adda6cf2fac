"""When every customer orders: renewal processes in season-weighted time, between joining and loss.

Belongs here: order days and times of day. Does not: what is in an order (`baskets.py`).
"""

from dataclasses import dataclass

import numpy as np

from simulation.calendar import SEASON_PEAKS, WEEKDAY_FACTORS, Calendar
from simulation.people import People
from simulation.randomness import Flags, Floats, Ints

OPENS_AT = 6 * 3600
CLOSES_AT = 24 * 3600 - 1


@dataclass(frozen=True)
class OrderTimes:
    """Orders in no particular order, shape (orders,).

    Attributes:
        customer: customer index.
        day: counted from the start.
        second: second of the local day.
        is_fading: placed while the customer's buying slows down before death.
    """

    customer: Ints
    day: Ints
    second: Ints
    is_fading: Flags


def draw_joining_seconds(rng: np.random.Generator, people: People) -> Ints:
    """Second of the local day at which each customer joins, shape (customers,)."""
    seconds = (people.rhythms.hour + rng.normal(0.0, 2.0, people.count)) * 3600.0
    return np.clip(seconds, OPENS_AT, CLOSES_AT - 3600).astype(np.int64)


def draw_order_times(
    rng: np.random.Generator, *, people: People, joining_second: Ints, calendar: Calendar
) -> OrderTimes:
    """First orders on joining (for most), then gamma gaps until death or the end; slowed down while fading."""
    first = np.flatnonzero(people.rhythms.orders_at_once)
    customer, day = _renewals(rng, people, calendar)
    is_fading = day >= people.lives.fades_from_day[customer]
    kept = ~is_fading | (rng.random(customer.size) < people.lives.fade_factor[customer])
    customer, day, is_fading = customer[kept], day[kept], is_fading[kept]
    hour = people.rhythms.hour[customer] + rng.normal(0.0, 2.0, customer.size)
    second = np.clip(hour * 3600.0, OPENS_AT, CLOSES_AT).astype(np.int64)
    first_second = joining_second[first] + rng.integers(60, 3000, first.size)
    return OrderTimes(
        customer=np.concatenate([first, customer]),
        day=np.concatenate([people.lives.acquired_day[first], day]),
        second=np.concatenate([first_second, second]),
        is_fading=np.concatenate([np.zeros(first.size, dtype=np.bool_), is_fading]),
    )


def _renewals(rng: np.random.Generator, people: People, calendar: Calendar) -> tuple[Ints, Ints]:
    """Customer and day of every order after the joining day. One round an order, over all customers still active."""
    customers, days = [], []
    for season in range(len(SEASON_PEAKS)):
        for weekday in range(len(WEEKDAY_FACTORS)):
            demand = calendar.cumulative_demand(season, weekday)
            active = np.flatnonzero((people.rhythms.season == season) & (people.rhythms.weekday == weekday))
            limit = np.minimum(people.lives.died_day, calendar.day_count)
            spent = demand[people.lives.acquired_day[active] + 1]
            while active.size:
                spent = spent + _gaps(rng, people, active)
                day = np.searchsorted(demand, spent, side="right") - 1
                alive = day < limit[active]
                active, spent = active[alive], spent[alive]
                customers.append(active)
                days.append(day[alive])
    empty = np.empty(0, dtype=np.int64)
    return np.concatenate([empty, *customers]), np.concatenate([empty, *days])


def _gaps(rng: np.random.Generator, people: People, active: Ints) -> Floats:
    """Gaps to the next order, in years of even buying."""
    shape = people.rhythms.gap_shape[active]
    return np.asarray(rng.standard_gamma(shape) / shape / people.rhythms.orders_per_year[active], dtype=np.float64)
