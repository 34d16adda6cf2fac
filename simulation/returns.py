"""What customers send back: some lines of some orders return later, as an order of their own.

Belongs here: which lines come back, when and how much of them. Does not: purchases (`baskets.py`).
"""

from dataclasses import dataclass

import numpy as np

from simulation.assortment import Assortment
from simulation.baskets import Lines
from simulation.calendar import Calendar
from simulation.departments import DEPARTMENTS
from simulation.order_times import OrderTimes
from simulation.people import People
from simulation.randomness import Ints

_FADING_FACTOR = 2.0
_PARTIAL_SHARE = 0.3


@dataclass(frozen=True)
class Returns:
    """Lines that come back; those of one purchase come back together.

    Attributes:
        lines: with negative quantity and amount; `lines.order` is the index of the purchase they belonged to.
        day: of the return, shape (lines,), the same for all lines of a purchase.
        second: of the local day, likewise.
    """

    lines: Lines
    day: Ints
    second: Ints


def draw_returns(
    rng: np.random.Generator,
    *,
    people: People,
    times: OrderTimes,
    lines: Lines,
    assortment: Assortment,
    calendar: Calendar,
) -> Returns:
    """Returns 3 to 35 days after the purchase, in opening hours, never after death or the end."""
    customer = times.customer[lines.order]
    factor = np.asarray([department.return_factor for department in DEPARTMENTS])[assortment.department[lines.product]]
    probability = (
        people.tastes.return_probability[customer]
        * factor
        * np.where(times.is_fading[lines.order], _FADING_FACTOR, 1.0)
    )
    day = (times.day + rng.integers(3, 36, times.day.size))[lines.order]
    second = rng.integers(9 * 3600, 19 * 3600, times.day.size)[lines.order]
    limit = np.minimum(people.lives.died_day[customer], calendar.day_count)
    back = np.flatnonzero((rng.random(customer.size) < np.minimum(probability, 0.9)) & (day < limit))
    bought = lines.quantity[back]
    part = 1 + np.floor(rng.random(back.size) * bought).astype(np.int64)
    quantity = np.where(rng.random(back.size) < _PARTIAL_SHARE, part, bought)
    returned = Lines(
        order=lines.order[back],
        product=lines.product[back],
        quantity=-quantity,
        amount=-(lines.amount[back] * quantity // bought),
        discount=np.zeros(back.size, dtype=np.int64),
    )
    return Returns(lines=returned, day=day[back], second=second[back])
