"""The hidden nature of every simulated customer.

Belongs here: putting a customer together. Does not: the traits themselves (`lives.py`, `rhythms.py`, `tastes.py`), nor
what a company can see of a person (`profiles.py`).
"""

from dataclasses import dataclass

import numpy as np

from simulation.assortment import Assortment
from simulation.calendar import Calendar
from simulation.lives import Lives, draw_lives
from simulation.randomness import Flags, Ints, pick, stream
from simulation.rhythms import Rhythms, draw_rhythms
from simulation.tastes import Tastes, draw_tastes

ACQUISITION_CHANNELS = ("search", "social media", "recommendation", "shop", "trade fair")

_SHARE_TRADERS = 0.08
_CONSUMERS_CAME_FROM = (0.33, 0.27, 0.2, 0.18, 0.02)
_TRADERS_CAME_FROM = (0.25, 0.03, 0.27, 0.05, 0.4)


@dataclass(frozen=True)
class People:
    """All customers; every array is by customer index.

    Attributes:
        is_trader: buys for a business.
        came_from: index into `ACQUISITION_CHANNELS`.
        lives: when they join and are lost.
        rhythms: when they buy.
        tastes: what they buy.
    """

    is_trader: Flags
    came_from: Ints
    lives: Lives
    rhythms: Rhythms
    tastes: Tastes

    @property
    def count(self) -> int:
        """How many customers there are."""
        return self.is_trader.size


def draw_people(seed: int, *, customers: int, calendar: Calendar, assortment: Assortment) -> People:
    """Draw every customer's nature, each group of traits from a stream of its own."""
    rng = stream(seed, "people")
    is_trader = rng.random(customers) < _SHARE_TRADERS
    came_from = np.where(
        is_trader, pick(rng, _TRADERS_CAME_FROM, customers), pick(rng, _CONSUMERS_CAME_FROM, customers)
    )
    tastes = draw_tastes(stream(seed, "tastes"), is_trader=is_trader, assortment=assortment)
    return People(
        is_trader=is_trader,
        came_from=came_from,
        lives=draw_lives(
            stream(seed, "lives"),
            is_trader=is_trader,
            came_from=came_from,
            price_sensitivity=tastes.price_sensitivity,
            calendar=calendar,
        ),
        rhythms=draw_rhythms(stream(seed, "rhythms"), is_trader=is_trader),
        tastes=tastes,
    )
