"""Features of a customer-product pair as of a snapshot, from own history, item facts and candidate scores.

Belongs here: every number the ranking sees, and nothing it must not see (all inputs are as of the snapshot).
"""

import polars as pl

from models.next_offer.facts import ItemFacts
from models.next_offer.history import DECAY_UNIT, HALF_LIVES_DAYS, History

PAIR_FEATURES = (
    "times_bought",
    "times_bought_90d",
    "times_bought_365d",
    "times_bought_season",
    "decayed_30d",
    "decayed_120d",
    "days_since_bought",
    "days_since_first_bought",
    "orders_since_bought",
    "own_gap_days",
    "days_since_bought_per_gap",
    "share_of_orders",
    "share_of_orders_since_first",
    "share_of_amount",
    "largest_amount",
    "quantity_to_usual",
    "neighbour_score",
    "neighbour_best",
    "neighbour_count",
    "taste_score",
    "taste_to_best",
    "product_buyers_30d",
    "product_buyers_90d",
    "product_buyers_365d",
    "product_trend",
    "product_trend_7d",
    "product_trend_90d",
    "product_returning_share",
    "product_season_lift",
    "product_season_share",
    "product_season_of_year",
    "product_earlier_buyers",
    "product_repeat_share",
    "product_times_per_buyer",
    "days_since_first_sold",
    "days_since_last_sold",
    "price_fit",
    "category_share",
    "days_since_category_bought",
    "decayed_120d_rank",
    "share_of_orders_since_first_rank",
    "neighbour_score_rank",
    "taste_score_rank",
    "product_buyers_30d_rank",
)
CUSTOMER_FEATURES = (
    "customer_orders",
    "customer_orders_90d",
    "customer_orders_365d",
    "customer_orders_season",
    "days_since_order",
    "days_since_order_per_gap",
    "customer_products",
    "products_per_order",
    "repeat_share",
)
FEATURES = PAIR_FEATURES + CUSTOMER_FEATURES
RANKED = ("decayed_120d", "share_of_orders_since_first", "neighbour_score", "taste_score", "product_buyers_30d")


def pair_features(candidates: pl.DataFrame, history: History, facts: ItemFacts) -> pl.DataFrame:
    """Features of every candidate.

    Args:
        candidates: what `candidates.candidates` returned.
        history: the customers' own past as of the facts' date.
        facts: the products as of that date.

    Returns:
        The candidates' rows in their order: `customer`, `product`, `source`, `neighbour_product`, `category`, and
        FEATURES (Float32; null where there is nothing to tell from, as for days since a product never bought).
    """
    joined = (
        candidates.lazy()
        .join(history.pairs.lazy(), on=["customer", "product"], how="left", validate="1:1")
        .join(_customer_features(history.customers).lazy(), on="customer", how="left", validate="m:1")
        .join(_product_features(facts).lazy(), on="product", how="left", validate="m:1")
        .join(_category_habits(history, facts).lazy(), on=["customer", "category"], how="left", validate="m:1")
    )
    derived = joined.with_columns(
        pl.col("times_bought", "times_bought_90d", "times_bought_365d", "times_bought_season").fill_null(0),
        *[(pl.col(f"decayed_{days}d").fill_null(0) / DECAY_UNIT).alias(f"decayed_{days}d") for days in HALF_LIVES_DAYS],
        *_own_rhythm(),
        (pl.col("amount") / pl.col("customer_amount")).fill_null(0.0).alias("share_of_amount"),
        pl.col("largest_amount").log1p(),
        (pl.col("taste_score") / pl.col("taste_score").max().over("customer")).alias("taste_to_best"),
        (pl.col("milli_quantity") / pl.col("times_bought") / pl.col("product_milli_quantity_a_time"))
        .log1p()
        .alias("quantity_to_usual"),
        (pl.col("product_price").log() - pl.col("customer_price").log()).alias("price_fit"),
        pl.when(pl.col("category").is_not_null()).then(pl.col("category_share").fill_null(0.0)).alias("category_share"),
    ).with_columns(*_places())
    described = ["customer", "product", "source", "neighbour_product", "category"]
    return derived.select(*described, pl.col(*FEATURES).cast(pl.Float32)).sort("customer", "product").collect()


def _places() -> list[pl.Expr]:
    """Places among the customer's candidates, 1 = largest; equals share the best."""
    return [pl.col(name).rank("min", descending=True).over("customer").alias(f"{name}_rank") for name in RANKED]


