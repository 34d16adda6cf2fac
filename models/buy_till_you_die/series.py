"""The one series the BG/NBD expectation needs.

Belongs here: the Gauss hypergeometric function near a removable singularity. Does not: models.
"""

import numpy as np

from models.learners.encoding import Floats

MOST_TERMS = 20_000
CLOSE_ENOUGH = 1e-13


def reduced_hypergeometric(first: Floats | float, second: float, third: Floats, argument: Floats) -> Floats:
    """(2F1(first, second - 1; third; z) - 1) / (second - 1), finite at second = 1 too.

    The sum over n from 1 of (first)_n (second)_{n-1} / (third)_n z^n / n!, with (y)_n = y (y + 1) … (y + n - 1).

    Args:
        first: A, shape (rows,) or a number.
        second: a, above 0.
        third: C, above 0, shape (rows,).
        argument: z, within [0, 1), shape (rows,).
    """
    shape = third.shape
    top, share = (np.array(np.broadcast_to(values, shape), dtype=np.float64) for values in (first, argument))
    bottom = np.array(third, dtype=np.float64)
    total, rows = np.zeros(shape), np.arange(len(bottom))
    term = top / bottom * share
    sums = term.copy()
    for number in range(1, MOST_TERMS):
        term = term * (top + number) * (second + number - 1) / ((bottom + number) * (number + 1)) * share
        sums += term
        if number % 16 == 0:
            going = np.abs(term) > CLOSE_ENOUGH * (1 - share) * np.maximum(np.abs(sums), 1e-300)
            total[rows[~going]] = sums[~going]
            rows, top, bottom = rows[going], top[going], bottom[going]
            share, term, sums = share[going], term[going], sums[going]
            if not len(rows):
                return total
    total[rows] = sums
    return total
