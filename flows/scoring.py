"""Scoring a date: champions resolved once, features and scores bucket by bucket, segments, publication.

Belongs here: the steps of a night after the load. Does not: how a score is made (`models`), what a segment is
(`segments`), how tables are published (`warehouse.publishing`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

import features
from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.orders import snapshot_instant
from data_contracts.published import PublishedTable
from flows.context import Context
from flows.core_tables import CoreTables
from flows.errors import NobodyActiveError, NoChampionError
from flows.model_facts import model_facts
from segments.build import SegmentTables, build_segments
from segments.contracts import NEXT_BEST_OFFER, WATCHED_COLUMNS, customer_contract
from segments.inputs import RunStamp, ScoredCustomers, SegmentRules
from segments.money import Currency
from segments.summary import summarise
from warehouse.audit import VolumeOverrides
from warehouse.changes import stamp_changes
from warehouse.ledger import Promotion, Run, champion_for, run_key
from warehouse.publications import VERSIONS_SCHEMA, Publication, publication, rows_before, versioned_name
from warehouse.publishing import Published, PublishOptions, publish

if TYPE_CHECKING:
    from models.bundle import Bundle

MODELS = ("churn", "value", "next_offer")
Tick = Callable[[], None]


@dataclass(frozen=True)
class Champion:
    """A promoted model, verified and ready."""

    promotion: Promotion
    bundle: "Bundle"


@dataclass(frozen=True)
class Scores:
    """One night's scores of active customers, and the features of everybody who ever bought."""

    features: pl.DataFrame
    churn: pl.DataFrame
    value: pl.DataFrame
    contributions: pl.DataFrame
    offers: pl.DataFrame


def find_champions(context: Context, as_of: date) -> dict[str, Promotion] | None:
    """Which version of each model may score that date, by the ledger; None when any of them is missing."""
    if not context.warehouse().exists():
        return None
    with context.warehouse() as warehouse:
        found = {name: champion_for(warehouse, name, as_of) for name in MODELS}
    return {name: promotion for name, promotion in found.items() if promotion} if all(found.values()) else None


def standing_publication(context: Context, as_of: date) -> dict[str, Any] | None:
    """What is published already for that date and these settings, in plain values; None when nothing is."""
    key = run_key("score", as_of, context.settings.configuration_hash)
    with context.warehouse() as warehouse:
        standing = publication(warehouse, key)
        if standing is None:
            return None
        rows = {
            table: warehouse.read_table(VERSIONS_SCHEMA, versioned_name(table, standing.version_number))
            for table in ("customer", "next_best_offer")
            if standing.collected_at is None
        }
    facts = _publication_facts("unchanged", standing)
    return facts | ({"segments": summarise(rows["customer"], rows["next_best_offer"])} if rows else {})


def open_champions(context: Context, *, as_of: date, tick: Tick) -> dict[str, Champion]:
    """The champions of that date, every byte verified against the ledger's digest before anything is parsed.

    Raises:
        NoChampionError: a model has none that had seen nothing later.
        BundleCorruptError: a registered file is not what it was.
        DependencyDownError: the registry does not answer.
    """
    with context.warehouse() as warehouse:
        promotions = {name: champion_for(warehouse, name, as_of) for name in MODELS}
    opened = {}
    for name, promotion in promotions.items():
        if promotion is None:
            raise NoChampionError(model=name, as_of=as_of)
        bundle = context.registry.load(name, version=promotion.version, digest=promotion.digest)
        opened[name] = Champion(promotion, bundle)
        tick()
    return opened


def build_night_features(context: Context, *, core: CoreTables, as_of: date, tick: Tick) -> list[str]:
    """Features of everybody as of the date, one Parquet file a bucket; returns their paths."""
    paths = []
    for bucket in core.buckets():
        built = features.build(
            core.orders(bucket),
            core.scan("customers", bucket),
            core.scan("products"),
            snapshots=[as_of],
            time_zone=core.time_zone,
            absent_columns=core.absent_columns,
        )
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
    from models.next_offer import combine_item_facts, partial_item_facts, rank_offers  # noqa: PLC0415 heavy
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
        offers = rank_offers(
            bundles["next_offer"],
            core.orders(bucket),
            core.scan("products"),
            facts,
            as_of=as_of,
            time_zone=zone,
        )
        parts.append(_scored(table, active, offers, bundles))
        tick()
    scores = Scores(*(pl.concat([getattr(part, name) for part in parts]) for name in Scores.__dataclass_fields__))
    if scores.churn.is_empty():
        raise NobodyActiveError(
            as_of=as_of, within_days=settings.population.active_within_days, last_order=core.last_order_before(as_of)
        )
    return scores


