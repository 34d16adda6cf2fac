"""The simulated company: from a seed to clean core tables and the truth behind them.

Belongs here: the order of the stages and the shape of the tables. Does not: behaviour (the stages), files (`files.py`).
"""

import re
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from simulation.assortment import Assortment, build_assortment
from simulation.baskets import draw_channels, draw_lines
from simulation.calendar import Calendar
from simulation.departments import DEPARTMENTS
from simulation.errors import SimulationSettingError
from simulation.order_times import draw_joining_seconds, draw_order_times
from simulation.people import People, draw_people
from simulation.profiles import describe_customers
from simulation.randomness import Ints, stream
from simulation.returns import draw_returns
from simulation.tables import order_table, product_table, purchase_and_return_lines, stamped
from simulation.truth import tell_truth

_FEWEST_DAYS = 30
_FEWEST_PRODUCTS = 2 * len(DEPARTMENTS)
_CURRENCIES_WITHOUT_CENTS = frozenset({
    "BHD", "BIF", "CLF", "CLP", "DJF", "GNF", "IQD", "ISK", "JOD", "JPY", "KMF", "KRW", "KWD", "LYD", "OMR", "PYG",
    "RWF", "TND", "UGX", "UYI", "UYW", "VND", "VUV", "XAF", "XOF", "XPF",
})  # fmt: skip


@dataclass(frozen=True)
class SimulatedCompany:
    """A company without dirt, as its core tables would be, and the truth about its customers.

    Attributes:
        customers: core `customers`, sorted by customer_id.
        products: core `products`, sorted by product_id.
        orders: core order lines, sorted by ordered_at, order_id, line_number; order ids run in that order.
        truth: one row a customer, see `truth.tell_truth`; the pipeline never reads it.
        start: first date simulated.
        end: first date no longer simulated.
        seed: what everything was drawn from.
        currency: of every amount.
        time_zone: of the company's business dates.
    """

    customers: pl.DataFrame
    products: pl.DataFrame
    orders: pl.DataFrame
    truth: pl.DataFrame
    start: date
    end: date
    seed: int
    currency: str
    time_zone: str


def simulate(
    *,
    customers: int = 5000,
    start: date,
    end: date,
    seed: int,
    products: int = 240,
    currency: str = "EUR",
    time_zone: str = "Europe/Berlin",
) -> SimulatedCompany:
    """Simulate a retailer from `start` to `end` (excluded). The same arguments give the same company.

    Args:
        customers: how many join over the time; a few never buy.
        start: the first date, when the first customers join.
        end: the first date that is not simulated; nothing happens on it or later.
        seed: any integer of at least 0.
        products: how many the shop sells, spread over the departments.
        currency: three letters, one whose minor unit is a hundredth.
        time_zone: an IANA name.

    Returns:
        Clean core tables; `known_at` is when it happened, `load_id` is "simulation".

    Raises:
        SimulationSettingError: when an argument can't mean anything.
    """
    calendar = Calendar(start=start, end=end, time_zone=time_zone)
    _check(calendar=calendar, customers=customers, products=products, currency=currency, seed=seed)
    assortment = build_assortment(stream(seed, "assortment"), products=products, calendar=calendar)
    people = draw_people(seed, customers=customers, calendar=calendar, assortment=assortment)
    joining_second = draw_joining_seconds(stream(seed, "joining"), people)
    created_at = calendar.instants(people.lives.acquired_day, joining_second)
    described = describe_customers(stream(seed, "profiles"), people=people, created_at=created_at, this_year=start.year)
    return SimulatedCompany(
        customers=stamped(described, known_at=pl.col("created_at")).sort("customer_id"),
        products=product_table(assortment, calendar),
        orders=order_table(
            _orders(seed, people, joining_second, assortment, calendar),
            customer_ids=described["customer_id"],
            assortment=assortment,
            currency=currency,
        ),
        truth=tell_truth(people=people, created_at=created_at, calendar=calendar, assortment=assortment),
        start=start,
        end=end,
        seed=seed,
        currency=currency,
        time_zone=time_zone,
    )


def _orders(
    seed: int, people: People, joining_second: Ints, assortment: Assortment, calendar: Calendar
) -> pl.DataFrame:
    """Purchases and returns in the order they happened, as indexes; see `tables.purchase_and_return_lines`."""
    times = draw_order_times(
        stream(seed, "order times"), people=people, joining_second=joining_second, calendar=calendar
    )
    lines = draw_lines(stream(seed, "baskets"), people=people, times=times, assortment=assortment, calendar=calendar)
    returns = draw_returns(
        stream(seed, "returns"), people=people, times=times, lines=lines, assortment=assortment, calendar=calendar
    )
    channel = draw_channels(stream(seed, "channels"), people, times)
    return purchase_and_return_lines(times=times, lines=lines, returns=returns, channel=channel, calendar=calendar)


def _check(*, calendar: Calendar, customers: int, products: int, currency: str, seed: int) -> None:
    """Refuse arguments that can't mean a company."""
    wrong = [
        ("customers", customers, "1 or more", customers < 1),
        ("end", calendar.end, f"{_FEWEST_DAYS} days or more after the start", calendar.day_count < _FEWEST_DAYS),
        ("seed", seed, "0 or more", seed < 0),
        ("products", products, f"{_FEWEST_PRODUCTS} or more", products < _FEWEST_PRODUCTS),
        ("currency", currency, "three capital letters", re.fullmatch("[A-Z]{3}", currency) is None),
        ("currency", currency, "one whose minor unit is a hundredth", currency in _CURRENCIES_WITHOUT_CENTS),
        ("time_zone", calendar.time_zone, "a name of the IANA database", not _is_time_zone(calendar.time_zone)),
    ]
    for setting, got, expected, is_wrong in wrong:
        if is_wrong:
            raise SimulationSettingError(setting=setting, got=got, expected=expected)


def _is_time_zone(name: str) -> bool:
    """Whether the name means a time zone here."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name)
