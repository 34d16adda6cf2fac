"""A night's tables: from scores to segments to readers, and what to tell of it.

Belongs here: the steps after scoring. Does not: what a segment is (`segments`), how tables are published
(`warehouse.publishing.write_audit_publish`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from data_contracts.orders import current_at, known_before, snapshot_instant
from data_contracts.published import PublishedTable
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.decisions.facts import Decided
from flows.learning.champions import Champion
from flows.learning.model_facts import model_facts
from flows.nights.demanding import demand_tables
from flows.nights.scoring import Scores
from flows.nights.segmenting_earlier import previous_classes
from models.contractual.words import FAMILY as CONTRACT_FAMILY
from models.contractual.words import PHRASES as CONTRACT_WORDS
from models.contractual.words import UNITS as CONTRACT_UNITS
from segments.build import SegmentTables, build_segments
from segments.contracts import NEXT_BEST_BRAND, NEXT_BEST_CATEGORY, WATCHED_COLUMNS, customer_contract
from segments.demand_table import CUSTOMER_DEMAND, DEMAND_FORECAST
from segments.inputs import RunStamp, ScoredCustomers, SegmentRules
from segments.money import Currency, currency_of
from segments.ranked_offers import NEXT_BEST_OFFER
from segments.reasons.table import REASONS
from segments.retraction import CUSTOMER_RETRACTION, customer_retraction
from segments.summary import summarise
from segments.vocabulary import LEARNT, NET_SALES, PURCHASES, RULE
from warehouse.identities.recording import read_changes
from warehouse.ledger import Run, attempt_of, run_key
from warehouse.publishing.audit import VolumeOverrides
from warehouse.publishing.changes import stamp_changes
from warehouse.publishing.publications import VERSIONS_SCHEMA, Publication, publication, rows_before, versioned_name
from warehouse.publishing.write_audit_publish import Published, PublishOptions, publish
from warehouse.set_aside import set_aside

LEFT_OUT = {
    "next_best_offer": "there are no orders, too few of them, or but one product: nothing to choose from",
    "next_best_category": "products have no categories, now or when the next-offer model was trained",
    "next_best_brand": "products have no brands, now or when the next-offer model was trained",
    "service_recovery": "there are no service tickets",
    "channel_effectiveness": "no order, ticket or event of the last year has a channel",
    "campaign_ledger": "there are no contacts, or no orders",
    "campaign_balance": "there are no contacts, or no orders",
}
KINDS = {"lightgbm": LEARNT, "buy_till_you_die": PURCHASES, "baseline": RULE}
"""By method of a bundle, what the tables call it."""
Tick = Callable[[], None]


def standing_publication(context: Context, as_of: date) -> dict[str, Any] | None:
    """What is published already for that date and these settings, in plain values; None when nothing is."""
    key = run_key("score", as_of, context.settings.configuration_hash)
    with context.warehouse() as warehouse:
        standing = publication(warehouse, key)
        if standing is None:
            return None
        attempt = attempt_of(warehouse, key, standing.attempt)
        rows = {
            table: warehouse.read_table(VERSIONS_SCHEMA, versioned_name(table, standing.version_number))
            for table in ("customer", "next_best_offer")
            if table in standing.tables and standing.collected_at is None
        }
    facts = _publication_facts("unchanged", standing) | {
        "load_id": attempt.load_id if attempt else None,
        "model_versions": dict(attempt.model_versions) if attempt else {},
    }
    return facts | (
        {"segments": summarise(rows["customer"], rows.get("next_best_offer", NEXT_BEST_OFFER.schema.to_frame()))}
        if rows
        else {}
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
    specs = core.catalogue()
    subscribers, ordered = scores.subscribers, "churn" in champions
    basis = champions["value"].bundle.parameters.get("value_of", NET_SALES) if "value" in champions else NET_SALES
    of_price = 1.0 if basis == NET_SALES else settings.segmentation.assumed_margin_share
    built, words = scores.features, CONTRACT_WORDS if subscribers else {}
    if subscribers is not None:
        built = built.join(subscribers.facts, on="customer_id", how="left", validate="1:1", maintain_order="left")
    scored = ScoredCustomers(
        features=built,
        churn=scores.churn,
        value=scores.value,
        offers=scores.offers,
        categories=scores.categories,
        brands=scores.brands,
        contributions=scores.contributions,
        customers=_known_customers(core, as_of),
        products=_known(core.scan("products"), core, as_of),
        phrases={spec.name: spec.phrase for spec in specs} | words,
        phrases_when_unknown={spec.name: spec.phrase_when_null for spec in specs},
        units={spec.name: spec.unit for spec in specs} | CONTRACT_UNITS,
        previous=previous_classes(context, as_of),
        families={spec.name: spec.family for spec in specs} | dict.fromkeys(CONTRACT_WORDS, CONTRACT_FAMILY),
        subscription_contributions=subscribers.contributions if subscribers and ordered else None,
        value_contributions=scores.value_contributions,
        next_orders=scores.next_orders,
        subscriptions=subscribers.standing(value_share=of_price if ordered else None) if subscribers else None,
    )
    medium, high, critical = settings.segments.churn_risk_bands
    rules = SegmentRules(
        active_within_days=settings.population.active_within_days,
        medium_risk_from=medium,
        high_risk_from=high,
        critical_risk_from=critical,
        tier_shares=settings.segments.tier_shares,
        contact_without_recorded_consent=settings.segments.contact_without_recorded_consent,
        steady_margin=settings.segmentation.steady_margin,
        steady_probability_margin=settings.segmentation.steady_probability_margin,
    )
    versions = {f"{name}_model_version": champion.promotion.version for name, champion in champions.items()}
    if not ordered:  # a company of subscribers: one model says both
        version = champions["subscription_churn"].promotion.version
        versions |= {"churn_model_version": version, "value_model_version": version}
    stamp = RunStamp(
        as_of=as_of,
        run_key=run_key,
        value_of=basis,
        churn_scored_by=_scored_by(champions, "churn"),
        value_scored_by=_scored_by(champions, "value"),
        **versions,
    )
    made = build_segments(scored, stamp=stamp, currency=_currency(context), rules=rules)
    demand = demand_tables(context, core=core, as_of=as_of, value=scores.value, champions=champions, run_key=run_key)
    return _large_aside(context, replace(made, demand_forecast=demand.forecast, customer_demand=demand.customers))


def _large_aside(context: Context, made: SegmentTables) -> SegmentTables:
    """The same, tables of several rows a customer set aside: nobody needs them before decisions and publishing."""
    with context.private_folder("set tables aside") as folder:
        return replace(
            made,
            next_best_offer=set_aside(made.next_best_offer, folder),
            reasons=None if made.reasons is None else set_aside(made.reasons, folder),
            customer_demand=None if made.customer_demand is None else set_aside(made.customer_demand, folder),
        )


def _scored_by(champions: Mapping[str, Champion], score: str) -> str:
    """What kind of model gives churn or value; of a company of subscribers, one says both."""
    champion = champions.get(score) or champions["subscription_churn"]
    return KINDS.get(champion.bundle.method, LEARNT)


def publish_night(
    context: Context,
    *,
    run: Run,
    tables: SegmentTables,
    decided: Decided,
    force: bool,
    allowances: dict[str, bool],
    tick: Tick,
) -> Published:
    """Stage, audit and publish the night's tables, all of them or none.

    Decisions where the data allow them, ids to take back only where records of one customer are joined.
    """
    with context.warehouse() as warehouse:
        customer = stamp_changes(
            tables.customer,
            rows_before(warehouse, "customer", run.as_of),
            key=("customer_id",),
            watched=WATCHED_COLUMNS,
            as_of=run.as_of,
        )
        tick()
        published = {
            "customer": PublishedTable(customer, customer_contract(_currency(context))),
        }
        if tables.reasons is not None:
            published["reasons"] = PublishedTable(tables.reasons, REASONS)
        if tables.demand_forecast is not None:
            published["demand_forecast"] = PublishedTable(tables.demand_forecast, DEMAND_FORECAST)
        if tables.customer_demand is not None:
            published["customer_demand"] = PublishedTable(tables.customer_demand, CUSTOMER_DEMAND)
        published |= decided.tables
        if tables.next_best_category is not None:
            published["next_best_category"] = PublishedTable(tables.next_best_category, NEXT_BEST_CATEGORY)
        if tables.next_best_brand is not None:
            published["next_best_brand"] = PublishedTable(tables.next_best_brand, NEXT_BEST_BRAND)
        published |= tables.others
        changes = read_changes(warehouse)
        if changes is not None:
            zone = context.settings.company.time_zone
            taken_back = customer_retraction(changes, as_of=run.as_of, run_key=run.run_key, time_zone=zone)
            published["customer_retraction"] = PublishedTable(taken_back, CUSTOMER_RETRACTION)
        return publish(
            warehouse,
            published,
            run=run,
            now=context.clock(),
            options=PublishOptions(
                force=force,
                overrides=VolumeOverrides(**allowances),
                scratch=context.settings.scratch_folder,
            ),
        )


def night_summary(
    tables: SegmentTables, champions: dict[str, Champion], published: Published, decided: Decided
) -> dict[str, Any]:
    """What a night brought, in plain values."""
    facts = _publication_facts(published.outcome, published.publication)
    return {
        **facts,
        "left_out": facts["left_out"] | decided.left_out,
        "decisions": decided.facts,
        "segments": summarise(tables.customer, tables.next_best_offer),
        "champions": {
            name: model_facts(champion.bundle, champion.promotion.version) for name, champion in champions.items()
        },
        "champions_from_cache": sorted(name for name, champion in champions.items() if champion.from_cache),
    }


def _publication_facts(outcome: str, version: Publication) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "as_of": version.as_of.isoformat(),
        "run_key": version.run_key,
        "version": version.version_number,
        "content_hash": version.content_hash,
        "rows": dict(version.tables),
        "left_out": {table: why for table, why in LEFT_OUT.items() if table not in version.tables},
    }


def _known_customers(core: CoreTables, as_of: date) -> pl.DataFrame:
    """Everybody known at that date: by a record of their own, or by an order line of whatever amount."""
    instant = snapshot_instant(as_of, time_zone=core.time_zone)
    subscribed = core.scan("subscriptions")
    rows = [] if "orders" not in core.entities else [known_before(core.orders(), instant)]
    rows += [] if subscribed is None else [current_at(subscribed, instant).filter(pl.col("started_on") < as_of)]
    seen = pl.concat([one.select("customer_id") for one in rows]).unique().sort("customer_id").collect()
    recorded = _known(core.scan("customers"), core, as_of)
    if recorded is None:
        return seen
    return pl.concat([recorded, seen.join(recorded, on="customer_id", how="anti")], how="diagonal")


def _known(frame: pl.LazyFrame | None, core: CoreTables, as_of: date) -> pl.DataFrame | None:
    if frame is None:
        return None
    return current_at(frame, snapshot_instant(as_of, time_zone=core.time_zone)).collect()


def _currency(context: Context) -> Currency:
    return currency_of(context.settings.company.currency)
