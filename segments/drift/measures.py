"""How far a distribution, a share or a level is from what it has been, and how far it may be by chance and by habit.

Belongs here: numbers in, numbers out. Does not: counting, statuses, words (`findings.py`).

The population stability index misleads with few rows: without any change it is about (bins - 1) (1/n + 1/m), and that
times a chi-square over its degrees of freedom (Yurdakul and Naranjo, "Statistical properties of the population
stability index", Journal of Risk Model Validation 14, 2020). So its *excess* over that is told, and chance is allowed
for as many columns as are looked at (Bonferroni).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist, median
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
FEWEST_ROWS: Final = 100  # of a distribution, below which nothing is said of it
LEAST_DISTANCE: Final = 0.2  # excess index; a quarter is what practice calls a major shift
MOST_HABIT: Final = 4.0  # nearly nobody where anybody was: whatever moved in the past, this far is always too far
USUALLY: Final = 0.9  # of the past's dates: its first ones, when everything is new, are not what is usual
HABIT: Final = 1.5  # as far as it went in the past, and half as far again, is nothing new
STRETCH: Final = 4.0  # by how much habit is extended to spans longer than the past can show
SEVERE: Final = 2.5  # thresholds away: no need to wait whether it stays
CHANCE: Final = 1e-3  # of a false finding, all columns of a night together
LEAST_RISE: Final = 0.05  # of a share
SEVERE_RISE: Final = 0.25
LEAST_LEVEL: Final = math.log(1.1)
FEWEST_EARLIER: Final = 4  # windows, below which nothing is known of habits


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One measure of a night.

    Attributes:
        value: what it is.
        reference: what it was; None where the value is itself a difference.
        threshold: from where on it counts; None where something else decides.
        exceeds: whether it counts.
        severe: whether it is so far that it need not last to be an alarm.
    """

    value: float
    reference: float | None
    threshold: float | None
    exceeds: bool
    severe: bool


def distance(
    tonight: Sequence[int], earlier: Sequence[tuple[date, Sequence[int]]], *, day: date, columns: int
) -> Measured | None:
    """How far a distribution is from the nearest it has been: from any earlier date, or from all of them together.

    What it was a year ago is among them, so that a season that comes back is no drift. Habit is what the same measure
    would have said of the earlier dates, each held against those as long before it as tonight is after the last.

    Args:
        tonight: rows by bin.
        earlier: (date, rows by bin), ascending.
        day: of tonight.
        columns: how many columns are looked at tonight.

    Returns:
        The excess index; None where either side has too few rows.
    """
    known = [(when, counts) for when, counts in earlier if sum(counts) >= FEWEST_ROWS]
    if sum(tonight) < FEWEST_ROWS or not known:
        return None
    now, past = np.asarray([tonight], dtype=np.float64), np.asarray([counts for _, counts in known], dtype=np.float64)
    places = np.asarray([when.toordinal() for when, _ in known])
    among = np.vstack([past, past.sum(axis=0)])
    excess = excess_index(now, among)[0]
    nearest = int(np.argmin(excess))
    value = max(float(excess[nearest]), 0.0)
    gap = max(day.toordinal() - int(places[-1]), 1)
    allowed = max(LEAST_DISTANCE, min(HABIT * _habit(past, places, gap), MOST_HABIT))
    threshold = max(allowed, _chance(now[0], among[nearest], columns))
    return Measured(
        value=value,
        reference=None,
        threshold=threshold,
        exceeds=value > threshold,
        severe=value > SEVERE * threshold,
    )


