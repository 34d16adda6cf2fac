"""From drawn arrays to the clean core tables.

Belongs here: columns, dtypes, ids and sort orders of the tables. Does not: behaviour, nor the raw files (`raw.py`).
"""

import numpy as np
import polars as pl

from simulation.assortment import Assortment
from simulation.baskets import Lines
from simulation.calendar import Calendar
from simulation.order_times import OrderTimes
from simulation.randomness import Ints
from simulation.returns import Returns
from simulation.tastes import CHANNELS

LOAD_ID = "simulation"
ORDER_ID_WIDTH = 8


def stamped(table: pl.DataFrame, known_at: pl.Expr) -> pl.DataFrame:
    """The table with the two columns every core table ends with."""
    return table.with_columns(known_at=known_at, load_id=pl.lit(LOAD_ID))


def product_table(assortment: Assortment, calendar: Calendar) -> pl.DataFrame:
    """Core `products`; a product is known from the start, or from its launch when that is later."""
    known_on = np.maximum(assortment.sold_from_day, 0)
    known_at = calendar.instants(known_on, np.full(known_on.size, 5 * 3600))
    return stamped(assortment.frame.with_columns(known_at.alias("known_at")), pl.col("known_at")).sort("product_id")


def purchase_and_return_lines(
    *, times: OrderTimes, lines: Lines, returns: Returns, channel: Ints, calendar: Calendar
) -> pl.DataFrame:
    """All lines with `customer`, `product` and `channel` as indexes, in the order they happened.

    Args:
        times: when and whose the purchases are.
        lines: of purchases.
        returns: lines that come back; they go through the channel of their purchase.
        channel: of every purchase, index into `CHANNELS`.
        calendar: for instants.

    Returns:
        `customer`, `order` (index of the purchase), `is_return`, `product`, `quantity`, `amount`, `discount`,
        `channel`, `ordered_at` (UTC); lines of an order are neighbours.
    """
    bought = _indexed(lines, times.day[lines.order], times.second[lines.order])
    back = _indexed(returns.lines, returns.day, returns.second)
    both = pl.concat([bought.with_columns(is_return=False), back.with_columns(is_return=True)])
    order = both["order"].to_numpy()
    return both.with_columns(
        calendar.instants(both["day"].to_numpy(), both["second"].to_numpy()).alias("ordered_at"),
        pl.Series("customer", times.customer[order]),
        pl.Series("channel", channel[order]),
    ).sort("ordered_at", "customer", "order", "is_return", "product")


def order_table(
    indexed: pl.DataFrame, *, customer_ids: pl.Series, assortment: Assortment, currency: str
) -> pl.DataFrame:
    """Core order lines from `purchase_and_return_lines`, with ids that run in the order they happened."""
    number = pl.struct("order", "is_return").rle_id() + 1
    product = indexed["product"]
    return stamped(
        indexed.select(
            number.cast(pl.String).str.zfill(ORDER_ID_WIDTH).alias("order_id"),
            pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(number).alias("line_number"),
            customer_ids.gather(indexed["customer"]).alias("customer_id"),
            "ordered_at",
            assortment.frame["product_id"].gather(product).alias("product_id"),
            pl.col("quantity").cast(pl.Float64),
            "amount",
            pl.col("discount").alias("discount_amount"),
            (pl.col("quantity") * pl.Series(assortment.unit_cost).gather(product)).alias("cost_amount"),
            pl.Series(CHANNELS).gather(indexed["channel"]).alias("channel"),
            pl.lit(currency).alias("currency"),
        ),
        known_at=pl.col("ordered_at"),
    )


def _indexed(lines: Lines, day: Ints, second: Ints) -> pl.DataFrame:
    """Order lines with their local day and second."""
    return pl.DataFrame(
        {
            "order": lines.order,
            "product": lines.product,
            "quantity": lines.quantity,
            "amount": lines.amount,
            "discount": lines.discount,
            "day": day,
            "second": second,
        }
    )
