"""Small tables about products that no single customer's rows can tell: popularity, trend, co-purchase neighbours.

Belongs here: facts across customers as known at a date, as partial results per bucket that combine by summing.
Not: anything about one customer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from data_contracts.orders import current_at, snapshot_instant
from models.next_offer.bought import bought_before, code_lines
from models.next_offer.options import DAYS_A_YEAR, NEIGHBOURS_PER_PRODUCT
from models.next_offer.taste import Taste, learn_taste

CO_PURCHASE_DAYS = 365
CO_PURCHASE_PRODUCTS = 120  # of one customer; the latest. Bounds the pairs a single wholesaler contributes
SMALLEST_CO_PURCHASE = 2  # customers
SIMILARITY_SHRINKAGE = 5.0  # customers; a pair seen k times keeps k / (k + this) of its cosine
SUMMED = (
    "buyers",
    "repeat_buyers",
    "times_bought",
    "gap_days",
    "gaps",
    "milli_quantity",
    "amount",
    "buyers_7d",
    "buyers_30d",
    "buyers_previous_30d",
    "buyers_90d",
    "buyers_365d",
    "buyers_season",
    "buyers_before_season",
    "buyers_30d_to_120d",
    "returning_buyers_30d",
    "co_buyers",
)


@dataclass(frozen=True)
class PartialItemFacts:
    """What the rows of some customers add to the facts; all integers, so that any order of adding gives the same.

    Attributes:
        as_of: the snapshot date.
        product_ids: sorted; codes below are positions in it.
        products: `product` (UInt32), the columns of SUMMED (Int64), `days_since_first_sold` and `days_since_last_sold`
            (Int32).
        pairs: `product` < `neighbour` (UInt32), `customers` (Int32): so many bought both within a year.
    """

    as_of: date
    product_ids: pl.Series
    products: pl.DataFrame
    pairs: pl.DataFrame


@dataclass(frozen=True)
class ItemFacts:
    """Facts about products as of a date.

    Attributes:
        as_of: the snapshot date.
        product_ids: sorted; codes below are positions in it.
        products: one row a product ever sold: `product` (UInt32), the columns of SUMMED, `days_since_first_sold`,
            `days_since_last_sold`, `category` (String or null).
        neighbours: `product`, `neighbour` (UInt32), `similarity` (Float64, shrunk cosine, times how
            much more than others the neighbour is bought lately), best first.
        taste: what all that a customer bought says for a product.
        has_categories: some product has a category.
    """

    as_of: date
    product_ids: pl.Series
    products: pl.DataFrame
    neighbours: pl.DataFrame
    taste: Taste
    has_categories: bool


def item_facts(
    orders: pl.LazyFrame,
    products: pl.LazyFrame | None,
    *,
    as_of: date,
    time_zone: str,
    window_days: int = 30,
    neighbours_per_product: int = NEIGHBOURS_PER_PRODUCT,
) -> ItemFacts:
    """The facts of all orders in one go; see `partial_item_facts` and `combine_item_facts` for bucket by bucket."""
    part = partial_item_facts(orders, as_of=as_of, time_zone=time_zone, window_days=window_days)
    categories = product_categories(products, as_of=as_of, time_zone=time_zone)
    return combine_item_facts([part], categories, neighbours_per_product=neighbours_per_product)


def partial_item_facts(bucket: pl.LazyFrame, *, as_of: date, time_zone: str, window_days: int = 30) -> PartialItemFacts:
    """What one bucket (all order lines of some customers) adds to the facts, as known at `as_of`.

    Args:
        bucket: core order lines.
        as_of: the snapshot date.
        time_zone: the company's time zone.
        window_days: length of the coming window, whose equal a year ago gives the season.
    """
    instant = snapshot_instant(as_of, time_zone=time_zone)
    coded = code_lines(bucket, before=instant)
    return facts_of_bought(bought_before(coded.lines, instant), coded.product_ids, as_of=as_of, window_days=window_days)


def product_categories(
    products: pl.LazyFrame | None, *, as_of: date, time_zone: str, column: str = "category"
) -> pl.DataFrame | None:
    """`product_id`, `category` of products known before `as_of`; None where there are no products or no categories.

    With another `column`, such as "brand", its values stand in `category`.
    """
    if products is None or column not in products.collect_schema().names():
        return None
    instant = snapshot_instant(as_of, time_zone=time_zone)
    described = current_at(products, instant).select("product_id", "known_at", pl.col(column).alias("category"))
    known = described.filter(pl.col("category").is_not_null())
    latest = known.sort("product_id", "known_at", "category").group_by("product_id", maintain_order=True).last()
    categories = latest.select("product_id", "category").collect()
    return None if categories.is_empty() else categories


def facts_of_bought(bought: pl.DataFrame, product_ids: pl.Series, *, as_of: date, window_days: int) -> PartialItemFacts:
    """Partial facts of what `bought_before` returned."""
    per_customer = (
        bought.lazy()
        .group_by("customer", "product")
        .agg(
            pl.len().cast(pl.Int64).alias("times"),
            pl.col("days_before").max().alias("first"),
            pl.col("days_before").min().alias("last"),
            pl.col("milli_quantity", "amount").sum(),
            *[
                pl.col("days_before").is_between(start, end, closed="left").any().alias(name)
                for name, (start, end) in _windows(window_days).items()
            ],
        )
        .collect(engine="streaming")  # half the time of the other engine for so many groups
    )
    pairs, co_buyers = _co_purchases(per_customer.select("customer", "product", "last"), len(product_ids))
    sums = per_customer.group_by("product").agg(
        pl.len().cast(pl.Int64).alias("buyers"),
        (pl.col("times") > 1).sum().cast(pl.Int64).alias("repeat_buyers"),
        pl.col("times").sum().alias("times_bought"),
        (pl.col("first") - pl.col("last")).cast(pl.Int64).sum().alias("gap_days"),
        (pl.col("times") - 1).sum().alias("gaps"),
        pl.col("milli_quantity", "amount").sum(),
        *[pl.col(name).sum().cast(pl.Int64) for name in _windows(window_days)],
        (pl.col("buyers_30d") & pl.col("buyers_30d_to_120d")).sum().cast(pl.Int64).alias("returning_buyers_30d"),
        pl.col("first").max().alias("days_since_first_sold"),
        pl.col("last").min().alias("days_since_last_sold"),
    )
    products = sums.join(co_buyers, on="product", how="left", validate="1:1").with_columns(
        pl.col("co_buyers").fill_null(0)
    )
    ordered = products.select("product", *SUMMED, "days_since_first_sold", "days_since_last_sold").sort("product")
    return PartialItemFacts(as_of, product_ids, ordered, pairs)


def combine_item_facts(
    parts: Sequence[PartialItemFacts],
    categories: pl.DataFrame | None,
    *,
    neighbours_per_product: int = NEIGHBOURS_PER_PRODUCT,
) -> ItemFacts:
    """Sum the partial facts of buckets with different customers, and find each product's neighbours.

    Args:
        parts: at least one, all of the same date.
        categories: what `product_categories` returned.
        neighbours_per_product: so many neighbours are kept.
    """
    product_ids = pl.concat([part.product_ids for part in parts]).unique().sort()
    products = pl.concat([_recode(part.products, part.product_ids, product_ids, "product") for part in parts])
    sums = [pl.col(*SUMMED).sum(), pl.col("days_since_first_sold").max(), pl.col("days_since_last_sold").min()]
    summed = products.group_by("product").agg(sums).sort("product")
    pairs = pl.concat(
        [
            _recode(
                _recode(part.pairs, part.product_ids, product_ids, "product"),
                part.product_ids,
                product_ids,
                "neighbour",
            )
            for part in parts
        ]
    )
    if len(parts) > 1:
        pairs = _summed_pairs(pairs, len(product_ids))
    named = summed.with_columns(product_ids.gather(summed["product"]).alias("product_id"))
    if categories is None:
        named = named.with_columns(pl.lit(None, pl.String).alias("category"))
    else:
        named = named.join(categories, on="product_id", how="left", validate="1:1", maintain_order="left")
    return ItemFacts(
        parts[0].as_of,
        product_ids,
        named.drop("product_id"),
        _neighbours(pairs, summed, keep=neighbours_per_product),
        learn_taste(pairs, summed, product_count=len(product_ids)),
        has_categories=categories is not None and named["category"].is_not_null().any(),
    )


def _windows(window_days: int) -> dict[str, tuple[int, int]]:
    """Windows of `days_before`, [start, end)."""
    return {
        "buyers_7d": (0, 7),
        "buyers_30d": (0, 30),
        "buyers_previous_30d": (30, 60),
        "buyers_90d": (0, 90),
        "buyers_365d": (0, DAYS_A_YEAR),
        "buyers_season": (DAYS_A_YEAR - window_days, DAYS_A_YEAR),
        "buyers_before_season": (DAYS_A_YEAR, DAYS_A_YEAR + 30),
        "buyers_30d_to_120d": (30, 120),
    }


def _co_purchases(per_customer: pl.DataFrame, product_count: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Customers by pair of products (upper triangle), and by product, over each customer's latest products.

    Args:
        per_customer: `customer`, `product`, `last` (days since), a row a pair.
        product_count: so many products there are.
    """
    from scipy.sparse import csr_array  # noqa: PLC0415  heavy to import

    latest = (
        per_customer.filter(pl.col("last") < CO_PURCHASE_DAYS)
        .sort("customer", "last", "product")
        .filter(pl.int_range(pl.len()).over("customer") < CO_PURCHASE_PRODUCTS)
    )
    products_each = latest["customer"].rle().struct.field("len").to_numpy()
    starts = np.concatenate([[0], np.cumsum(products_each)]).astype(np.int32)
    shape = (len(products_each), product_count)
    ones = np.ones(latest.height, dtype=np.int32)
    matrix: Any = csr_array((ones, latest["product"].to_numpy().astype(np.int32), starts), shape=shape)
    counts: Any = matrix.T @ matrix
    rows = np.repeat(np.arange(product_count, dtype=np.uint32), np.diff(counts.indptr))
    columns = counts.indices.astype(np.uint32)
    upper = rows < columns
    pairs = pl.DataFrame({"product": rows[upper], "neighbour": columns[upper], "customers": counts.data[upper]})
    co_buyers = latest.group_by("product").agg(pl.len().cast(pl.Int64).alias("co_buyers"))
    return pairs, co_buyers


