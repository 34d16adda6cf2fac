"""Rows that were corrected or taken back: which version counts at which snapshot.

Belongs here: dividing a build into passes in each of which a row that is known stays in force. Does not: features.

Core rows with `superseded_at` counted until then (`data_contracts.orders.current_at`). Such rows are few, so everybody
who has none is built for all snapshots in one pass, and the others snapshot by snapshot on the rows in force at each.
Customers' records need no pass of their own: the engine joins the version in force.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from data_contracts.orders import current_at
from features.snapshots import Snapshots, snapshots_of

SUPERSEDED_AT = "superseded_at"


@dataclass(frozen=True, kw_only=True)
class Pass:
    """Part of a build: order lines of some customers, products (one row each), snapshots."""

    orders: pl.LazyFrame
    products: pl.LazyFrame | None
    snapshots: Snapshots


def passes(orders: pl.LazyFrame, products: pl.LazyFrame | None, snapshots: Snapshots) -> Iterator[Pass]:
    """The passes of a build; together they have every customer and snapshot once.

    Args:
        orders: core order lines, all versions.
        products: core products, all versions, or None.
        snapshots: the snapshots asked for.
    """
    changing = _changing_products(products)
    if not _has_versions(orders) and changing is None:
        yield Pass(orders=orders, products=_once_each(products), snapshots=snapshots)
        return
    if len(snapshots) > 1:
        touched = _touched_customers(orders, changing)
        untouched = orders.join(touched, on="customer_id", how="anti")
        steady = products
        if products is not None and changing is not None:
            steady = products.join(changing, on="product_id", how="anti")
        yield Pass(orders=untouched, products=_once_each(steady), snapshots=snapshots)
        orders = orders.join(touched, on="customer_id", how="semi")
    for day, instant in zip(snapshots.dates, snapshots.instants, strict=True):
        yield Pass(
            orders=current_at(orders, instant),
            products=None if products is None else current_at(products, instant),
            snapshots=snapshots_of([day], time_zone=snapshots.time_zone),
        )


def _has_versions(rows: pl.LazyFrame) -> bool:
    return SUPERSEDED_AT in rows.collect_schema().names()


def _changing_products(products: pl.LazyFrame | None) -> pl.LazyFrame | None:
    """`product_id` of products whose category was another at some time, or that were away for some; None: no such."""
    if products is None or not _has_versions(products):
        return None
    in_time = products.select("product_id", "category", "known_at", SUPERSEDED_AT).sort("product_id", "known_at")
    goes_on = pl.col(SUPERSEDED_AT) == pl.col("known_at").shift(-1)
    last = pl.col("product_id") != pl.col("product_id").shift(-1)
    broken = pl.when(last.fill_null(value=True)).then(pl.col(SUPERSEDED_AT).is_not_null()).otherwise(~goes_on)
    found = (
        in_time.with_columns(broken.alias("is_broken"))
        .group_by("product_id")
        .agg(pl.col("category").n_unique().alias("categories"), pl.col("is_broken").any())
        .filter((pl.col("categories") > 1) | pl.col("is_broken"))
        .select("product_id")
        .collect()
    )
    return None if found.is_empty() else found.lazy()


def _once_each(products: pl.LazyFrame | None) -> pl.LazyFrame | None:
    """Products of one category throughout as one row each, known since their first version was."""
    if products is None or not _has_versions(products):
        return products
    return products.group_by("product_id").agg(pl.col("category").first(), pl.col("known_at").min())


def _touched_customers(orders: pl.LazyFrame, changing: pl.LazyFrame | None) -> pl.LazyFrame:
    """`customer_id` of those with an order line that was superseded, or one of a product that changes."""
    found = [orders.filter(pl.col(SUPERSEDED_AT).is_not_null())] if _has_versions(orders) else []
    if changing is not None:
        found.append(orders.join(changing, on="product_id", how="semi"))
    return pl.concat([each.select("customer_id") for each in found]).unique()
