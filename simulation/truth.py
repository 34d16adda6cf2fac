"""The truth about every customer, which the pipeline never reads: tests and reviews hold results against it.

Belongs here: traits in readable units, and what follows from them in expectation. Does not: anything a model may see.
"""

import numpy as np
import polars as pl

from simulation.assortment import Assortment
from simulation.baskets import COMPLEMENT_PROBABILITY, DISCOUNT_PERCENTAGES, discount_probability, units_factors
from simulation.calendar import SEASON_PEAKS, WEEKDAY_FACTORS, Calendar
from simulation.departments import DEPARTMENT_NAMES
from simulation.people import People
from simulation.profiles import customer_ids
from simulation.randomness import Floats
from simulation.tastes import FAVOURITE_WEIGHTS

SEASON_NAMES = ("even", "typical", "gift buyer")
PRICE_LEVEL_NAMES = ("cheap", "middling", "dear")
_CHUNK = 10_000
DIES_AT_SECOND = 5 * 3600
"""Local second of the day at which a customer dies: before the shop opens."""


def taste_column(department_name: str) -> str:
    """The truth's column that holds the taste for a department, e.g. `taste_wine_cordials`."""
    return "taste_" + department_name.lower().replace(" & ", "_").replace(" ", "_")


def tell_truth(*, people: People, created_at: pl.Series, calendar: Calendar, assortment: Assortment) -> pl.DataFrame:
    """One row a customer.

    Returns:
        `customer_id`, `acquired_at`, `died_at` (UTC; null when alive at the end), `alive_at_end`, `fades_from` (Date;
        null when buying never slows down before the end), `death_hazard_per_year`, `buying_rate_per_year`,
        `gap_shape`, `mean_order_value` (expected net value of an order, minor units, Int64), `price_sensitivity`,
        `loyalty_share`, `return_probability`, `season`, `price_level`, `expected_orders_next_90_days` and
        `expected_orders_next_365_days` (after the end, fading not counted; 0 for the dead),
        `expected_value_next_365_days` (Int64, minor units, before returns: those orders at their mean value; of who
        fades already, what they still order until they are lost), and `taste_<department>` (sum to 1).
    """
    limit = calendar.day_count
    expected_90, expected_365 = _expected_orders(people, calendar)
    tastes = {taste_column(name): people.tastes.departments[:, one] for one, name in enumerate(DEPARTMENT_NAMES)}
    died_at = calendar.instants(np.minimum(people.lives.died_day, limit), np.full(people.count, DIES_AT_SECOND))
    fades = (people.lives.fades_from_day < people.lives.died_day) & (people.lives.fades_from_day < limit)
    alive = pl.Series(people.lives.died_day >= limit)
    order_value = _mean_order_values(people, calendar, assortment)
    orders_to_come = np.where(fades & alive.to_numpy(), _orders_while_fading(people, calendar), expected_365)
    fades_from = pl.select(pl.lit(calendar.start) + pl.duration(days=pl.lit(pl.Series(people.lives.fades_from_day))))
    return pl.DataFrame(
        {
            "customer_id": customer_ids(people.count),
            "acquired_at": created_at,
            "died_at": died_at.set(alive, None),
            "alive_at_end": alive,
            "fades_from": fades_from.to_series().set(pl.Series(~fades), None),
            "death_hazard_per_year": people.lives.death_hazard_per_year,
            "buying_rate_per_year": people.rhythms.orders_per_year,
            "gap_shape": people.rhythms.gap_shape,
            "mean_order_value": np.rint(order_value).astype(np.int64),
            "price_sensitivity": people.tastes.price_sensitivity,
            "loyalty_share": people.tastes.loyalty,
            "return_probability": people.tastes.return_probability,
            "season": [SEASON_NAMES[season] for season in people.rhythms.season],
            "price_level": [PRICE_LEVEL_NAMES[level] for level in people.tastes.price_level],
            "expected_orders_next_90_days": expected_90,
            "expected_orders_next_365_days": expected_365,
            "expected_value_next_365_days": np.rint(order_value * orders_to_come).astype(np.int64),
            **tastes,
        }
    )