def excess_index(one: Floats, other: Floats) -> Floats:
    """Population stability index of every row of `one` against every row of `other`, less what chance makes of it.

    Args:
        one: rows by bin, shape (k, bins).
        other: rows by bin, shape (l, bins).

    Returns:
        Shape (k, l). Half a row is added to each bin, so that an empty one does not make the index infinite.
    """
    ours, theirs = one[:, None, :], other[None, :, :]
    used = ((ours + theirs) > 0).astype(np.float64)
    n, m = ours.sum(axis=2), theirs.sum(axis=2)
    bins = used.sum(axis=2)
    p = (ours + 0.5 * used) / (n + 0.5 * bins)[:, :, None]
    q = (theirs + 0.5 * used) / (m + 0.5 * bins)[:, :, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(used > 0, (p - q) * np.log(np.where(used > 0, p / q, 1.0)), 0.0)
    return np.asarray(parts.sum(axis=2) - np.maximum(bins - 1, 0) * (1 / np.maximum(n, 1) + 1 / np.maximum(m, 1)))


def rise(hits: int, of: int, earlier: Sequence[tuple[int, int]], *, columns: int = 1) -> Measured | None:
    """A share held against the highest it has been.

    Args:
        hits: rows that are counted.
        of: all rows.
        earlier: the same of earlier times.
        columns: how many shares are looked at tonight.
    """
    known = [one / all_ for one, all_ in earlier if all_ >= FEWEST_ROWS]
    if of < FEWEST_ROWS or not known:
        return None
    share, most = hits / of, max(known)
    chance = _z(columns) * math.sqrt(max(most * (1 - most), 1 / of) / of)
    threshold = min(most + max(LEAST_RISE, chance), 1.0)
    return Measured(
        value=share,
        reference=median(known),
        threshold=threshold,
        exceeds=share > threshold,
        severe=share - most > max(SEVERE_RISE, 2 * chance),
    )


def level(value: float, usual: float, earlier: Sequence[float], *, least: float = LEAST_LEVEL) -> Measured | None:
    """A difference of logarithms, say of prices, held against how large it has been.

    Args:
        value: tonight's logarithm.
        usual: what it would be if nothing had changed.
        earlier: what the same difference was before.
        least: which difference never counts.
    """
    if len(earlier) < FEWEST_EARLIER:
        return None
    threshold = max(least, HABIT * max(abs(one) for one in earlier))
    off = abs(value - usual)
    return Measured(
        value=math.exp(value),
        reference=math.exp(usual),
        threshold=math.exp(math.copysign(threshold, value - usual) + usual),
        exceeds=off > threshold,
        severe=off > SEVERE * threshold,
    )


def volume(rows: int, earlier: Sequence[int]) -> Measured | None:
    """Rows of a window held against the fewest and the most there have been, with half as many again on either side."""
    if len(earlier) < FEWEST_EARLIER or median(earlier) < FEWEST_ROWS:
        return None
    fewest, most = min(earlier), max(earlier)
    low, high = (fewest - 4 * math.sqrt(fewest)) / HABIT, (most + 4 * math.sqrt(most)) * HABIT
    bound = low if rows < median(earlier) else high
    return Measured(
        value=float(rows),
        reference=float(median(earlier)),
        threshold=max(bound, 0.0),
        exceeds=not low <= rows <= high,
        severe=rows < low / 2 or rows > high * 2,
    )


def _habit(past: Floats, places: npt.NDArray[np.int64], gap: int) -> float:
    """How far dates of the past were from all those `gap` days or more before them."""
    span = int(places[-1] - places[0])
    reach = min(gap, max(span // 2, 1))
    distances = excess_index(past, past)
    moved = []
    for place, when in enumerate(places):
        before = places <= when - reach
        if not before.any():
            continue
        pooled = excess_index(past[place : place + 1], past[before].sum(axis=0, keepdims=True))[0, 0]
        moved.append(min(float(distances[place, before].min()), float(pooled)))
    usual = max(float(np.quantile(moved, USUALLY)), 0.0) if moved else 0.0
    return usual * min((gap / reach) ** 2, STRETCH)


def _chance(one: Floats, other: Floats, columns: int) -> float:
    """The excess index that chance alone exceeds once in a thousand nights (chi-square after Wilson and Hilferty)."""
    degrees = max(int(((one + other) > 0).sum()) - 1, 1)
    part = 2 / (9 * degrees)
    quantile = degrees * (1 - part + _z(columns) * math.sqrt(part)) ** 3
    return (quantile - degrees) * (1 / float(one.sum()) + 1 / float(other.sum()))


def _z(columns: int) -> float:
    return NormalDist().inv_cdf(1 - CHANCE / max(columns, 1))