def _scored(table: pl.DataFrame, active: pl.DataFrame, offers: pl.DataFrame, bundles: dict[str, "Bundle"]) -> Scores:
    from models.churn import explain_churn, predict_churn  # noqa: PLC0415 heavy
    from models.value import predict_value  # noqa: PLC0415

    return Scores(
        features=table,
        churn=predict_churn(bundles["churn"], active),
        value=predict_value(bundles["value"], active),
        contributions=explain_churn(bundles["churn"], active).drop("snapshot_date"),
        offers=offers,
    )


def make_segments(
    context: Context,
    *,
    core: CoreTables,
    as_of: date,
    scores: Scores,
    champions: dict[str, Champion],
    run_key: str,
    tick: Tick,  # noqa: ARG001 every step is handed one
) -> SegmentTables:
    """The segment tables of the night."""
    settings = context.settings
    specs = features.catalogue(core.entities, absent_columns=core.absent_columns)
    scored = ScoredCustomers(
        features=scores.features,
        churn=scores.churn,
        value=scores.value,
        offers=scores.offers,
        contributions=scores.contributions,
        customers=_known(core.scan("customers"), core, as_of),
        products=_known(core.scan("products"), core, as_of),
        phrases={spec.name: spec.phrase for spec in specs},
        phrases_when_unknown={spec.name: spec.phrase_when_null for spec in specs},
        units={spec.name: spec.unit for spec in specs},
    )
    medium, high, critical = settings.segments.churn_risk_bands
    rules = SegmentRules(
        active_within_days=settings.population.active_within_days,
        medium_risk_from=medium,
        high_risk_from=high,
        critical_risk_from=critical,
        tier_shares=settings.segments.tier_shares,
        contact_without_recorded_consent=settings.segments.contact_without_recorded_consent,
    )
    versions = {f"{name}_model_version": champion.promotion.version for name, champion in champions.items()}
    stamp = RunStamp(as_of=as_of, run_key=run_key, **versions)
    return build_segments(scored, stamp=stamp, currency=_currency(context), rules=rules)


def publish_night(
    context: Context, *, run: Run, tables: SegmentTables, force: bool, allowances: dict[str, bool], tick: Tick
) -> Published:
    """Stage, audit and publish the night's tables, all of them or none."""
    with context.warehouse() as warehouse:
        customer = stamp_changes(
            tables.customer,
            rows_before(warehouse, "customer", run.as_of),
            key=("customer_id",),
            watched=WATCHED_COLUMNS,
            as_of=run.as_of,
        )
        tick()
        return publish(
            warehouse,
            {
                "customer": PublishedTable(customer, customer_contract(_currency(context))),
                "next_best_offer": PublishedTable(tables.next_best_offer, NEXT_BEST_OFFER),
            },
            run=run,
            now=context.clock(),
            options=PublishOptions(force=force, overrides=VolumeOverrides(**allowances)),
        )


def night_summary(tables: SegmentTables, champions: dict[str, Champion], published: Published) -> dict[str, Any]:
    """What a night brought, in plain values."""
    return {
        **_publication_facts(published.outcome, published.publication),
        "segments": summarise(tables.customer, tables.next_best_offer),
        "champions": {
            name: model_facts(champion.bundle, champion.promotion.version) for name, champion in champions.items()
        },
    }


def _publication_facts(outcome: str, version: Publication) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "as_of": version.as_of.isoformat(),
        "run_key": version.run_key,
        "version": version.version_number,
        "content_hash": version.content_hash,
        "rows": dict(version.tables),
    }


def _known(frame: pl.LazyFrame | None, core: CoreTables, as_of: date) -> pl.DataFrame | None:
    if frame is None:
        return None
    return frame.filter(pl.col("known_at") < snapshot_instant(as_of, time_zone=core.time_zone)).collect()


def _currency(context: Context) -> Currency:
    code = context.settings.company.currency
    return Currency(code=code, exponent=MINOR_UNIT_DIGITS[code])
