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
from segments.hysteresis import PREVIOUS, settled_class, with_previous
from segments.vocabulary import LEAD, NOT_SCORED, VALUE_TIERS

DEFAULT_SHARES = (0.05, 0.20, 0.50)


def value_tiers(
    values: pl.DataFrame,
    *,
    value_column: str,
    shares: Sequence[float] = DEFAULT_SHARES,
    previous: pl.DataFrame | None = None,
    margin: float = 0.0,
) -> pl.DataFrame:
    """Tier of every customer by rank of expected value.

    The cuts are rounded up, so that even three customers have a best one. Equal values are told apart by
    `customer_id`. Who is expected to bring nothing (zero or less) is lead, however few bring more.

    Args:
        values: `customer_id` (String, unique), `value_column` (any number; null: not scored).
        value_column: what customers are ranked by.
        shares: shares of scored customers that are platinum, gold and iron; lead is the rest.
        previous: yesterday's rows with `customer_id`, `value_tier`; None on the first night.
        margin: who ranks no further beyond a cut than this share of it keeps yesterday's tier.

    Returns:
        `customer_id`, `value_tier` (String), in the order of the ranking: not scored customers last.

    Raises:
        ThresholdsInvalidError: not three shares, one of them negative, or together above 1.
    """
    cuts = _cut_ranks(shares, scored=values.height - values[value_column].null_count())
    ranked = values.select("customer_id", value_column).sort(
        value_column, "customer_id", descending=[True, False], nulls_last=True
    )
    settled = settled_class(
        pl.int_range(1, pl.len() + 1),
        [cut + 0.5 for cut in cuts],  # between two ranks
        VALUE_TIERS,
        previous=PREVIOUS,
        margin=margin,
    )
    tier = pl.when(pl.col(value_column).is_null()).then(pl.lit(NOT_SCORED)).when(pl.col(value_column) <= 0)
    ranked = with_previous(ranked, previous, "value_tier")
    return ranked.select("customer_id", tier.then(pl.lit(LEAD)).otherwise(settled).alias("value_tier"))


def _cut_ranks(shares: Sequence[float], *, scored: int) -> list[int]:
    """The last rank of each tier but the lowest. Decimal, because 0.07 of 100 is not 7 in binary."""
    exact = [Decimal(str(share)) for share in shares]
    if len(exact) != len(VALUE_TIERS) - 1 or min(exact) < 0 or sum(exact) > 1:
        got = ", ".join(map(str, shares))
        raise ThresholdsInvalidError(
            name="tier shares", got=got, expected="shares of platinum, gold and iron, together at most 1"
        )
    return [math.ceil(share * scored) for share in accumulate(exact)]
