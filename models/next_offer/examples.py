"""What was asked and what came true at one past snapshot: candidates with features, and what was then bought.

Belongs here: one snapshot's examples, and which of them are kept for learning. Not: which snapshots are used for what.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from data_contracts.orders import snapshot_instant
from models.next_offer.bought import CodedLines, bought_before
from models.next_offer.candidates import candidates
from models.next_offer.facts import combine_item_facts, facts_of_bought
from models.next_offer.history import history_of_bought
from models.next_offer.options import OfferOptions
from models.next_offer.pair_features import pair_features


@dataclass(frozen=True)
class Past:
    """All there is to learn from: coded lines, categories and brands of products, and until when it was known."""

    coded: CodedLines
    categories: pl.DataFrame | None
    as_of: date
    time_zone: str
    brands: pl.DataFrame | None = None


@dataclass(frozen=True)
class Examples:
    """One snapshot's questions and answers.

    Attributes:
        snapshot: the date the questions were asked.
        frame: what `pair_features` returned, sorted by customer and product, with `bought` (Int8: within the window).
        truth: `customer`, `product`: everything the customers asked about bought within the window.
        catalogue: `product`: those sold within the year before the snapshot.
    """

    snapshot: date
    frame: pl.DataFrame
    truth: pl.DataFrame
    catalogue: pl.DataFrame

    def truth_categories(self, past: Past, categories: pl.DataFrame) -> pl.DataFrame:
        """`customer`, `category` pairs bought from, by `product_id`, `category` (which may hold brands)."""
        named = self.truth.with_columns(past.coded.product_ids.gather(self.truth["product"]).alias("product_id"))
        return named.join(categories, on="product_id", validate="m:1").select("customer", "category").unique()


def examples_at(past: Past, snapshot: date, options: OfferOptions, *, only_buyers: bool = False) -> Examples:
    """Candidates of active customers at `snapshot`, from what was known then, and what they bought afterwards.

    Of many some are drawn by lot (`customers_asked`); facts about products are those of all lines handed in.
    With `only_buyers`, of those who bought in the window: all a ranking learns from, at a fraction of the work.
    Descriptions of products (their category) are those known at training time: they describe, they don't happen.
    """
    instant = snapshot_instant(snapshot, time_zone=past.time_zone)
    bought = bought_before(past.coded.lines, instant)
    part = facts_of_bought(bought, past.coded.product_ids, as_of=snapshot, window_days=options.window_days)
    facts = combine_item_facts([part], past.categories, neighbours_per_product=options.neighbours_per_product)
    asked = bought.filter(pl.col("days_before") < options.active_within_days).select("customer").unique()
    truth = bought_after(past, snapshot, window_days=options.window_days).join(asked, on="customer", how="semi")
    buyers = truth.select("customer").unique()
    asked, count = (
        (buyers, options.buyers_asked)
        if only_buyers
        else (asked, customers_asked(asked.height, buyers.height, options))
    )
    if asked.height > count:
        asked = _drawn(asked, count, snapshot)
        truth = truth.join(asked, on="customer", how="semi")
    history = history_of_bought(
        bought.join(asked, on="customer", how="semi"),
        window_days=options.window_days,
        active_within_days=options.active_within_days,
    )
    features = pair_features(candidates(history, facts, options), history, facts)
    frame = features.join(
        truth.with_columns(pl.lit(1, pl.Int8).alias("bought")),
        on=["customer", "product"],
        how="left",
        validate="1:1",
        maintain_order="left",
    )
    return Examples(
        snapshot,
        frame.with_columns(pl.col("bought").fill_null(0)),
        truth.sort("customer", "product"),
        facts.products.filter(pl.col("buyers_365d") > 0).select("product"),
    )


def customers_asked(active: int, buyers: int, options: OfferOptions) -> int:
    """How many active customers are asked about: the fewer of them buy, the more, for as certain figures."""
    enough = options.buyers_asked * active // max(buyers, 1)
    return min(max(enough, options.fewest_customers), options.customers_per_snapshot)


def _drawn(customers: pl.DataFrame, count: int, snapshot: date) -> pl.DataFrame:
    """So many of them by lot, another lot at every snapshot."""
    chosen = np.random.default_rng(snapshot.toordinal()).permutation(customers.height)[:count]
    return customers.sort("customer")[chosen]


def bought_after(past: Past, snapshot: date, *, window_days: int) -> pl.DataFrame:
    """`customer`, `product` pairs bought in the window that starts at `snapshot`, as known at training time."""
    start = snapshot_instant(snapshot, time_zone=past.time_zone)
    end = snapshot_instant(snapshot + timedelta(days=window_days), time_zone=past.time_zone)
    known_by = snapshot_instant(past.as_of, time_zone=past.time_zone)
    later = past.coded.lines.filter(pl.col("ordered_at") >= start)
    return bought_before(later, end, known_by=known_by).select("customer", "product").unique()


def to_learn_from(examples: Examples, options: OfferOptions, *, seed: int) -> pl.DataFrame:
    """Buyers whose candidates hold a hit, with at most so many misses each: an even, repeatable sample."""
    buyers = examples.frame.filter(pl.col("bought") == 1).select("customer").unique()
    draws = np.random.default_rng([seed, examples.snapshot.toordinal()])
    buyers = buyers.sort("customer").with_columns(pl.Series("draw", draws.permutation(buyers.height)))
    chosen = buyers.filter(pl.col("draw") < options.buyers_per_snapshot)
    rows = examples.frame.join(chosen.select("customer"), on="customer", how="semi", maintain_order="left")
    drawn = rows.with_columns(pl.Series("draw", draws.random(rows.height)))
    place = pl.col("draw").rank("ordinal").over("customer", "bought")
    return drawn.filter((pl.col("bought") == 1) | (place <= options.negatives_per_buyer)).drop("draw")
