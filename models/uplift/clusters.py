"""Rows of one customer tell less than as many rows of different ones: sums, errors and halves by customer.

Belongs here: what every figure of a trial does about repeated customers. Does not: the figures.

Errors are those of sums by customer (Liang, Zeger 1986); where every row is a customer of its own, the usual.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.learners.encoding import Floats

Ints = npt.NDArray[np.int64]


def customers_of(groups: Sequence[str]) -> Ints | None:
    """The number of each row's customer, from 0 in order of appearance; None where no customer has two rows."""
    numbers: dict[str, int] = {}
    found = np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)
    return found if len(numbers) < len(found) else None


def summed(values: Floats, customer: Ints | None) -> Floats:
    """Sums by customer, shape (customers,); the values themselves where every row is a customer of its own."""
    if customer is None:
        return values
    _, place = np.unique(customer, return_inverse=True)
    return np.bincount(place, weights=values).astype(np.float64)


def mean_error(values: Floats, customer: Ints | None) -> float:
    """The standard error of the mean of the values; infinite where there is one customer only."""
    sums = summed(values - values.mean(), customer)
    count = len(sums)
    if count < 2:  # noqa: PLR2004 no spread of one
        return math.inf
    return math.sqrt(float((sums**2).sum()) * count / (count - 1)) / len(values)


def design_effect(parts: Floats, customer: Ints | None) -> float:
    """How much larger the variance of the sum of the parts (mean 0) is than of independent rows; at least 1."""
    squares = float((parts**2).sum())
    if customer is None or squares == 0:
        return 1.0
    return max(float((summed(parts, customer) ** 2).sum()) / squares, 1.0)


def even_half(rows: int, customer: Ints | None) -> npt.NDArray[np.bool_]:
    """Every other row, or every other customer's rows, shape (rows,)."""
    half: npt.NDArray[np.bool_] = (np.arange(rows) if customer is None else customer) % 2 == 0
    return half
