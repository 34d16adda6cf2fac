"""The products of the simulated shop and how likely each is to be chosen.

Belongs here: product names, prices, costs, life on the shelf, popularity, complements. Does not: who buys them.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from simulation.calendar import Calendar
from simulation.departments import DEPARTMENT_CODES, DEPARTMENT_NAMES, DEPARTMENTS
from simulation.randomness import Floats, Ints

PRICE_LEVELS = 3
"""Customers lean to cheap, middling or dear products."""

_EVERGREEN_PER_DEPARTMENT = 2
_SHARE_LAUNCHED = 0.12
_SHARE_WITHDRAWN = 0.06
_NEVER_LEAVES = 1_000_000


@dataclass(frozen=True)
class Assortment:
    """Everything about the products, as arrays by product index; products of a department are neighbours.

    Attributes:
        frame: one row a product, the columns of the core table `products` but for `known_at` and `load_id`.
        department: index into `DEPARTMENTS`.
        list_price: minor units.
        unit_cost: minor units.
        complement: the product bought along with this one.
        sold_from_day: first day on the shelf, counted from the start (0 or less: before it).
        sold_until_day: first day no longer on the shelf.
        choice: cumulative probabilities, shape (PRICE_LEVELS, products): department index + probability within it.
        evergreen_choice: the same among products on the shelf for the whole time.
    """

    frame: pl.DataFrame
    department: Ints
    list_price: Ints
    unit_cost: Ints
    complement: Ints
    sold_from_day: Ints
    sold_until_day: Ints
    choice: Floats
    evergreen_choice: Floats

    def choose(self, uniforms: Floats, department: Ints, level: Ints, *, evergreen: bool = False) -> Ints:
        """A product for each draw, from its department and its buyer's price level; shapes (n,)."""
        table = self.evergreen_choice if evergreen else self.choice
        product = np.empty(uniforms.shape, dtype=np.int64)
        for one_level in range(PRICE_LEVELS):
            rows = level == one_level
            product[rows] = _invert(table[one_level], department[rows], uniforms[rows])
        return product