def _expected_orders(people: People, calendar: Calendar) -> tuple[Floats, Floats]:
    """Expected orders in the 90 and 365 days after the end: season, rate, and being alive that day."""
    habits = [(season, weekday) for season in range(len(SEASON_PEAKS)) for weekday in range(len(WEEKDAY_FACTORS))]
    demand = np.stack([np.diff(calendar.cumulative_demand(*habit))[calendar.day_count :] for habit in habits])
    habit = people.rhythms.season * len(WEEKDAY_FACTORS) + people.rhythms.weekday
    still_alive = (people.lives.died_day >= calendar.day_count).astype(np.float64)
    daily_survival = np.exp(-people.lives.death_hazard_per_year / 365.25)
    total = np.zeros(people.count)
    after: dict[int, Floats] = {}
    for day in range(365):
        total = total + demand[habit, day] * still_alive
        still_alive = still_alive * daily_survival
        after[day + 1] = total
    return after[90] * people.rhythms.orders_per_year, after[365] * people.rhythms.orders_per_year


def _orders_while_fading(people: People, calendar: Calendar) -> Floats:
    """Expected orders in the 365 days after the end of customers who fade: until their death, at their slower pace."""
    first = calendar.day_count
    until = np.clip(people.lives.died_day, first, first + 365)
    demand = np.stack(
        [
            [calendar.cumulative_demand(season, weekday) for weekday in range(len(WEEKDAY_FACTORS))]
            for season in range(len(SEASON_PEAKS))
        ]
    )
    habit = (people.rhythms.season, people.rhythms.weekday)
    to_come = demand[(*habit, until)] - demand[(*habit, np.full(people.count, first))]
    return np.asarray(to_come * people.rhythms.orders_per_year * people.lives.fade_factor)


def _mean_order_values(people: People, calendar: Calendar, assortment: Assortment) -> Floats:
    """Expected net value of an order outside fading, minor units; products not always on the shelf count as if.

    A basket has 1 + Poisson(m) lines, each bringing product p with probability r_p, and each product counts once:
    p is in it with probability 1 - (1 - r_p) exp(-m r_p).
    """
    values = [
        _undiscounted_values(people, assortment, slice(first, first + _CHUNK))
        for first in range(0, people.count, _CHUNK)
    ]
    sale_days = calendar.sale_days()[: calendar.day_count]
    demand = np.diff(np.stack([calendar.cumulative_demand(season, 0) for season in range(len(SEASON_PEAKS))]))
    demand = demand[:, : calendar.day_count]
    in_sales = (demand[:, sale_days].sum(axis=1) / demand.sum(axis=1))[people.rhythms.season]
    ordinary, sale = (
        discount_probability(people.tastes.price_sensitivity, on_sale=np.full(people.count, flag)) for flag in (0, 1)
    )
    discounted = ordinary * (1.0 - in_sales) + sale * in_sales
    at_list_prices: Floats = np.concatenate(values)
    return np.asarray(at_list_prices * (1.0 - discounted * float(np.mean(DISCOUNT_PERCENTAGES)) / 100.0))


def _undiscounted_values(people: People, assortment: Assortment, rows: slice) -> Floats:
    """Expected order value at list prices of a chunk of customers, shape (customers in the chunk,)."""
    brings = _product_probabilities(people, assortment, rows)
    np.add.at(brings.T, assortment.complement, COMPLEMENT_PROBABILITY * brings.T.copy())
    extra_lines = people.tastes.extra_lines[rows, None]
    in_basket = 1.0 - (1.0 - brings) * np.exp(-extra_lines * brings)
    price = assortment.list_price.astype(np.float64)
    units_factor = units_factors()[assortment.department]
    return np.asarray(in_basket @ price + people.tastes.extra_units[rows] * (in_basket @ (price * units_factor)))


def _product_probabilities(people: People, assortment: Assortment, rows: slice) -> Floats:
    """Probability that one line (complements aside) is each product, shape (customers in the chunk, products)."""
    within = np.diff(assortment.choice - assortment.department, prepend=0.0)
    within = np.where(within < 0.0, (assortment.choice - assortment.department), within)
    loyalty = people.tastes.loyalty[rows, None]
    to_taste = people.tastes.departments[rows][:, assortment.department] * within[people.tastes.price_level[rows]]
    probability = (1.0 - loyalty) * to_taste
    weights = np.asarray(FAVOURITE_WEIGHTS) / np.sum(FAVOURITE_WEIGHTS)
    customer = np.arange(probability.shape[0])
    for rank, weight in enumerate(weights):
        np.add.at(probability, (customer, people.tastes.favourites[rows][:, rank]), loyalty[:, 0] * weight)
    return probability
