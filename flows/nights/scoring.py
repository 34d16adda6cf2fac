"""Scoring a date: churn, value, reasons and offers, bucket by bucket.

Belongs here: which rows go to which model. Does not: features (`night_features.py`), how a score is made (`models`),
what becomes of it (`night.py`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from flows.buckets.core_tables import CoreTables
from flows.buckets.mapping import BucketMapping, bucket_mapping, read_parts, write_part
from flows.context import Context
from flows.errors import NobodyActiveError
from flows.featuring.stored_features import read_stored
from flows.learning.champions import Champion
from flows.nights.leaning import check_what_is_leaned_on
from warehouse.set_aside import set_aside

if TYPE_CHECKING:
    from flows.nights.subscribing import SubscriptionScores
    from models.bundle import Bundle
    from models.next_offer import ItemFacts, PartialItemFacts, ScoredCandidates

FEWEST_PRODUCTS = 2  # of one there is nothing to choose
Tick = Callable[[], None]


@dataclass(frozen=True)
class Scores:
    """One night's scores of active customers, and the features of everybody who ever bought.

    `offers` is None where there is but one product (nothing to choose from), or too little was bought to tell how
    likely offers are. `categories` and `brands` are None where products
    have none, now or when the next-offer model was trained. `next_orders` and
    `value_contributions` are None where the champions are of a time before there were such. `subscribers` is None where
    the company has no subscriptions.
    """

    features: pl.DataFrame
    churn: pl.DataFrame
    value: pl.DataFrame
    contributions: pl.DataFrame
    offers: pl.DataFrame | None
    categories: pl.DataFrame | None
    next_orders: pl.DataFrame | None = None
    value_contributions: pl.DataFrame | None = None
    subscribers: "SubscriptionScores | None" = None
    brands: pl.DataFrame | None = None

    def told(self) -> "Scores":
        """The same once segments are made: without the rows of contributions and offers, larger than all the rest."""
        frames = {name: getattr(self, name) for name in ("contributions", "value_contributions", "offers")}
        return self.without(name for name, frame in frames.items() if frame is not None)

    def without(self, names: Iterable[str]) -> "Scores":
        """The same without the rows of some."""
        return replace(self, **{name: getattr(self, name).clear() for name in names})


@dataclass(frozen=True, kw_only=True)
class FactsJob:
    """What a bucket adds to the facts about products, in plain values; `core` see `CoreTables.recipe`."""

    core: Mapping[str, Any]
    as_of: date
    window_days: int


@dataclass(frozen=True, kw_only=True)
class ScoringJob:
    """What a bucket is scored with.

    Attributes:
        core: see `CoreTables.recipe`.
        folder: where the scores are written.
        as_of: the date.
        features: the buckets' feature files.
        active_within_days: who is scored.
        bundles: the champions by name.
        facts: about products, of all customers.
    """

    core: Mapping[str, Any]
    folder: str
    as_of: date
    features: Mapping[int, str]
    active_within_days: int
    bundles: Mapping[str, "Bundle"]
    facts: "ItemFacts"


def score_customers(
    context: Context, *, core: CoreTables, as_of: date, champions: dict[str, Champion], paths: list[str], tick: Tick
) -> Scores:
    """Churn, value, reasons and offers of the active customers, bucket by bucket.

    Raises:
        NobodyActiveError: nobody bought within `population.active_within_days` before the date.
        LeanedOnBlankError: a champion leans on features that are blank.
        FeaturesMismatchError: a champion needs features that can't be made of these data.
        What `mapping.BucketMapping.run` raises.
    """
    within_days, buckets = context.settings.population.active_within_days, list(core.buckets())
    check_what_is_leaned_on(
        context,
        bundles={name: champion.bundle for name, champion in champions.items()},
        active=pl.scan_parquet(paths).filter(pl.col("days_since_last_order") <= within_days),
    )
    with bucket_mapping(context) as mapping:
        job = ScoringJob(
            core=core.recipe(),
            folder=str(mapping.folder),
            as_of=as_of,
            features=dict(zip(buckets, paths, strict=True)),
            active_within_days=within_days,
            bundles={name: champion.bundle for name, champion in champions.items()},
            facts=_item_facts(context, mapping, core, as_of),
        )
        written = mapping.run(score_bucket, job, buckets, tick=tick)
        made: dict[str, Any] = {name: read_parts([part[name] for part in written]) for name in written[0]}
        features = pl.concat([set_aside(read_stored(Path(path)), mapping.folder) for path in paths])
    made = {"offers": None, "categories": None, "brands": None} | made | {"features": features}
    scores = Scores(**made)
    if scores.churn.is_empty():
        raise NobodyActiveError(as_of=as_of, within_days=within_days, last_order=core.last_order_before(as_of))
    return scores


def _item_facts(context: Context, mapping: BucketMapping, core: CoreTables, as_of: date) -> "ItemFacts":
    """Facts about products, put together from what each bucket adds."""
    from models.next_offer import combine_item_facts  # noqa: PLC0415 heavy
    from models.next_offer.facts import product_categories  # noqa: PLC0415

    job = FactsJob(core=core.recipe(), as_of=as_of, window_days=context.settings.training.next_offer_window_days)
    parts = mapping.run(bucket_facts, job, list(core.buckets()), tick=lambda: None)
    return combine_item_facts(parts, product_categories(core.scan("products"), as_of=as_of, time_zone=core.time_zone))


def bucket_facts(job: FactsJob, bucket: int) -> "PartialItemFacts":
    """What one bucket adds to the facts: sums by product, so small that they travel."""
    from models.next_offer import partial_item_facts  # noqa: PLC0415 heavy

    core = CoreTables.from_recipe(job.core)
    return partial_item_facts(
        core.orders(bucket), as_of=job.as_of, time_zone=core.time_zone, window_days=job.window_days
    )


def score_bucket(job: ScoringJob, bucket: int) -> dict[str, str]:
    """One bucket's scores; by name where they were written. Those that can't be made are left out."""
    from models.next_offer import score_candidates  # noqa: PLC0415 heavy
    from models.next_offer.short_history import can_offer  # noqa: PLC0415 heavy

    core = CoreTables.from_recipe(job.core)
    table = read_stored(Path(job.features[bucket]))
    active = table.filter(pl.col("days_since_last_order") <= job.active_within_days)
    offered = None
    if len(job.facts.product_ids) >= FEWEST_PRODUCTS and can_offer(job.bundles["next_offer"]):
        candidates = score_candidates(
            job.bundles["next_offer"], core.orders(bucket), job.facts, as_of=job.as_of, time_zone=core.time_zone
        )
        offered = (candidates, core.scan("products"))
    made = _scored(active, offered, job.bundles)
    return {
        name: write_part(frame, Path(job.folder), name, bucket) for name, frame in made.items() if frame is not None
    }


def _scored(
    active: pl.DataFrame,
    offered: tuple["ScoredCandidates", pl.LazyFrame | None] | None,
    bundles: Mapping[str, "Bundle"],
) -> dict[str, pl.DataFrame | None]:
    """By attribute of `Scores` what the models say; None for what there is not, which is so for all buckets alike."""
    from models.next_offer import rank_brands, rank_categories, rank_offers  # noqa: PLC0415
    from models.purchases.churn import explain_churn, predict_churn  # noqa: PLC0415 heavy
    from models.value.model import explain_value, predict_value  # noqa: PLC0415

    return {
        "next_orders": _next_orders(bundles["churn"], active),
        "churn": predict_churn(bundles["churn"], active),
        "value": predict_value(bundles["value"], active),
        "value_contributions": explain_value(bundles["value"], active).drop("snapshot_date"),
        "contributions": explain_churn(bundles["churn"], active).drop("snapshot_date"),
        "offers": rank_offers(*offered) if offered else None,
        "categories": rank_categories(bundles["next_offer"], offered[0]) if offered else None,
        "brands": rank_brands(bundles["next_offer"], *offered) if offered else None,
    }


def _next_orders(churn: "Bundle", active: pl.DataFrame) -> pl.DataFrame | None:
    """Who is a customer still, and when they order next; None for champions of a time before there were such."""
    from models.purchases import next_order  # noqa: PLC0415 heavy
    from models.short_history.churn import still_customers, tells_by_purchases  # noqa: PLC0415 heavy

    if tells_by_purchases(churn):
        return still_customers(churn, active)
    curves = churn.files.get(next_order.FILE)
    return next_order.next_order_from(curves).forecast(active) if curves else None