def build_assortment(rng: np.random.Generator, *, products: int, calendar: Calendar) -> Assortment:
    """Products spread evenly over the departments, with prices, makers, launches, withdrawals and complements."""
    department = np.sort(np.arange(products, dtype=np.int64) % len(DEPARTMENTS))
    within = np.arange(products) - np.searchsorted(department, department)
    price_deviation = rng.normal(0.0, 0.5, products)
    list_price = _charm_prices(_of_department(department, "median_price") * np.exp(price_deviation))
    cost_share = np.clip(_of_department(department, "cost_share") * rng.normal(1.0, 0.08, products), 0.25, 0.85)
    sold_from, sold_until = _shelf_life(rng, within, calendar.day_count)
    evergreen = (sold_from <= 0) & (sold_until >= calendar.day_count)
    popularity = rng.gamma(0.8, 1.0, products) + 0.05
    weights = np.stack([popularity * np.exp(0.8 * lean * price_deviation) for lean in (-1.0, 0.0, 1.0)])
    evergreen_choice = _cumulative(weights * evergreen, department)
    partner = np.asarray([DEPARTMENT_CODES.index(each.partner) for each in DEPARTMENTS], dtype=np.int64)[department]
    complement = _invert(evergreen_choice[PRICE_LEVELS // 2], partner, rng.random(products))
    assortment = Assortment(
        frame=pl.DataFrame(),
        department=department,
        list_price=list_price,
        unit_cost=np.rint(list_price * cost_share).astype(np.int64),
        complement=complement,
        sold_from_day=sold_from,
        sold_until_day=sold_until,
        choice=_cumulative(weights, department),
        evergreen_choice=evergreen_choice,
    )
    return replace(assortment, frame=_describe(rng, assortment, within, calendar))


def _describe(rng: np.random.Generator, assortment: Assortment, within: Ints, calendar: Calendar) -> pl.DataFrame:
    """The product table: numbers, names and makers beside the prices and the shelf life."""
    department = assortment.department
    maker = rng.integers(0, 4, department.size)
    launched = [calendar.start + timedelta(days=int(day)) for day in assortment.sold_from_day]
    return pl.DataFrame(
        {
            "product_id": [f"{DEPARTMENT_CODES[d]}-{n + 1:04d}" for d, n in zip(department, within, strict=True)],
            "name": _names(rng, department, within),
            "category": [DEPARTMENT_NAMES[d] for d in department],
            "brand": [DEPARTMENTS[d].makers[m] for d, m in zip(department, maker, strict=True)],
            "list_price": assortment.list_price,
            "unit_cost": assortment.unit_cost,
            "launched_on": launched,
            "active": assortment.sold_until_day >= calendar.day_count,
        }
    )


def _of_department(department: Ints, attribute: str) -> Floats:
    """One number of the department of each product."""
    return np.asarray([getattr(each, attribute) for each in DEPARTMENTS], dtype=np.float64)[department]


def _charm_prices(prices: Floats) -> Ints:
    """Prices as shops write them: to the next 10 minor units, less one, at least 0.99."""
    return np.maximum(np.ceil(prices / 10.0).astype(np.int64) * 10 - 1, 99)


def _shelf_life(rng: np.random.Generator, within: Ints, day_count: int) -> tuple[Ints, Ints]:
    """First day on the shelf and first day off it; the first products of a department are always there."""
    before = -rng.integers(30, 1500, within.size)
    launch = rng.integers(1, day_count, within.size)
    is_new = (rng.random(within.size) < _SHARE_LAUNCHED) & (within >= _EVERGREEN_PER_DEPARTMENT)
    sold_from = np.where(is_new, launch, before)
    withdrawal = rng.integers(1, day_count, within.size)
    goes = (rng.random(within.size) < _SHARE_WITHDRAWN) & (within >= _EVERGREEN_PER_DEPARTMENT) & ~is_new
    return sold_from, np.where(goes, withdrawal, _NEVER_LEAVES)


def _cumulative(weights: Floats, department: Ints) -> Floats:
    """Per price level, department index + cumulative probability within the department."""
    table = np.empty_like(weights)
    for one in range(len(DEPARTMENTS)):
        columns = department == one
        running = np.cumsum(weights[:, columns], axis=1)
        table[:, columns] = one + running / running[:, -1:]
        # Rounding must not let a draw fall through to the next department: every entry that stands for the whole
        # weight (the last product on offer and those after it that are not) is exactly the next whole number.
        table[:, columns] = np.where(running >= running[:, -1:], one + 1.0, table[:, columns])
    return table


def _invert(cumulative: Floats, department: Ints, uniforms: Floats) -> Ints:
    """The product each draw in [0, 1) falls on, within its department."""
    below_next = np.nextafter(department + 1.0, 0.0)  # a draw just below 1 must not round up into the next one
    position = np.minimum(department + uniforms, below_next)
    return np.asarray(np.searchsorted(cumulative, position, side="right"), dtype=np.int64)


def _names(rng: np.random.Generator, department: Ints, within: Ints) -> list[str]:
    """Names that differ within the shop: variant and noun, and a number once all pairs are used."""
    names = []
    pairs = {one: rng.permutation(len(each.nouns) * len(each.variants)) for one, each in enumerate(DEPARTMENTS)}
    for one, ordinal in zip(department.tolist(), within.tolist(), strict=True):
        again, position = divmod(ordinal, pairs[one].size)
        variant, noun = divmod(int(pairs[one][position]), len(DEPARTMENTS[one].nouns))
        suffix = f" No. {again + 1}" if again else ""
        names.append(f"{DEPARTMENTS[one].variants[variant]} {DEPARTMENTS[one].nouns[noun]}{suffix}")
    return names
