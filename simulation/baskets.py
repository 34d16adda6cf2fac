"""What is in every order: favourites bought again, new things to taste, complements, units, prices, discounts.

Belongs here: order lines of purchases. Does not: lines that come back (`returns.py`).
"""

from dataclasses import dataclass

import numpy as np

from simulation.assortment import Assortment
from simulation.calendar import Calendar
from simulation.departments import DEPARTMENTS
from simulation.order_times import OrderTimes
from simulation.people import People
from simulation.randomness import Floats, Ints, pick, pick_by_row
from simulation.tastes import FAVOURITE_WEIGHTS, choose_to_taste

COMPLEMENT_PROBABILITY = 0.22
DISCOUNT_PERCENTAGES = (10, 15, 20, 30)
FADING_BASKET_FACTOR = 0.6
_DISCOUNT_FLOOR_IN_SALES = 0.15
_SENSITIVITY_TO_DISCOUNT = (0.55, 1.1)  # on ordinary days, on sale days


@dataclass(frozen=True)
class Lines:
    """Order lines sorted by order and product, shape (lines,).

    Attributes:
        order: order index (into `OrderTimes` for purchases).
        product: product index.
        quantity: whole units; negative for what comes back.
        amount: net, minor units; negative for what comes back.
        discount: minor units, 0 or more.
    """

    order: Ints
    product: Ints
    quantity: Ints
    amount: Ints
    discount: Ints


def draw_lines(
    rng: np.random.Generator, *, people: People, times: OrderTimes, assortment: Assortment, calendar: Calendar
) -> Lines:
    """Fill every order with at least one line; a product appears once in an order."""
    shrink = np.where(times.is_fading, FADING_BASKET_FACTOR, 1.0)
    line_count = 1 + rng.poisson(people.tastes.extra_lines[times.customer] * shrink)
    order = np.repeat(np.arange(times.customer.size, dtype=np.int64), line_count)
    product = _choose(rng, people, times.customer[order], assortment)
    product = _on_shelf(rng, product, people.tastes.price_level[times.customer[order]], times.day[order], assortment)
    order, product = _with_complements(rng, order, product, assortment)
    quantity = 1 + rng.poisson(
        people.tastes.extra_units[times.customer[order]] * units_factors()[assortment.department[product]]
    )
    gross = quantity * assortment.list_price[product]
    probability = discount_probability(
        people.tastes.price_sensitivity[times.customer[order]],
        on_sale=calendar.sale_days()[times.day[order]].astype(np.int64),
    )
    percentage = np.asarray(DISCOUNT_PERCENTAGES)[rng.integers(0, len(DISCOUNT_PERCENTAGES), order.size)]
    percentage = np.where(rng.random(order.size) < probability, percentage, 0)
    discount = (gross * percentage + 50) // 100
    return Lines(order=order, product=product, quantity=quantity, amount=gross - discount, discount=discount)


def draw_channels(rng: np.random.Generator, people: People, times: OrderTimes) -> Ints:
    """The channel of every order, index into `CHANNELS`."""
    cumulative = np.cumsum(people.tastes.channels, axis=1)
    return pick_by_row(rng.random(times.customer.size), cumulative, times.customer)


def units_factors() -> Floats:
    """How many units beyond the first a line carries, by department, relative to the customer's habit."""
    return np.asarray([department.extra_units for department in DEPARTMENTS])


def discount_probability(price_sensitivity: Floats, *, on_sale: Ints) -> Floats:
    """Probability that a line is bought on discount; `on_sale` is 1 in sale weeks, else 0."""
    slope: Floats = np.asarray(_SENSITIVITY_TO_DISCOUNT, dtype=np.float64)[on_sale]
    return np.minimum(price_sensitivity * slope + _DISCOUNT_FLOOR_IN_SALES * on_sale, 0.95)


def _choose(rng: np.random.Generator, people: People, customer: Ints, assortment: Assortment) -> Ints:
    """For each line a favourite (as often as the customer is loyal), else something to taste."""
    favourite = people.tastes.favourites[customer, pick(rng, FAVOURITE_WEIGHTS, customer.size)]
    other = choose_to_taste(
        rng,
        customer=customer,
        departments=people.tastes.departments,
        price_level=people.tastes.price_level,
        assortment=assortment,
    )
    return np.where(rng.random(customer.size) < people.tastes.loyalty[customer], favourite, other)


def _on_shelf(rng: np.random.Generator, product: Ints, price_level: Ints, day: Ints, assortment: Assortment) -> Ints:
    """Products not on the shelf that day are replaced by one of the same department that always is."""
    missing = (day < assortment.sold_from_day[product]) | (day >= assortment.sold_until_day[product])
    replaced = product.copy()
    replaced[missing] = assortment.choose(
        rng.random(int(missing.sum())), assortment.department[product[missing]], price_level[missing], evergreen=True
    )
    return replaced


def _with_complements(
    rng: np.random.Generator, order: Ints, product: Ints, assortment: Assortment
) -> tuple[Ints, Ints]:
    """Add the complement of some products, then keep each product once an order, sorted by order and product."""
    along = rng.random(order.size) < COMPLEMENT_PROBABILITY
    width = assortment.list_price.size
    key = np.concatenate([order, order[along]]) * width
    key = np.unique(key + np.concatenate([product, assortment.complement[product[along]]]))
    return key // width, key % width
