"""The reducing stage: one pass over order lines into small ledgers that every family reads.

Belongs here: how history is cut to what was known at each snapshot. Does not: any feature.

A line counts from one snapshot on (the first whose instant lies after both `ordered_at` and `known_at`); that
snapshot's number is the line's *cell*. Lines are summed by cell, the sums fold forward into *states* (what was known
from one cell to the next), and states are spread over the snapshots they hold for. Lines that became known late need
no second path: they are later cells of the same order. All sums are of integers, so no order of rows and no number of
threads can change them; nothing depends on which of two equal timestamps comes first.
"""

import polars as pl

from features.folding import fold_forward, is_group_start
from features.snapshots import Snapshots

THOUSANDTHS = 1000
MORNING_ENDS_HOUR = 12
EVENING_STARTS_HOUR = 18
KEYS = ["customer_id", "snapshot"]


def counted_lines(orders: pl.LazyFrame, snapshots: Snapshots) -> pl.LazyFrame:
    """Core order lines that count for any snapshot, with their `cell` (UInt16)."""
    cell = snapshots.first_that_counts("ordered_at", "known_at").alias("cell")
    return orders.with_columns(cell).filter(pl.col("cell") < len(snapshots))


def day_ledger(lines: pl.LazyFrame, snapshots: Snapshots) -> pl.LazyFrame:
    """What each customer did on each business day, as known at each snapshot.

    Returns:
        One row per (`customer_id`, `snapshot`, `day`): Int64 sums `net_amount`, `purchase_count`, `purchase_amount`,
        … (see `_order_sums` and `_order_facts`), `age_days` (Int64, snapshot - day, at least 1) and the purchase rhythm
        (see `_rhythm`). An order belongs to the day of its first line.
    """
    parts = lines.group_by("customer_id", "order_id", "cell").agg(pl.col("ordered_at").min(), **_order_sums())
    sums = list(_order_sums())
    states = fold_forward(parts, ["customer_id", "order_id"], sums=sums, earliest=["ordered_at"], latest=[])
    facts = states.with_columns(**_order_facts(snapshots)).select(
        "customer_id", "cell", "cell_until", "day", *sums, *_PURCHASE_SUMS
    )
    days = _spread(facts, snapshots).group_by(*KEYS, "day").agg(pl.col(*sums, *_PURCHASE_SUMS).sum())
    return _rhythm(_dated(days, snapshots))


def product_ledger(lines: pl.LazyFrame) -> pl.LazyFrame:
    """What each customer bought of each product, summed by cell; the base of `product_states`, `category_states`.

    Returns:
        One row per (`customer_id`, `product_id`, `cell`): `first_at`, `last_at` (UTC), `line_count` (Int64), of
        lines with a positive amount. A later return does not undo that a product was once bought.
    """
    return (
        lines.filter((pl.col("amount") > 0) & pl.col("product_id").is_not_null())
        .group_by("customer_id", "product_id", "cell")
        .agg(
            pl.col("ordered_at").min().alias("first_at"),
            pl.col("ordered_at").max().alias("last_at"),
            pl.len().cast(pl.Int64).alias("line_count"),
        )
    )


def product_states(ledger: pl.LazyFrame, snapshots: Snapshots) -> pl.LazyFrame:
    """One row per (`customer_id`, `snapshot`, `product_id`) bought before the snapshot.

    With `first_age_days`, `last_age_days` (Int64: days since it was first and last bought), `line_count`.
    """
    return _item_states(ledger, "product_id", snapshots)


def category_states(ledger: pl.LazyFrame, products: pl.LazyFrame, snapshots: Snapshots) -> pl.LazyFrame:
    """As `product_states`, by `category`; a product counts once its category was known, and not without one."""
    categories = products.filter(pl.col("category").is_not_null()).select(
        "product_id", "category", snapshots.first_that_counts("known_at").alias("category_cell")
    )
    by_category = (
        ledger.join(categories, on="product_id", how="inner", validate="m:1")
        .with_columns(pl.max_horizontal("cell", "category_cell").alias("cell"))
        .filter(pl.col("cell") < len(snapshots))
        .group_by("customer_id", "category", "cell")
        .agg(pl.col("first_at").min(), pl.col("last_at").max(), pl.col("line_count").sum())
    )
    return _item_states(by_category, "category", snapshots)


def _item_states(ledger: pl.LazyFrame, item: str, snapshots: Snapshots) -> pl.LazyFrame:
    states = fold_forward(
        ledger, ["customer_id", item], sums=["line_count"], earliest=["first_at"], latest=["last_at"]
    ).select(
        "customer_id",
        "cell",
        "cell_until",
        "line_count",
        snapshots.business_date(pl.col("first_at")).alias("first_day"),
        snapshots.business_date(pl.col("last_at")).alias("last_day"),
    )
    ages = [
        (pl.col("snapshot_date") - pl.col(f"{which}_day")).dt.total_days().alias(f"{which}_age_days")
        for which in ("first", "last")
    ]
    return _spread(states, snapshots).join(snapshots.table(), on="snapshot").select(*KEYS, "line_count", *ages)


