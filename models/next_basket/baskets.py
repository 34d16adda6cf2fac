"""Baskets of anonymous customers in their order, with customers and products as small integers.

Belongs here: coding a table of lines, and cutting histories short. Not: reading files, or what follows from baskets.
"""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Baskets:
    """Who had what in which of their baskets.

    Attributes:
        lines: one row a customer, basket and product, sorted by these: `customer`, `position` (Int32, 0 = the
            customer's first basket), `product` (UInt32), and where known `quantity`, `amount` (Float64, summed),
            `day` (Float64, days on any scale, of the basket).
        customer_ids: sorted; `customer` is a position in it.
        product_ids: sorted; `product` is a position in it.
        categories: String or null, one a product; None where not known.
    """

    lines: pl.DataFrame
    customer_ids: pl.Series
    product_ids: pl.Series
    categories: pl.Series | None = None

    @property
    def has_days(self) -> bool:
        """Whether the baskets have dates."""
        return "day" in self.lines.columns


@dataclass(frozen=True)
class Snapshot:
    """What was known of every customer at one point of their history, and the basket that came next.

    Attributes:
        lines: as in `Baskets`, without the baskets that came later.
        customers: one row a customer with a visible basket, sorted: `customer`, `baskets` (Int32, visible ones).
        truth: `customer`, `product` pairs of the next basket, of those customers; None where it is not known.
    """

    lines: pl.DataFrame
    customers: pl.DataFrame
    truth: pl.DataFrame | None


def code_baskets(table: pl.DataFrame) -> Baskets:
    """Code lines.

    Args:
        table: `customer_id`, `product_id` (String), `basket` (anything that sorts in the order of a customer's
            baskets), and optionally `quantity`, `amount`, `day` (Float64), `category` (String).
    """
    customer_ids, product_ids = (table[name].unique().sort() for name in ("customer_id", "product_id"))
    measured = [name for name in ("quantity", "amount") if name in table.columns]
    dated = [name for name in ("day",) if name in table.columns]
    coded = table.lazy().select(
        _positions("customer_id", customer_ids).alias("customer"),
        (pl.col("basket").rank("dense").over("customer_id") - 1).cast(pl.Int32).alias("position"),
        _positions("product_id", product_ids).alias("product"),
        *measured,
        *dated,
    )
    sums = [*(pl.col(name).sort().sum() for name in measured), *(pl.col(name).min() for name in dated)]
    lines = coded.group_by("customer", "position", "product").agg(*sums).sort("customer", "position", "product")
    categories = None
    if "category" in table.columns:
        named = table.drop_nulls("category").group_by("product_id").agg(pl.col("category").min())
        joined = (
            product_ids.rename("product_id").to_frame().join(named, on="product_id", how="left", maintain_order="left")
        )
        categories = joined["category"]
    return Baskets(lines.collect(), customer_ids, product_ids, categories)


def cut(baskets: Baskets, *, steps_back: int) -> Snapshot:
    """Each customer's history without its last `steps_back` baskets; the first of those is the truth.

    Customers with nothing left drop out.
    """
    last = pl.col("position").max().over("customer")
    placed = baskets.lines.with_columns((last - pl.col("position")).alias("from_end"))
    visible = placed.filter(pl.col("from_end") >= steps_back).drop("from_end")
    customers = visible.group_by("customer").agg((pl.col("position").max() + 1).alias("baskets")).sort("customer")
    truth = None
    if steps_back:
        upcoming = placed.filter(pl.col("from_end") == steps_back - 1).select("customer", "product")
        truth = upcoming.join(customers.select("customer"), on="customer", how="semi").sort("customer", "product")
    return Snapshot(visible, customers, truth)


def _positions(column: str, sorted_ids: pl.Series) -> pl.Expr:
    """Each identifier's position in a sorted list (UInt32)."""
    return pl.col(column).cast(pl.Enum(sorted_ids)).to_physical().cast(pl.UInt32)
