"""Who bought what, as known at an instant, with customers and products as small integers.

Belongs here: coding identifiers, and the rule which order lines count as a bought product. Not: what follows from it.
"""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from data_contracts.orders import known_before, purchase_orders

MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(frozen=True)
class CodedLines:
    """Order lines with identifiers replaced by their position in sorted lists: joins on integers are much faster.

    Attributes:
        lines: `customer`, `product` and `order` (UInt32), `ordered_at`, `known_at`, `quantity`, `amount`; and
            `superseded_at` where the order lines have it, for some were in force at an earlier instant only.
        customer_ids: sorted; `customer` is a position in it.
        product_ids: sorted; `product` is a position in it.
    Orders are coded likewise; their identifiers are not needed again.
    """

    lines: pl.DataFrame
    customer_ids: pl.Series
    product_ids: pl.Series


def code_lines(orders: pl.LazyFrame, *, before: datetime, product_ids: pl.Series | None = None) -> CodedLines:
    """Order lines known before an instant, coded.

    Args:
        orders: core order lines.
        before: nothing that happened or became known at or after this instant (UTC) is kept.
        product_ids: sorted product identifiers to code with; products not in it are dropped. None: those in `orders`.
    """
    columns = ["customer_id", "product_id", "order_id", "ordered_at", "known_at", "quantity", "amount"]
    present = orders.collect_schema().names()
    kept = [*columns, *(name for name in ("superseded_at",) if name in present)]
    known = orders.filter((pl.col("ordered_at") < before) & (pl.col("known_at") < before))
    lines = known.select(kept).collect()
    customer_ids = lines["customer_id"].unique().sort()
    if product_ids is None:
        product_ids = lines["product_id"].drop_nulls().unique().sort()
    order_ids = lines["order_id"].unique().sort()
    coded = lines.select(
        _positions("customer_id", customer_ids).alias("customer"),
        _positions("product_id", product_ids).alias("product"),
        _positions("order_id", order_ids).alias("order"),
        "ordered_at",
        "known_at",
        *kept[kept.index("quantity") :],
    )
    return CodedLines(coded.drop_nulls("product"), customer_ids, product_ids)


def bought_before(lines: pl.DataFrame, instant: datetime, *, known_by: datetime | None = None) -> pl.DataFrame:
    """Products bought before an instant: lines above zero of orders that are purchases.

    Args:
        lines: coded lines.
        instant: what happened at or after it (UTC) does not count.
        known_by: what became known at or after it does not count; `instant` where not given.

    Returns:
        One row a customer, order and product: `customer`, `product`, `order`, `days_before` (Int32, whole days
        from the purchase to `instant`, 0 = the last 24 hours, the first moment included), `milli_quantity` (Int64,
        thousandths of a unit), `amount` (Int64, minor units). Unsorted: what is made of it are sums of integers.
    """
    known = known_before(lines.lazy(), known_by or instant).filter(pl.col("ordered_at") < instant)
    orders = purchase_orders(known.rename({"customer": "customer_id", "order": "order_id"}))
    purchases = orders.filter(pl.col("is_purchase")).select(customer="customer_id", order="order_id")
    bought = known.filter(pl.col("amount") > 0).join(purchases, on=["customer", "order"], how="semi")
    age = ((pl.lit(instant) - pl.col("ordered_at").min()).dt.total_microseconds() - 1) // MICROSECONDS_A_DAY
    return (
        bought.group_by("customer", "product", "order")
        .agg(
            age.cast(pl.Int32).alias("days_before"),
            (pl.col("quantity") * 1000).round().cast(pl.Int64).sum().alias("milli_quantity"),
            pl.col("amount").sum(),
        )
        .collect()
    )


def _positions(column: str, sorted_ids: pl.Series) -> pl.Expr:
    """Each identifier's position in a sorted list (UInt32), null where it is not in it."""
    return pl.col(column).cast(pl.Enum(sorted_ids), strict=False).to_physical().cast(pl.UInt32)