def _summed_pairs(pairs: pl.DataFrame, product_count: int) -> pl.DataFrame:
    """Pairs of products once each, their customers summed. As a sparse matrix: a third of a group-by's memory."""
    from scipy.sparse import coo_array  # noqa: PLC0415  heavy to import

    places = (pairs["product"].to_numpy().astype(np.int32), pairs["neighbour"].to_numpy().astype(np.int32))
    counts: Any = coo_array((pairs["customers"].to_numpy(), places), shape=(product_count, product_count)).tocsr()
    return pl.DataFrame(
        {
            "product": np.repeat(np.arange(product_count, dtype=np.uint32), np.diff(counts.indptr)),
            "neighbour": counts.indices.astype(np.uint32),
            "customers": counts.data,
        }
    )


def _neighbours(pairs: pl.DataFrame, products: pl.DataFrame, *, keep: int) -> pl.DataFrame:
    """The products that go best with each, now: what is on its way out makes room for what is bought lately.

    The cosine of buyer sets, shrunk where few customers bought both, times the neighbour's liveliness.
    """
    frequent = pairs.filter(pl.col("customers") >= SMALLEST_CO_PURCHASE)
    size = int(products["product"].max() or 0) + 1  # type: ignore[arg-type]  # a UInt32 column's is an int
    buyers, lively = np.zeros(size), np.zeros(size)
    buyers[products["product"].to_numpy()] = products["co_buyers"].to_numpy()
    lively[products["product"].to_numpy()] = _liveliness(products)
    one, other = frequent["product"].to_numpy(), frequent["neighbour"].to_numpy()
    together = frequent["customers"].to_numpy().astype(np.float64)
    cosine = together / np.sqrt(buyers[one] * buyers[other]) * together / (together + SIMILARITY_SHRINKAGE)
    there = frequent.select("product", "neighbour", pl.Series("similarity", cosine * lively[other]))
    back = frequent.select(
        product="neighbour", neighbour="product", similarity=pl.Series("similarity", cosine * lively[one])
    )
    worth_sorting = pl.col("similarity") >= pl.col("similarity").top_k(keep).min().over("product")
    return (
        pl.concat([there, back])
        .filter(worth_sorting)
        .sort(["product", "similarity", "neighbour"], descending=[False, True, False])
        .filter(pl.int_range(pl.len()).over("product") < keep)
    )


def _liveliness(products: pl.DataFrame) -> npt.NDArray[np.float64]:
    """The share of a year's buyers who bought within the last 30 days, shrunk, against that of all products (1)."""
    lately, year = (products[name].to_numpy() for name in ("buyers_30d", "buyers_365d"))
    overall = (lately.sum() + 1.0) / (year.sum() + 10.0)
    liveliness: npt.NDArray[np.float64] = (lately + 0.5) / (year + 5.0) / overall
    return liveliness


def _recode(frame: pl.DataFrame, old_ids: pl.Series, new_ids: pl.Series, column: str) -> pl.DataFrame:
    """Replace positions in `old_ids` by positions in `new_ids` (sorted, a superset)."""
    if len(old_ids) == len(new_ids):
        return frame
    positions = new_ids.search_sorted(old_ids).cast(pl.UInt32)
    return frame.with_columns(positions.gather(frame[column]).alias(column))
