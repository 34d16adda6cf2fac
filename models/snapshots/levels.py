"""How high each training window was as a whole, and how far the season explains it.

A dozen overlapping windows can't teach a tree what October is like; left alone, it learns the calendar by heart and
calls it the customers. So every training window is allowed a level of its own (an intercept), models learn who buys
more than whom, and the level of the coming window is forecast: from the latest windows, and from how the season moves.

Belongs here: levels of windows as log-odds, and the season's weight. Does not: the season itself (`season`), models.

The season's weight: with purchases at an expected number L, P(any) = 1 - exp(-L) and
d log-odds / d ln L = L / (1 - exp(-L)): 1.0 for the rarest buyers, 1.4 at P = .5, 2.6 at P = .9; and the season's index
is dampened, because frequent buyers, who swing less, make most of the purchases in it. So the weight is read from the
levels of the past windows, with a pull towards 1.5.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.judging.calibration import sigmoid
from models.learners.encoding import Floats
from models.snapshots.season import Season

USUAL_WEIGHT = 1.5
LARGEST_WEIGHT = 3.0
BELIEF = 0.75  # standard deviation of companies' weights around the usual one
UNEXPLAINED = 0.15  # standard deviation of a window's level around what the season says
DAYS_BETWEEN = 30  # windows that overlap count less: as many as would fit side by side
SEASON_DAYS = 400  # windows that began longer ago are of another time
FARTHEST = 12.0


def window_offsets(days: pl.Series, happened: Floats) -> Floats:
    """Log-odds of each row's own window: of the share of its customers to whom it happened, shape (rows,)."""
    shares = pl.DataFrame({"day": days, "happened": happened}).group_by("day").agg(pl.col("happened").sum(), n=pl.len())
    odds = {day: float(np.log((hits + 1) / (n - hits + 1))) for day, hits, n in shares.iter_rows()}
    return days.replace_strict(odds, return_dtype=pl.Float64).to_numpy()


def window_levels(days: pl.Series, scores: Floats, happened: Floats) -> dict[date, float]:
    """By window, what has to be added to the log-odds so that as many are expected as there were."""
    levels = {}
    for day in days.unique().sort().to_list():
        here = (days == day).to_numpy()
        levels[day] = intercept(scores[here], happened[here])
    return levels


def intercept(scores: Floats, happened: Floats) -> float:
    """The number that makes the mean of sigmoid(scores + it) the mean of what happened (halving)."""
    wanted = (happened.sum() + 0.5) / (len(happened) + 1)
    low, high = -FARTHEST, FARTHEST
    while high - low > 1e-6:  # noqa: PLR2004 - log-odds nobody could tell apart
        middle = (low + high) / 2
        low, high = (middle, high) if sigmoid(scores + middle).mean() < wanted else (low, middle)
    return float(f"{(low + high) / 2:.6g}")


def season_weight(levels: Mapping[date, float], season: Season, *, horizon_days: int) -> float:
    """Log-odds per ln(season index): the slope of the levels of the last year's windows, pulled towards 1.5.

    Args:
        levels: see `window_levels`; of windows that had ended when the season was read.
        season: as known on the day that is asked about.
        horizon_days: length of the windows.

    Returns:
        0 (the season misleads, or is unknown) to 3.
    """
    if not season.is_known:
        return 0.0
    recent = [day for day in levels if day >= season.known_at - timedelta(days=SEASON_DAYS)]
    if not recent:
        return USUAL_WEIGHT
    index = np.array([season.log_index(day, horizon_days=horizon_days) for day in recent])
    level = np.array([levels[day] for day in recent])
    index, level = index - index.mean(), level - level.mean()
    side_by_side = min(1.0, DAYS_BETWEEN / horizon_days)
    evidence = side_by_side / UNEXPLAINED**2
    slope = (evidence * float(index @ level) + USUAL_WEIGHT / BELIEF**2) / (
        evidence * float(index @ index) + 1 / BELIEF**2
    )
    return float(f"{min(max(slope, 0.0), LARGEST_WEIGHT):.6g}")