def _spread(states: pl.LazyFrame, snapshots: Snapshots) -> pl.LazyFrame:
    """One row per state and snapshot it holds for (`snapshot`, UInt16)."""
    until = pl.col("cell_until").fill_null(len(snapshots))
    return (
        states.with_columns(pl.int_ranges("cell", until, dtype=pl.UInt16).alias("snapshot"))
        .drop("cell", "cell_until")
        .explode("snapshot")
    )


def _order_sums() -> dict[str, pl.Expr]:
    """Sums over the lines of an order: Int64, money in minor units, quantity in thousandths."""
    amount, discount, cost = pl.col("amount"), pl.col("discount_amount"), pl.col("cost_amount")
    sold, returned = amount > 0, amount < 0
    discount_known, cost_known = sold & discount.is_not_null(), cost.is_not_null()
    quantity = (pl.col("quantity") * THOUSANDTHS).round().cast(pl.Int64)
    return {
        "net_amount": amount.sum(),
        "sold_amount": _sum(amount, sold),
        "sold_line_count": _sum(1, sold),
        "sold_thousandths": _sum(quantity, sold),
        "returned_amount": _sum(-amount, returned),
        "returned_line_count": _sum(1, returned),
        "discount_given_amount": _sum(discount, discount_known),
        "discountable_amount": _sum(amount + discount, discount_known),
        "discounted_line_count": _sum(1, discount_known & (discount > 0)),
        "discountable_line_count": _sum(1, discount_known),
        "margin_amount": _sum(amount - cost, cost_known),
        "costed_amount": _sum(amount, cost_known),
    }


_PURCHASE_SUMS = [
    "purchase_count",
    "purchase_amount",
    "purchase_line_count",
    "purchase_thousandths",
    "purchase_hours",
    "morning_count",
    "evening_count",
]


def _order_facts(snapshots: Snapshots) -> dict[str, pl.Expr]:
    """What an order is once its lines are summed: the day it belongs to and, if it is a purchase, what it adds."""
    local = pl.col("ordered_at").dt.convert_time_zone(snapshots.time_zone)
    hour = local.dt.hour().cast(pl.Int64)
    is_purchase = pl.col("net_amount") > 0  # as in data_contracts.orders.purchase_orders; a test holds the two together
    added = {
        "purchase_count": pl.lit(1, dtype=pl.Int64),
        "purchase_amount": pl.col("net_amount"),
        "purchase_line_count": pl.col("sold_line_count"),
        "purchase_thousandths": pl.col("sold_thousandths"),
        "purchase_hours": hour,
        "morning_count": (hour < MORNING_ENDS_HOUR).cast(pl.Int64),
        "evening_count": (hour >= EVENING_STARTS_HOUR).cast(pl.Int64),
    }
    facts = {name: pl.when(is_purchase).then(value).otherwise(0) for name, value in added.items()}
    return facts | {"day": local.dt.date()}


def _sum(value: pl.Expr | int, where: pl.Expr) -> pl.Expr:
    return pl.when(where).then(value).otherwise(0).cast(pl.Int64).sum()


def _dated(days: pl.LazyFrame, snapshots: Snapshots) -> pl.LazyFrame:
    dates = snapshots.table().select("snapshot", "snapshot_date")
    age = (pl.col("snapshot_date") - pl.col("day")).dt.total_days().alias("age_days")
    return days.join(dates, on="snapshot").with_columns(age).drop("snapshot_date")


def _rhythm(days: pl.LazyFrame) -> pl.LazyFrame:
    """Add each purchase day's `gap_days` to the purchase day before (null: the first) and `is_last_purchase_day`.

    Purchases on one day are one visit, so gaps are whole days of at least 1 and don't depend on the order of ties.
    """
    bought, group = pl.col("purchase_count") > 0, pl.col("group")
    age = pl.when(bought).then(pl.col("age_days"))
    buying_group = pl.when(bought).then(group)
    before_in_group = buying_group.forward_fill().shift(1) == group
    after_in_group = (buying_group.backward_fill().shift(-1) == group).fill_null(value=False)
    return (
        days.sort(*KEYS, "day")
        .with_row_index("row")
        .with_columns(is_group_start(KEYS).cum_sum().alias("group"))
        .with_columns(
            age.alias("purchase_age_days"),
            pl.when(before_in_group).then(age.forward_fill().shift(1) - age).alias("gap_days"),
            (bought & ~after_in_group).alias("is_last_purchase_day"),
        )
        .drop("row", "group")
    )
