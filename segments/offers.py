"""What to offer next, in words: the ranked list of every active customer, and its first three for the customer table.

Belongs here: names and reasons of offers that were ranked elsewhere. Does not: ranking.
"""

from datetime import date

import polars as pl

from segments.wording import filled_by_row

OFFERS_NEEDED = (
    "customer_id",
    "rank",
    "product_id",
    "category",
    "purchase_probability",
    "source",
    "times_bought",
    "days_since_bought",
    "neighbour_product_id",
)
NAMED_OFFERS = 3

_REASON_BY_SOURCE = {
    "bought before": "bought {times_bought} times, last {days_since_bought} days ago",
    "goes with what they bought": "goes with {neighbour_name}",
    "new in favourite category": "new in their favourite category, {category}",
}


def next_best_offers(
    offers: pl.DataFrame,
    *,
    active: pl.DataFrame,
    products: pl.DataFrame | None,
    as_of: date,
    next_offer_model_version: int | None,
    run_key: str,
) -> pl.DataFrame:
    """The table `segments.next_best_offer`.

    Args:
        offers: the columns of `OFFERS_NEEDED`, one row a (customer, rank).
        active: `customer_id` of the customers to list; others' offers are left out.
        products: `product_id` (unique) and `name`; None, or a product without a name: its id stands for the name.
        as_of: the business date of the run.
        next_offer_model_version: registered version of the ranking model.
        run_key: the run that publishes.

    Returns:
        One row a (customer_id, rank), sorted by both, columns as in `ranked_offers.NEXT_BEST_OFFER`.
    """
    names = _names(products)
    listed = offers.select(OFFERS_NEEDED).join(active.select("customer_id"), on="customer_id", how="semi")
    listed = listed.join(names, on="product_id", how="left", validate="m:1").join(
        names.rename({"product_id": "neighbour_product_id", "product_name": "neighbour_name"}),
        on="neighbour_product_id",
        how="left",
        validate="m:1",
    )
    return listed.select(
        pl.col("customer_id"),
        pl.col("rank").cast(pl.Int32),
        pl.lit(as_of, pl.Date).alias("as_of"),
        pl.col("product_id"),
        pl.coalesce("product_name", "product_id").alias("product_name"),
        pl.col("category").cast(pl.String),
        pl.col("purchase_probability").cast(pl.Float64),
        _reasons(listed),
        pl.lit(next_offer_model_version, pl.Int32).alias("next_offer_model_version"),
        pl.lit(run_key, pl.String).alias("run_key"),
    ).sort("customer_id", "rank")


def first_offers(next_best_offer: pl.DataFrame, customers: pl.DataFrame) -> pl.DataFrame:
    """The names of each customer's first three offers.

    Args:
        next_best_offer: as `next_best_offers` gives it.
        customers: `customer_id` (unique).

    Returns:
        `customer_id`, `next_offer_1`, `next_offer_2`, `next_offer_3` (String, null where there is none), in the
        order of `customers`.
    """
    named = customers.select("customer_id")
    for rank in range(1, NAMED_OFFERS + 1):
        of_rank = next_best_offer.filter(pl.col("rank") == rank)
        named = named.join(
            of_rank.select("customer_id", pl.col("product_name").alias(f"next_offer_{rank}")),
            on="customer_id",
            how="left",
            validate="1:1",
            maintain_order="left",
        )
    return named


def no_offers() -> pl.DataFrame:
    """Ranked offers of a run without a next-offer model: none."""
    text, whole = pl.String(), pl.Int32()
    dtypes = (text, whole, text, text, pl.Float64(), text, whole, whole, text)
    return pl.DataFrame(schema=dict(zip(OFFERS_NEEDED, dtypes, strict=True)))


def _names(products: pl.DataFrame | None) -> pl.DataFrame:
    """`product_id` and `product_name`, products that have a name only."""
    if products is None:
        return pl.DataFrame(schema={"product_id": pl.String, "product_name": pl.String})
    name = pl.col("name").cast(pl.String).str.strip_chars()
    return products.select("product_id", name.alias("product_name")).filter(pl.col("product_name") != "")


def _reasons(listed: pl.DataFrame) -> pl.Series:
    """The source of each offer with its evidence; the source alone where the evidence is missing."""
    values = {
        "times_bought": pl.col("times_bought").cast(pl.Int64).cast(pl.String),
        "days_since_bought": pl.col("days_since_bought").cast(pl.Int64).cast(pl.String),
        "neighbour_name": pl.coalesce("neighbour_name", "neighbour_product_id"),
        "category": pl.col("category").cast(pl.String),
    }
    source = pl.col("source").cast(pl.String)
    template = source.replace_strict(_REASON_BY_SOURCE, default=None, return_dtype=pl.String)
    said = filled_by_row(listed.with_columns(template.alias("template")), "template", values)
    return listed.select(pl.coalesce(said, source).alias("reason"))["reason"]