def _own_rhythm() -> list[pl.Expr]:
    """How often this customer buys this product, and how long it has been by that rhythm."""
    own_gap = (pl.col("days_since_first_bought") - pl.col("days_since_bought")) / (pl.col("times_bought") - 1)
    gap = pl.when(pl.col("times_bought") > 1).then(own_gap)
    expected_gap = pl.coalesce(gap, "product_gap_days").clip(lower_bound=1.0)
    # Orders placed since the product was first bought can't be told from sums; days stand in for them.
    share_of_life = (pl.col("days_since_first_bought") + 1) / (pl.col("days_since_first_order") + 1)
    return [
        gap.alias("own_gap_days"),
        (pl.col("days_since_bought") / expected_gap).alias("days_since_bought_per_gap"),
        (pl.col("times_bought") / pl.col("customer_orders")).fill_null(0.0).alias("share_of_orders"),
        (pl.col("times_bought") / (pl.col("customer_orders") * share_of_life).clip(lower_bound=1.0))
        .fill_null(0.0)
        .alias("share_of_orders_since_first"),
    ]


def _customer_features(customers: pl.DataFrame) -> pl.DataFrame:
    gap = (pl.col("days_since_first_order") - pl.col("days_since_order")) / (pl.col("customer_orders") - 1)
    return customers.with_columns(
        pl.when(pl.col("customer_orders") > 1)
        .then(pl.col("days_since_order") / gap.clip(lower_bound=1.0))
        .alias("days_since_order_per_gap"),
        (pl.col("customer_lines") / pl.col("customer_orders")).alias("products_per_order"),
        (1.0 - pl.col("customer_products") / pl.col("customer_lines")).alias("repeat_share"),
        _price("customer_amount", "customer_milli_quantity").alias("customer_price"),
    )


def _product_features(facts: ItemFacts) -> pl.DataFrame:
    """Popularity as a share of all recent buyers, so that a growing company does not look like a growing product."""
    total = {name: pl.col(name).sum().clip(lower_bound=1) for name in ("buyers_30d", "buyers_90d", "buyers_365d")}
    season_total = pl.col("buyers_season").sum()
    before_total = pl.col("buyers_before_season").sum()
    smoothed = 1.0 + pl.col("buyers_season")
    return facts.products.select(
        "product",
        "category",
        "days_since_first_sold",
        "days_since_last_sold",
        *[(1000.0 * pl.col(name) / size).alias(f"product_{name}") for name, size in total.items()],
        ((pl.col("buyers_30d") + 2.0) / (pl.col("buyers_previous_30d") + 2.0)).alias("product_trend"),
        ((pl.col("buyers_7d") + 1.0) / (pl.col("buyers_30d") + 4.0)).alias("product_trend_7d"),
        ((pl.col("buyers_30d") + 2.0) / (pl.col("buyers_90d") + 6.0)).alias("product_trend_90d"),
        ((pl.col("buyers_season") + 1.0) / (pl.col("buyers_365d") + 12.0)).alias("product_season_of_year"),
        ((pl.col("buyers") - pl.col("buyers_365d")) / (pl.col("buyers_365d") + 1.0)).alias("product_earlier_buyers"),
        ((pl.col("returning_buyers_30d") + 1.0) / (pl.col("buyers_30d_to_120d") + 10.0)).alias(
            "product_returning_share"
        ),
        (pl.col("milli_quantity") / pl.col("times_bought"))
        .clip(lower_bound=1.0)
        .alias("product_milli_quantity_a_time"),
        pl.when((season_total > 0) & (before_total > 0))
        .then((smoothed + 1.0) / (pl.col("buyers_before_season") + 2.0))
        .alias("product_season_lift"),
        pl.when(season_total > 0).then(1000.0 * pl.col("buyers_season") / season_total).alias("product_season_share"),
        ((pl.col("repeat_buyers") + 1.0) / (pl.col("buyers") + 5.0)).alias("product_repeat_share"),
        (pl.col("times_bought") / pl.col("buyers")).alias("product_times_per_buyer"),
        pl.when(pl.col("gaps") > 0).then(pl.col("gap_days") / pl.col("gaps")).alias("product_gap_days"),
        _price("amount", "milli_quantity").alias("product_price"),
    )


def _category_habits(history: History, facts: ItemFacts) -> pl.DataFrame:
    """Each customer's share of purchases and last purchase by category; empty without categories."""
    categories = facts.products.select("product", "category").drop_nulls("category")
    return (
        history.pairs.join(categories, on="product")
        .group_by("customer", "category")
        .agg(
            pl.col("times_bought").sum().alias("category_times_bought"),
            pl.col("days_since_bought").min().alias("days_since_category_bought"),
        )
        .join(history.customers.select("customer", "customer_lines"), on="customer", validate="m:1")
        .select(
            "customer",
            "category",
            "days_since_category_bought",
            (pl.col("category_times_bought") / pl.col("customer_lines")).alias("category_share"),
        )
    )


def _price(amount: str, milli_quantity: str) -> pl.Expr:
    """Minor units a unit; null where no quantity is known."""
    return pl.when((pl.col(milli_quantity) > 0) & (pl.col(amount) > 0)).then(
        1000.0 * pl.col(amount) / pl.col(milli_quantity)
    )
