"""What is known of products at each snapshot: category, brand, and price level within the category.

Belongs here: products as of dates, in the numbering of one bucket's lines. Does not: what customers bought of them.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.arrays import Ints
from features.items import NO_ITEM
from features.snapshots import Snapshots

THOUSANDTHS = 1000
GROUPS = ("category", "brand")


@dataclass(frozen=True)
class ProductFacts:
    """By snapshot, one row a product of the bucket's lines: `category`, `brand` (Int32), `price_level` (Int64)."""

    by_snapshot: list[pl.DataFrame]

    @classmethod
    def of(cls, products: pl.LazyFrame, product_ids: pl.Series, snapshots: Snapshots) -> "ProductFacts":
        """Look up the products that were bought.

        Raises:
            polars.exceptions.ComputeError: two versions of one product count for one snapshot.
        """
        columns = [name for name in products.collect_schema() if name in {"known_at", "superseded_at"}]
        whole = products.select("product_id", *GROUPS, "list_price", *columns).collect()
        numbered = whole.with_columns(
            (pl.col(group).rank("dense").cast(pl.Int32) - 1).fill_null(NO_ITEM) for group in GROUPS
        ).lazy()
        bought = product_ids.alias("product_id").to_frame().lazy()
        asked = [
            bought.join(
                snapshot.known(numbered).select("product_id", *GROUPS, _price_level()),
                on="product_id",
                how="left",
                validate="m:1",
                maintain_order="left",
            ).with_columns(pl.col(*GROUPS).fill_null(NO_ITEM), pl.col("price_level").fill_null(0))
            for snapshot in snapshots
        ]
        return cls(pl.collect_all(asked))

    def groups(self, kind: str) -> list[tuple[tuple[int, ...], Ints]]:
        """Snapshots that see products in the same groups, and the group of each product (and, last, of no product)."""
        alike: dict[bytes, tuple[list[int], Ints]] = {}
        for number, frame in enumerate(self.by_snapshot):
            group = np.append(frame[kind].to_numpy(), NO_ITEM).astype(np.int32)
            alike.setdefault(group.tobytes(), ([], group))[0].append(number)
        return [(tuple(numbers), group) for numbers, group in alike.values()]

    def price_level(self, number: int) -> Ints:
        """Each product's list price over the mean of its category's, in thousandths; 0 where that is not known."""
        return self.by_snapshot[number]["price_level"].to_numpy()


def _price_level() -> pl.Expr:
    price = pl.col("list_price")
    in_category = pl.when(pl.col("category") != NO_ITEM).then(price.sum().over("category"))
    level = price * price.count().over("category") * THOUSANDTHS / in_category
    return pl.when(in_category > 0).then(level.round()).cast(pl.Int64).alias("price_level")
