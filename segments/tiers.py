"""The customer pyramid: tiers by what a customer is expected to bring.

Belongs here: ranking customers by forward-looking value and cutting the ranking. Does not: the value forecast.
Source: the customer pyramid of Zeithaml, Rust and Lemon, "The Customer Pyramid: Creating and Serving Profitable
Customers", California Management Review 43(4), 2001.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate

import polars as pl

from segments.errors import ThresholdsInvalidError
from segments.vocabulary import LEAD, NOT_SCORED, VALUE_TIERS

DEFAULT_SHARES = (0.05, 0.20, 0.50)


def value_tiers(values: pl.DataFrame, *, value_column: str, shares: Sequence[float] = DEFAULT_SHARES) -> pl.DataFrame:
    """Tier of every customer by rank of expected value.

    The cuts are rounded up, so that even three customers have a best one. Equal values are told apart by
    `customer_id`. Who is expected to bring nothing (zero or less) is lead, however few bring more.

    Args:
        values: `customer_id` (String, unique), `value_column` (any number; null: not scored).
        value_column: what customers are ranked by.
        shares: shares of scored customers that are platinum, gold and iron; lead is the rest.

    Returns:
        `customer_id`, `value_tier` (String), in the order of the ranking: not scored customers last.

    Raises:
        ThresholdsInvalidError: not three shares, one of them negative, or together above 1.
    """
    cuts = _cut_ranks(shares, scored=values.height - values[value_column].null_count())
    ranked = values.select("customer_id", value_column).sort(
        value_column, "customer_id", descending=[True, False], nulls_last=True
    )
    rank = pl.int_range(1, pl.len() + 1)
    tier = pl.when(pl.col(value_column).is_null()).then(pl.lit(NOT_SCORED)).when(pl.col(value_column) <= 0)
    chain = tier.then(pl.lit(LEAD))
    for name, cut in zip(VALUE_TIERS, cuts, strict=False):
        chain = chain.when(rank <= cut).then(pl.lit(name))
    return ranked.select("customer_id", chain.otherwise(pl.lit(LEAD)).alias("value_tier"))


def _cut_ranks(shares: Sequence[float], *, scored: int) -> list[int]:
    """The last rank of each tier but the lowest. Decimal, because 0.07 of 100 is not 7 in binary."""
    exact = [Decimal(str(share)) for share in shares]
    if len(exact) != len(VALUE_TIERS) - 1 or min(exact) < 0 or sum(exact) > 1:
        got = ", ".join(map(str, shares))
        raise ThresholdsInvalidError(
            name="tier shares", got=got, expected="shares of platinum, gold and iron, together at most 1"
        )
    return [math.ceil(share * scored) for share in accumulate(exact)]
