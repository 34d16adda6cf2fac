"""When customers join, when they are lost, and whether their buying fades before.

Belongs here: arrival, death and its causes. Does not: how often they buy in between (`rhythms.py`).
"""

from dataclasses import dataclass

import numpy as np

from simulation.calendar import Calendar
from simulation.randomness import Flags, Floats, Ints

_DEATHS_PER_YEAR = 0.5
_DEATH_BY_ACQUISITION = np.asarray((1.0, 1.6, 0.65, 0.9, 0.75))  # in the order of `people.ACQUISITION_CHANNELS`
_DEATH_OF_TRADERS = 0.6
_SHARE_FADING = 0.55


@dataclass(frozen=True)
class Lives:
    """Arrays by customer index; days are counted from the start.

    Attributes:
        acquired_day: day the customer joined; never falls with the index.
        died_day: first day on which the customer is lost; may lie beyond the end.
        fades_from_day: day from which buying slows down before death; `died_day` when it never does.
        fade_factor: share of orders still placed while fading.
        death_hazard_per_year: rate of dying after the first impression.
    """

    acquired_day: Ints
    died_day: Ints
    fades_from_day: Ints
    fade_factor: Floats
    death_hazard_per_year: Floats


def draw_lives(
    rng: np.random.Generator, *, is_trader: Flags, came_from: Ints, price_sensitivity: Floats, calendar: Calendar
) -> Lives:
    """Arrivals over the whole time, more at the beginning; exponential lives with causes; some lost at once."""
    count = is_trader.size
    acquired = np.sort(np.floor(rng.beta(0.75, 1.5, count) * calendar.day_count).astype(np.int64))
    acquired = np.minimum(acquired, calendar.day_count - 1)
    hazard = _hazards(rng, is_trader=is_trader, came_from=came_from, price_sensitivity=price_sensitivity)
    died = acquired + 1 + _lifetimes(rng, hazard)
    fades = rng.random(count) < _SHARE_FADING
    return Lives(
        acquired_day=acquired,
        died_day=died,
        fades_from_day=np.where(fades, np.maximum(died - rng.integers(40, 150, count), acquired + 1), died),
        fade_factor=rng.uniform(0.2, 0.5, count),
        death_hazard_per_year=hazard,
    )


def _hazards(rng: np.random.Generator, *, is_trader: Flags, came_from: Ints, price_sensitivity: Floats) -> Floats:
    """Rates of dying per year: heterogeneous, higher for bargain hunters and by where the customer came from."""
    frailty = rng.gamma(1.4, 1.0 / 1.4, is_trader.size)
    causes = np.exp(1.4 * (price_sensitivity - 0.33)) * _DEATH_BY_ACQUISITION[came_from]
    causes = causes * np.where(is_trader, _DEATH_OF_TRADERS, 1.0)
    return np.asarray(_DEATHS_PER_YEAR * frailty * causes + 0.03, dtype=np.float64)


def _lifetimes(rng: np.random.Generator, hazard: Floats) -> Ints:
    """Whole days from joining to loss; some are lost after the first order."""
    lasting = rng.exponential(1.0, hazard.size) / hazard * 365.25
    short = rng.uniform(5.0, 30.0, hazard.size)
    lost_at_once = rng.random(hazard.size) < 0.04 + 0.06 * np.minimum(hazard, 2.0)
    return np.floor(np.where(lost_at_once, np.minimum(short, lasting), lasting)).astype(np.int64)
