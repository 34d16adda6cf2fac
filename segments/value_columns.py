"""What is told of a customer's value beyond its expectation over 90 days and 12 months.

Belongs here: these columns, from the value model's frame to the published contract. Does not: how a value is expected.
"""

import polars as pl

from data_contracts.published import OutputColumn
from segments.money import Currency, amount_dtype, to_major_units

EXPECTED_ORDERS = "expected_orders_30d"
AMOUNTS = {
    "typical_value_90d": "The middle of what comes in 90 days: of customers like this one, as many bring more as bring "
    "less, often 0. For one customer the better guess; don't add it up.",
    "expected_value_12m_low": "Lower end of the 80 % interval of what the customer brings in the next 12 months: one "
    "in ten brings less; where at least one in ten brings nothing it is 0.",
    "typical_value_12m": "The middle of what comes: of customers like this one, as many bring more in the next 12 "
    "months as bring less. Mostly below the expected value, which a few large customers raise.",
    "expected_value_12m_high": "Upper end of the 80 % interval of what the customer brings in the next 12 months: one "
    "in ten brings more, one in five where the interval begins at 0.",
    "expected_value_24m": "What the customer is expected to bring in the next 24 months, see value_of, in today's "
    "money: discounted at 10 % a year unless set otherwise.",
}
"""Published amount → its meaning; the value model's column has `_amount` at its end and is in minor units."""


def value_details(value: pl.DataFrame) -> pl.DataFrame:
    """The columns of a value frame beyond the two expectations, in minor units; null where the model has none."""
    wanted = {f"{name}_amount": pl.Int64() for name in AMOUNTS} | {EXPECTED_ORDERS: pl.Float64()}
    columns = [
        (pl.col(name) if name in value.columns else pl.lit(None)).cast(dtype).clip(lower_bound=0).alias(name)
        for name, dtype in wanted.items()
    ]
    return value.select("customer_id", *columns)


def published_value_details(currency: Currency) -> list[pl.Expr]:
    """The amounts in major units, as published."""
    return [to_major_units(pl.col(f"{name}_amount"), currency).alias(name) for name in AMOUNTS]


def value_detail_columns(currency: Currency) -> tuple[OutputColumn, ...]:
    """Their part of the contract of `segments.customer`."""
    amount = amount_dtype(currency)
    return (
        *(OutputColumn(name, amount, nullable=True, minimum=0, meaning=meaning) for name, meaning in AMOUNTS.items()),
        OutputColumn(
            EXPECTED_ORDERS,
            pl.Float64,
            nullable=True,
            minimum=0.0,
            meaning="How many purchases the customer is expected to make in the next 30 days.",
        ),
    )
