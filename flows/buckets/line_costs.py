"""What the goods of an order line cost, where the orders do not say: the product's own cost of one unit.

Belongs here: which cost of a product holds for a line. Not: reading the core (`core_tables`).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from warehouse.lake import SUPERSEDED_AT

_DAYS = 1 << 20  # more days than any date is since 1970, so that a product and a day make one number


@dataclass(frozen=True)
class UnitCosts:
    """Costs of one unit of each product, by the day from which they were known.

    Attributes:
        product_ids: products with a cost, sorted.
        since: place of the product in `product_ids` times 2^20 + the business day (since 1970) on which the cost became
            known; sorted.
        costs: minor units, one for each of `since`.
        time_zone: the company's.
    """

    product_ids: pl.Series
    since: npt.NDArray[np.int64]
    costs: npt.NDArray[np.float64]
    time_zone: str

    @classmethod
    def of(cls, products: pl.LazyFrame, *, time_zone: str) -> Self:
        """The costs that products ever had.

        Args:
            products: core products, all versions; a cost below 0 is none.
            time_zone: the company's.
        """
        if SUPERSEDED_AT in products.collect_schema().names():  # what was read wrongly was in force at no moment
            products = products.filter((pl.col(SUPERSEDED_AT) > pl.col("known_at")).fill_null(value=True))
        versions = (
            products.filter(pl.col("unit_cost") >= 0)
            .select("product_id", _day_of("known_at", time_zone).clip(0, _DAYS - 1), "known_at", "unit_cost")
            .sort("product_id", "known_at", "unit_cost")
            .unique(["product_id", "known_at_day"], keep="last", maintain_order=True)
            .collect()
        )
        place = versions.select(pl.col("product_id").rle_id().cast(pl.Int64)).to_series()
        return cls(
            versions["product_id"].unique(maintain_order=True),
            (place * _DAYS + versions["known_at_day"]).to_numpy(),
            versions["unit_cost"].cast(pl.Float64).to_numpy(),
            time_zone,
        )

    def filled(self, lines: pl.LazyFrame) -> pl.LazyFrame:
        """Order lines; a null `cost_amount` (Int64, minor units) becomes quantity times the cost of one unit.

        The cost is the one known when the day of the order was over or, where none was, when the day was over on which
        the line became known: no snapshot that counts the line stands before that. Null stays where there was none.
        """
        numbers = np.arange(len(self.product_ids))
        place = pl.col("product_id").replace_strict(self.product_ids, numbers, default=-1, return_dtype=pl.Int64)
        known = [
            (place * _DAYS + _day_of(name, self.time_zone))
            .map_batches(self._known, return_dtype=pl.Float64, is_elementwise=True)
            .fill_nan(None)
            for name in ("ordered_at", "known_at")
        ]
        cost = (pl.col("quantity") * pl.coalesce(known)).round().cast(pl.Int64)
        own = [pl.col("cost_amount")] if "cost_amount" in lines.collect_schema().names() else []
        return lines.with_columns(pl.coalesce(*own, cost).alias("cost_amount"))

    def _known(self, asked: pl.Series) -> pl.Series:
        """The latest cost known of each product and day, numbered as `since` is; NaN where there is none."""
        keys = asked.to_numpy()
        found = np.searchsorted(self.since, keys, side="right") - 1
        theirs = (found >= 0) & (self.since[found] // _DAYS == keys // _DAYS)
        return pl.Series(asked.name, np.where(theirs, self.costs[found], np.nan))


def _day_of(moment: str, time_zone: str) -> pl.Expr:
    """`<moment>_day`: the business day (since 1970) of a moment; a snapshot that counts it stands after that day."""
    day = pl.col(moment).dt.convert_time_zone(time_zone).dt.date().cast(pl.Int32).cast(pl.Int64)
    return day.alias(f"{moment}_day")
