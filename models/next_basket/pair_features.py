"""Features of a customer and a product, from own habits, everybody's baskets and the product's facts.

Belongs here: every number the ranking sees. Not: where candidates come from, or how they are ranked.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.next_basket.baskets import Baskets, Snapshot
from models.next_basket.candidates import candidate_places
from models.next_basket.crowd import CROWD_SCORES, Crowd
from models.next_basket.habits import HALF_LIVES_BASKETS, LAST_BASKETS, category_habits, customer_habits, pair_habits
from models.next_basket.neighbours import Integers, Matrix, TifuOptions, UpCfOptions
from models.next_basket.products import gap_class, product_facts, return_chances

CELLS_AT_ONCE = 8_000_000  # customers times products scored as one dense block
RELATIVE = ("tifu", "up_cf", "tifu_neighbours", "follows", "goes_with")


@dataclass(frozen=True)
class Facts:
    """All that is known at a snapshot, ready to describe pairs."""

    snapshot: Snapshot
    crowd: Crowd
    pairs: pl.DataFrame
    customers: pl.DataFrame
    products: pl.DataFrame
    chances: pl.DataFrame
    categories: pl.Series | None
    in_category: pl.DataFrame | None

    @classmethod
    def of(cls, baskets: Baskets, snapshot: Snapshot, tifu: TifuOptions, up_cf: UpCfOptions, *, seed: int) -> "Facts":
        """Count everything once."""
        count = len(baskets.product_ids)
        named = None if baskets.categories is None else category_habits(snapshot, baskets.categories)
        return cls(
            snapshot,
            Crowd.of(snapshot, count, tifu, up_cf, seed=seed),
            pair_habits(snapshot),
            customer_habits(snapshot),
            product_facts(snapshot, count),
            return_chances(snapshot),
            baskets.categories,
            named,
        )


def blocks(facts: Facts, rows: Integers) -> list[Integers]:
    """Rows of the snapshot's customers in blocks that can be scored at once."""
    each = max(CELLS_AT_ONCE // max(facts.products.height, 1), 1)
    return [rows[start : start + each] for start in range(0, len(rows), each)]


def described_candidates(facts: Facts, rows: Integers, scores: dict[str, Matrix] | None = None) -> pl.DataFrame:
    """Candidates of some customers with their features.

    Args:
        facts: of the snapshot.
        rows: places in the snapshot's customers; one block.
        scores: of the crowd for these rows, where they are there already.

    Returns:
        One row a customer and product, sorted by both: `customer`, `product` and the features (Float32, null where
        there is nothing to tell from).
    """
    scores = facts.crowd.scores(rows) if scores is None else scores
    popularity = facts.products["product_buyers_last_3"].fill_null(0.0).to_numpy()
    row, product = candidate_places(scores, popularity)
    customer = facts.snapshot.customers["customer"].to_numpy()[rows]
    frame = pl.DataFrame(
        {
            "customer": customer[row],
            "product": product.astype(np.uint32),
            **{name: scores[name][row, product] for name in CROWD_SCORES},
        }
    )
    return _described(frame, facts)


def _described(frame: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    joined = (
        frame.lazy()
        .join(facts.pairs.lazy(), on=["customer", "product"], how="left", validate="1:1")
        .join(facts.customers.lazy(), on="customer", how="left", validate="m:1")
        .join(facts.products.lazy(), on="product", how="left", validate="m:1")
        .with_columns(gap_class(pl.col("baskets_since")).alias("gap_class"))
        .join(facts.chances.lazy().drop_nulls("product"), on=["product", "gap_class"], how="left", validate="m:1")
    )
    if facts.in_category is not None and facts.categories is not None:
        named = pl.LazyFrame({"product": facts.products["product"], "category": facts.categories})
        habits = facts.in_category.lazy()
        joined = joined.join(named, on="product", how="left", validate="m:1").join(
            habits, on=["customer", "category"], how="left", validate="m:1"
        )
    since, n = pl.col("baskets_since"), pl.col("baskets")
    counts = ["times", *[f"times_last_{last}" for last in LAST_BASKETS]]
    decays = [f"decayed_{half}" for half in HALF_LIVES_BASKETS]
    derived = joined.with_columns(
        pl.col(*counts).fill_null(0), pl.col(*decays).fill_null(0.0), pl.col("return_chance").fill_null(0.0)
    ).with_columns(
        (pl.col("times") / n).alias("share_of_baskets"),
        (pl.col("times") / (pl.col("baskets_since_first") + 1)).alias("share_since_first"),
        ((since + 1) / pl.col("own_gap")).alias("since_per_gap"),
        ((since + 1) / pl.col("last_gap")).alias("since_per_last_gap"),
        *[(pl.col(name) / pl.col(name).max().over("customer")).alias(f"{name}_relative") for name in RELATIVE],
        *[
            pl.col(name).rank("min", descending=True).over("customer").alias(f"{name}_rank")
            for name in ("tifu", "up_cf")
        ],
        (pl.col("baskets_since").is_null()).cast(pl.Float32).alias("is_new"),
    )
    if "end_day" in derived.collect_schema().names():
        derived = derived.with_columns((pl.col("end_day") - pl.col("last_day")).alias("days_since"))
    dropped = ["customer", "product", "category", "gap_class", "end_day", "start_day", "last_day"]
    features = [name for name in derived.collect_schema().names() if name not in dropped]
    return (
        derived.select("customer", "product", pl.col(*features).cast(pl.Float32)).sort("customer", "product").collect()
    )
