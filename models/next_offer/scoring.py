"""Scoring the candidates of one bucket's active customers with a trained bundle, once; and ranking offers from that.

Belongs here: from rows to scored candidates, and from those to the ranked list with its evidence. Not: the ranking of
categories (categories), or words for the reason (segments).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from data_contracts.orders import current_at, snapshot_instant
from models.bundle import Bundle
from models.next_offer.baseline import baseline_score
from models.next_offer.bought import bought_before, code_lines
from models.next_offer.candidates import SOURCES, candidates
from models.next_offer.errors import FactsDateError, OfferModelMismatchError
from models.next_offer.facts import ItemFacts
from models.next_offer.history import history_of_bought
from models.next_offer.options import OfferOptions
from models.next_offer.pair_features import FEATURES, pair_features
from models.next_offer.probability import Floats, calibration_from_json, purchase_probabilities
from models.next_offer.ranker import rank_scores, ranker_of
from models.next_offer.ranking import CALIBRATION_FILE
from models.next_offer.verdict import with_ranks

JUST_BOUGHT_DAYS = 30
BOUGHT_ONCE_SHARE = 0.02  # of a product's buyers, shrunk: fewer come back to it


@dataclass(frozen=True)
class ScoredCandidates:
    """All candidates of a bucket's active customers, scored: what offers and categories are ranked from.

    Attributes:
        as_of: the snapshot date.
        time_zone: the company's.
        frame: one row a customer and product, sorted by both: `customer`, `product` (UInt32), `source` (UInt8, position
            in SOURCES), `neighbour_product` (UInt32 or null), `category` (String or null), `times_bought`,
            `days_since_bought` (Float32, the latter null where never bought), `product_repeat_share` (Float32, of the
            product's buyers those who came back to it, shrunk), `score` (Float64, comparable only within
            a customer), `purchase_probability` (Float64).
        customer_ids: sorted; `customer` is a position in it.
        product_ids: sorted; `product` and `neighbour_product` are positions in it.
        has_categories: some product has a category.
    """

    as_of: date
    time_zone: str
    frame: pl.DataFrame
    customer_ids: pl.Series
    product_ids: pl.Series
    has_categories: bool


def score_candidates(
    bundle: Bundle, orders: pl.LazyFrame, facts: ItemFacts, *, as_of: date, time_zone: str
) -> ScoredCandidates:
    """Find and score the candidates of every active customer.

    Args:
        bundle: what `train_next_offer` returned.
        orders: core order lines: one bucket (all lines of some customers), or all.
        facts: item facts of ALL customers as of the same date.
        as_of: the snapshot date.
        time_zone: the company's.

    Returns:
        The candidates. Customers without a purchase within the bundle's `active_within_days` have none.

    Raises:
        FactsDateError: the facts are as of another date.
        OfferModelMismatchError: the bundle wants features that are not made here.
    """
    if facts.as_of != as_of:
        raise FactsDateError(facts_as_of=facts.as_of, as_of=as_of)
    unknown = set(bundle.features) - set(FEATURES)
    if unknown:
        raise OfferModelMismatchError(unknown_features=unknown)
    options = OfferOptions(**{"taste_candidates": 0} | bundle.parameters["options"])  # an older bundle knew no taste
    instant = snapshot_instant(as_of, time_zone=time_zone)
    coded = code_lines(orders, before=instant, product_ids=facts.product_ids)
    history = history_of_bought(
        bought_before(coded.lines, instant),
        window_days=options.window_days,
        active_within_days=options.active_within_days,
    )
    features = pair_features(candidates(history, facts, options), history, facts)
    scores = _scores(bundle, features)
    calibration = calibration_from_json(bundle.files[CALIBRATION_FILE])
    frame = features.select(
        "customer",
        "product",
        "source",
        "neighbour_product",
        "category",
        "times_bought",
        "days_since_bought",
        "product_repeat_share",
        pl.Series("score", scores, dtype=pl.Float64),
        pl.Series("purchase_probability", purchase_probabilities(calibration, features, scores)),
    )
    return ScoredCandidates(as_of, time_zone, frame, coded.customer_ids, facts.product_ids, facts.has_categories)


def rank_offers(
    scored: ScoredCandidates,
    products: pl.LazyFrame | None,
    *,
    top: int = 10,
    mode: str = "all",
    out_of_stock: Sequence[str] = (),
) -> pl.DataFrame:
    """The products each active customer is most likely to buy next.

    What was bought in the last 30 days is left out where next to nobody buys it a second time.

    Args:
        scored: what `score_candidates` returned.
        products: core products, or None; those known to be not active are left out.
        top: so many a customer at most.
        mode: "all" products, only those "new" to the customer, or only those bought before ("repeat").
        out_of_stock: identifiers of products to leave out as well.

    Returns:
        One row a customer and rank, sorted by both: `customer_id`, `rank` (Int32, 1 = first), `product_id`,
        `category` (String or null), `purchase_probability` (Float64, of buying it within the window the model was
        trained for), `score` (Float64, comparable only within a customer), `source` (one of SOURCES), and the evidence:
        `times_bought` (Int64), `days_since_bought` (Int32 or null), `neighbour_product_id` (String or null, the own
        product it goes with best).
    """
    inactive = inactive_products(products, as_of=scored.as_of, time_zone=scored.time_zone)
    not_offered = pl.Series("product", scored.product_ids.is_in(inactive["product_id"].implode()).arg_true())
    missing = pl.Series("product", scored.product_ids.is_in(list(out_of_stock)).arg_true())
    left_out = pl.concat([not_offered, missing]).unique().to_frame()
    fitting = scored.frame.filter(_of_mode(mode) & ~_just_bought_for_good())
    offered = fitting.join(left_out, on="product", how="anti", maintain_order="left")
    ranked = with_ranks(offered, offered["score"].to_numpy()).filter(pl.col("rank") <= top)
    return ranked.select(
        scored.customer_ids.gather(ranked["customer"]).alias("customer_id"),
        pl.col("rank").cast(pl.Int32),
        scored.product_ids.gather(ranked["product"]).alias("product_id"),
        "category",
        "purchase_probability",
        "score",
        pl.col("source").replace_strict(dict(enumerate(SOURCES)), return_dtype=pl.String),
        pl.col("times_bought").cast(pl.Int64),
        pl.col("days_since_bought").cast(pl.Int32),
        scored.product_ids.gather(ranked["neighbour_product"]).alias("neighbour_product_id"),
    )


def inactive_products(products: pl.LazyFrame | None, *, as_of: date, time_zone: str) -> pl.DataFrame:
    """`product_id` of products that were known, before `as_of`, to be no longer (or not yet) sold."""
    if products is None:
        return pl.DataFrame(schema={"product_id": pl.String})
    known = current_at(products, snapshot_instant(as_of, time_zone=time_zone))
    latest = known.sort("product_id", "known_at", "active").group_by("product_id", maintain_order=True).last()
    return latest.filter(pl.col("active").eq(other=False)).select("product_id").collect()


def _just_bought_for_good() -> pl.Expr:
    """Bought lately, and hardly anybody comes back to the product."""
    return (pl.col("days_since_bought") < JUST_BOUGHT_DAYS).fill_null(value=False) & (
        pl.col("product_repeat_share") < BOUGHT_ONCE_SHARE
    )


def _of_mode(mode: str) -> pl.Expr:
    """Whether a candidate is of the kind asked for."""
    kinds = {"all": pl.lit(value=True), "new": pl.col("times_bought") == 0, "repeat": pl.col("times_bought") > 0}
    return kinds[mode]


def _scores(bundle: Bundle, features: pl.DataFrame) -> Floats:
    if bundle.method == "baseline":
        return baseline_score(features).to_numpy()
    return rank_scores(ranker_of(bundle.files, bundle.parameters), features, bundle.features)
