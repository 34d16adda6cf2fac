"""What a comparison could have seen, and how large the hold-out should have been.

Belongs here: formulas of power, two-sided, 5 % and 80 %. Does not: estimates.
"""

import math

from segments.statistics import Z_95

Z_SUM = Z_95 + 0.8416212335729143
"""Quantiles of 97.5 % and 80 %."""


def smallest_visible(error: float) -> float:
    """The smallest effect that would have been seen four times out of five, in units of its standard error."""
    return Z_SUM * error


def hold_out_needed(*, customers: int, spread: float, effect: float) -> int | None:
    """How many of a campaign's customers should have been held out to see an effect.

    Args:
        customers: contacted and held out together.
        spread: standard deviation of the outcome of one, after adjusting.
        effect: on one customer, in the same units; above 0.

    Returns:
        The smaller solution of n (customers - n) = customers · (2.8 spread / effect)²; None: not even half would do.
    """
    least = (Z_SUM * spread / effect) ** 2
    inner = customers**2 - 4 * least * customers
    if inner < 0:
        return None
    return max(math.ceil((customers - math.sqrt(inner)) / 2), 2)


def customers_needed(*, spread: float, effect: float) -> int:
    """How many customers a campaign needs, half of them held out, to see an effect."""
    return math.ceil(4 * (Z_SUM * spread / effect) ** 2)
