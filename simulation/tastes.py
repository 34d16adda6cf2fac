"""What customers like and how they buy it: departments, favourites, price level, basket size, channels.

Belongs here: traits of choice, and choosing to taste. Does not: the baskets that follow from them (`baskets.py`).
"""

from dataclasses import dataclass

import numpy as np

from simulation.assortment import Assortment
from simulation.departments import DEPARTMENTS
from simulation.randomness import Flags, Floats, Ints, lognormal_with_mean, pick, pick_by_row

CHANNELS = ("web", "app", "shop", "phone")
FAVOURITES = 6
FAVOURITE_WEIGHTS = tuple(0.75**rank for rank in range(FAVOURITES))

_TASTE_CONCENTRATION = 4.0  # low: a few departments make most of what a customer buys
_PRICE_LEVEL_SHARES = (0.3, 0.45, 0.25)
_CHANNEL_PREFERENCES = (1.2, 0.7, 0.4, 0.06)
_TRADER_CHANNEL_PREFERENCES = (0.6, 0.12, 0.25, 0.85)


@dataclass(frozen=True)
class Tastes:
    """Arrays by customer index, shape (customers,) unless stated.

    Attributes:
        price_sensitivity: 0 to 1; drives the share bought on discount.
        price_level: 0 cheap, 1 middling, 2 dear.
        extra_lines: expected lines of a basket beyond the first.
        extra_units: expected units of a line beyond the first.
        loyalty: share of lines that are a favourite bought again.
        return_probability: of a line of average department.
        departments: shape (customers, departments); rows sum to 1.
        favourites: product index, shape (customers, FAVOURITES), best liked first; repeats are liked the more.
        channels: shape (customers, channels); rows sum to 1.
    """

    price_sensitivity: Floats
    price_level: Ints
    extra_lines: Floats
    extra_units: Floats
    loyalty: Floats
    return_probability: Floats
    departments: Floats
    favourites: Ints
    channels: Floats


def draw_tastes(rng: np.random.Generator, *, is_trader: Flags, assortment: Assortment) -> Tastes:
    """Dirichlet tastes; traders buy more units, are less price-sensitive and order by phone."""
    count = is_trader.size
    demand = np.asarray([department.share_of_demand for department in DEPARTMENTS])
    departments = _dirichlet(rng, np.broadcast_to(_TASTE_CONCENTRATION * demand / demand.sum(), (count, demand.size)))
    price_level = pick(rng, _PRICE_LEVEL_SHARES, count)
    favourites = choose_to_taste(
        rng,
        customer=np.repeat(np.arange(count, dtype=np.int64), FAVOURITES),
        departments=departments,
        price_level=price_level,
        assortment=assortment,
    )
    return Tastes(
        price_sensitivity=np.where(is_trader, rng.beta(2.0, 5.0, count), rng.beta(1.6, 3.2, count)),
        price_level=price_level,
        extra_lines=lognormal_with_mean(rng, 1.25, 0.7, count),
        extra_units=lognormal_with_mean(rng, 0.35, 0.6, count) * np.where(is_trader, 6.0, 1.0),
        loyalty=rng.beta(5.0, 4.0, count),
        return_probability=rng.beta(1.2, 22.0, count),
        departments=departments,
        favourites=favourites.reshape(count, FAVOURITES),
        channels=_dirichlet(rng, np.where(is_trader[:, None], _TRADER_CHANNEL_PREFERENCES, _CHANNEL_PREFERENCES)),
    )


def choose_to_taste(
    rng: np.random.Generator, *, customer: Ints, departments: Floats, price_level: Ints, assortment: Assortment
) -> Ints:
    """A product for each customer index given: a department to taste, then a product to the purse.

    Args:
        rng: what to draw from.
        customer: customer index of each draw, repeats allowed, shape (n,).
        departments: tastes by customer, shape (customers, departments).
        price_level: by customer, shape (customers,).
        assortment: what there is.
    """
    department = pick_by_row(rng.random(customer.size), np.cumsum(departments, axis=1), customer)
    return assortment.choose(rng.random(customer.size), department, price_level[customer])


def _dirichlet(rng: np.random.Generator, concentration: Floats) -> Floats:
    """One Dirichlet draw a row, as normalised gamma draws."""
    draws = rng.standard_gamma(concentration) + 1e-9
    return np.asarray(draws / draws.sum(axis=1, keepdims=True), dtype=np.float64)
