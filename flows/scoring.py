"""Scoring a date: features, churn, value, reasons and offers, bucket by bucket.

Belongs here: which rows go to which model. Does not: how a score is made (`models`), what becomes of it (`night.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.champions import Champion
from flows.context import Context
from flows.core_tables import CoreTables
from flows.errors import NobodyActiveError

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.next_offer import ScoredCandidates

FEWEST_PRODUCTS = 2  # of one there is nothing to choose
Tick = Callable[[], None]


@dataclass(frozen=True)
class Scores:
    """One night's scores of active customers, and the features of everybody who ever bought.

    `offers` is None where there is but one product: nothing to choose from. `categories` is None where products have
    none, now or when the next-offer model was trained.
    """

    features: pl.DataFrame
    churn: pl.DataFrame
    value: pl.DataFrame
    contributions: pl.DataFrame
    offers: pl.DataFrame | None
    categories: pl.DataFrame | None


def build_night_features(context: Context, *, core: CoreTables, as_of: date, tick: Tick) -> list[str]:
    """Features of everybody as of the date, one Parquet file a bucket; returns their paths."""
    paths = []
    for bucket in core.buckets():
        built = core.build_features(bucket, [as_of])
        paths.append(str(context.lake.write_bucket("features", as_of, bucket, built.collect())))
        tick()
    return paths


def score_customers(
    context: Context, *, core: CoreTables, as_of: date, champions: dict[str, Champion], paths: list[str], tick: Tick
) -> Scores:
    """Churn, value, reasons and offers of the active customers, bucket by bucket.

    Raises:
        NobodyActiveError: nobody bought within `population.active_within_days` before the date.
        FeaturesMismatchError: a champion needs features that can't be made of these data.
    """
    from models.next_offer import combine_item_facts, partial_item_facts, score_candidates  # noqa: PLC0415 heavy
    from models.next_offer.facts import product_categories  # noqa: PLC0415

    settings, zone = context.settings, core.time_zone
    window = settings.training.next_offer_window_days
    facts = combine_item_facts(
        [
            partial_item_facts(core.orders(bucket), as_of=as_of, time_zone=zone, window_days=window)
            for bucket in core.buckets()
        ],
        product_categories(core.scan("products"), as_of=as_of, time_zone=zone),
    )
    bundles = {name: champion.bundle for name, champion in champions.items()}
    parts: list[Scores] = []
    for bucket, path in zip(core.buckets(), paths, strict=True):
        table = pl.read_parquet(path)
        active = table.filter(pl.col("days_since_last_order") <= settings.population.active_within_days)
        offered = None
        if len(facts.product_ids) >= FEWEST_PRODUCTS:
            candidates = score_candidates(
                bundles["next_offer"], core.orders(bucket), facts, as_of=as_of, time_zone=zone
            )
            offered = (candidates, core.scan("products"))
        parts.append(_scored(table, active, offered, bundles))
        tick()
    scores = Scores(
        **{name: _together([getattr(part, name) for part in parts]) for name in Scores.__dataclass_fields__}
    )
    if scores.churn.is_empty():
        raise NobodyActiveError(
            as_of=as_of, within_days=settings.population.active_within_days, last_order=core.last_order_before(as_of)
        )
    return scores


def _together(parts: list[pl.DataFrame | None]) -> Any:  # noqa: ANN401 a frame, or None for what no bucket has
    """The buckets' frames under each other; None where there are none, which is so for all buckets or for no one."""
    frames = [part for part in parts if part is not None]
    return pl.concat(frames) if frames else None


def _scored(
    table: pl.DataFrame,
    active: pl.DataFrame,
    offered: tuple["ScoredCandidates", pl.LazyFrame | None] | None,
    bundles: dict[str, "Bundle"],
) -> Scores:
    from models.churn import explain_churn, predict_churn  # noqa: PLC0415 heavy
    from models.next_offer import rank_categories, rank_offers  # noqa: PLC0415
    from models.value import predict_value  # noqa: PLC0415

    return Scores(
        features=table,
        churn=predict_churn(bundles["churn"], active),
        value=predict_value(bundles["value"], active),
        contributions=explain_churn(bundles["churn"], active).drop("snapshot_date"),
        offers=rank_offers(*offered) if offered else None,
        categories=rank_categories(bundles["next_offer"], offered[0]) if offered else None,
    )
