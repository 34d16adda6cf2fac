"""What running subscriptions are expected to bring, added to what is expected of orders.

Belongs here: the sum, where a company sells both ways, and its columns. Does not: either expectation.
"""

import polars as pl

from data_contracts.published import OutputColumn
from segments.money import Currency, amount_dtype, to_major_units

SUM_OF = {
    "expected_value_90d_amount": "expected_subscription_value_90d_amount",
    "expected_value_12m_amount": "expected_subscription_value_12m_amount",
}
"""Expected amount → the part of it that running subscriptions bring; minor units."""
_PART = "The part of expected_value_{} that running subscriptions bring: their price for as long as they are expected "
_BASIS = (
    "to run; where value_of is margin, the assumed share of it (segmentation.assumed_margin_share). Empty: none runs, "
    "or the company sells by subscription only, then it is all of it."
)


def subscription_value_columns(currency: Currency) -> tuple[OutputColumn, ...]:
    """Their part of the contract of `segments.customer`."""
    amount = amount_dtype(currency)
    return tuple(
        OutputColumn(
            f"expected_subscription_value_{span}",
            amount,
            nullable=True,
            minimum=0,
            meaning=_PART.format(span) + _BASIS,
        )
        for span in ("90d", "12m")
    )


def published_subscription_values(currency: Currency) -> list[pl.Expr]:
    """The parts in major units, as published."""
    return [to_major_units(pl.col(part), currency).alias(part.removesuffix("_amount")) for part in SUM_OF.values()]


def with_subscription_value(value: pl.DataFrame, subscriptions: pl.DataFrame | None) -> pl.DataFrame:
    """Expected amounts of orders and subscriptions together, and what of them subscriptions bring.

    Whoever runs a subscription has only the sums: typical values, the interval and 24 months are known of orders alone,
    and would stand beside the sum as if they were of the same thing. So they are null.

    Args:
        value: `customer_id` (unique) and amounts of orders in minor units, `SUM_OF` among them.
        subscriptions: `customer_id` (unique) and the parts of `SUM_OF` (Int64, null where none runs); None, or without
            those columns, where the company does not sell both ways.

    Returns:
        `value` with the parts; customers who only subscribe are added.
    """
    parts = list(SUM_OF.values())
    if subscriptions is None or not set(parts) <= set(subscriptions.columns):
        return value.with_columns(pl.lit(None, pl.Int64).alias(part) for part in parts)
    running = subscriptions.select("customer_id", *parts).filter(pl.any_horizontal(pl.col(parts).is_not_null()))
    both = value.join(running, on="customer_id", how="full", validate="1:1", coalesce=True)
    runs = pl.col(parts[-1]).is_not_null()
    orders_only = [name for name in value.columns if name.endswith("_amount") and name not in SUM_OF]
    return both.with_columns(
        *(
            pl.when(runs)
            .then(pl.col(name).cast(pl.Int64).clip(lower_bound=0).fill_null(0) + pl.col(part))
            .otherwise(pl.col(name).cast(pl.Int64))
            .alias(name)
            for name, part in SUM_OF.items()
        ),
        *(pl.when(~runs).then(pl.col(name)).alias(name) for name in orders_only),
    )
