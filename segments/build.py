"""From one night's scores to the tables marketing reads.

Belongs here: putting the pieces together, in order. Does not: any rule (each has its own module), the comparison with
the tables published before (`changed_at` leaves here as the date of the run), and writing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from data_contracts.published import PublishedTable
from segments.bands import churn_risk_band, customer_status
from segments.categories import next_best_of
from segments.contracts import customer_contract
from segments.hysteresis import PREVIOUS, with_previous
from segments.inputs import (
    NEXT_ORDER_COLUMNS,
    SUBSCRIPTION_COLUMNS,
    VALUE_COLUMNS,
    RunStamp,
    ScoredCustomers,
    SegmentRules,
    check_inputs,
)
from segments.money import Currency, to_major_units
from segments.offers import first_offers, next_best_offers, no_offers
from segments.policy import AT_RISK, STAYING, Policy, default_policy, recommended_actions
from segments.reasons.main import main_reasons
from segments.reasons.table import REASONS, reason_rows
from segments.rfm import quintile_score
from segments.standing.contracts import standing_columns
from segments.subscription_value import SUM_OF, published_subscription_values, with_subscription_value
from segments.tiers import value_tiers
from segments.value_columns import published_value_details, value_details
from segments.vocabulary import ACTIVE, NOT_SCORED

DAYS = "days_since_last_order"


@dataclass(frozen=True)
class SegmentTables:
    """The tables of one night.

    Args:
        customer: one row a customer, sorted by `customer_id`; columns as in `contracts.customer_contract`.
        next_best_offer: one row a (customer, rank), sorted by both; columns as in `ranked_offers.NEXT_BEST_OFFER`.
        next_best_category: the same of categories, columns as in `contracts.NEXT_BEST_CATEGORY`; None where products
            have no categories: then there is no such table.
        next_best_brand: the same of brands, columns as in `contracts.NEXT_BEST_BRAND`.
        reasons: up to three reasons each way of every score, columns as in `reasons.table.REASONS`.
        demand_forecast: the coming demand, columns as in `demand_table.DEMAND_FORECAST`; None without orders.
        customer_demand: the same by customer and category, columns as in `demand_table.CUSTOMER_DEMAND`; None where
            customers' orders are not expected.
        others: further tables by name, with their contracts.
    """

    customer: pl.DataFrame
    next_best_offer: pl.DataFrame
    next_best_category: pl.DataFrame | None = None
    next_best_brand: pl.DataFrame | None = None
    reasons: pl.DataFrame | None = None
    demand_forecast: pl.DataFrame | None = None
    customer_demand: pl.DataFrame | None = None
    others: Mapping[str, PublishedTable] = field(default_factory=dict)


def build_segments(
    scored: ScoredCustomers,
    *,
    stamp: RunStamp,
    currency: Currency,
    rules: SegmentRules | None = None,
    policy: Policy | None = None,
) -> SegmentTables:
    """The segment tables of one night.

    Rows of the inputs may come in any order; the tables come out the same. `changed_at` is the date of the run on
    every row: the caller compares `contracts.WATCHED_COLUMNS` with the tables published before.

    Args:
        scored: the frames of the night.
        stamp: date, run and model versions.
        currency: of every amount.
        rules: the company's thresholds; None for the defaults.
        policy: what to do with whom; None for the policy that comes with the product.

    Raises:
        SegmentColumnsMissingError, SegmentKeyRepeatedError, SnapshotMismatchError, ScoreNotUsableError: the inputs
            do not fit together.
        ThresholdsInvalidError: the rules do not cut.
        PhraseTemplateError: a phrase can't be read.
    """
    rules = rules or SegmentRules()
    check_inputs(scored, as_of=stamp.as_of, rules=rules)
    customers = _with_scores(_everybody(scored, rules), scored, rules)
    active = customers.filter(pl.col("customer_status") == ACTIVE)
    offers = next_best_offers(
        no_offers() if scored.offers is None else scored.offers,
        active=active,
        products=scored.products,
        as_of=stamp.as_of,
        next_offer_model_version=stamp.next_offer_model_version,
        run_key=stamp.run_key,
    )
    customers = customers.join(
        first_offers(offers, customers), on="customer_id", how="left", validate="1:1", maintain_order="left"
    )
    words = main_reasons(
        customers,
        scored.features,
        scored.contributions,
        phrasebook=scored.phrasebook,
        currency=currency,
    )
    if scored.subscription_contributions is not None:  # sells by order too, and churn bands are of orders
        customers = customers.with_columns(_subscriber_is(rules))
    customers = customers.with_columns(words, recommended_actions(customers, policy=policy or default_policy()))
    return SegmentTables(
        _as_published(customers, stamp, currency),
        offers,
        _ranked("category", scored.categories, active, stamp),
        _ranked("brand", scored.brands, active, stamp),
        _reasons(scored, stamp, currency),
    )


def _subscriber_is(rules: SegmentRules) -> pl.Expr:
    """Whether a running subscription is likely to be ended; null for who runs none."""
    at_risk = pl.col("subscription_churn_probability").fill_null(0.0) >= rules.high_risk_from
    kind = pl.when(at_risk).then(pl.lit(AT_RISK)).otherwise(pl.lit(STAYING))
    return pl.when(pl.col("subscribes").fill_null(value=False)).then(kind).alias("subscriber_is")


def _reasons(scored: ScoredCustomers, stamp: RunStamp, currency: Currency) -> pl.DataFrame:
    """The strongest reasons of every score there are contributions to."""
    explained = {
        "churn": scored.contributions,
        "subscription_churn": scored.subscription_contributions,
        "value": scored.value_contributions,
    }
    rows = [
        reason_rows(
            contributions,
            scored.features,
            model=model,
            phrasebook=scored.phrasebook,
            families=scored.families,
            currency=currency,
        )
        for model, contributions in explained.items()
        if contributions is not None
    ]
    stamps = (pl.lit(stamp.as_of, pl.Date).alias("as_of"), pl.lit(stamp.run_key, pl.String).alias("run_key"))
    return pl.concat([REASONS.schema.to_frame(), *(one.with_columns(stamps).select(REASONS.names) for one in rows)])


def _everybody(scored: ScoredCustomers, rules: SegmentRules) -> pl.DataFrame:
    """Every known customer, sorted, with status, days since the last purchase and whether they may be contacted."""
    last_purchase = scored.features.select(
        "customer_id", pl.col(rules.recency_column).cast(pl.Float64).floor().cast(pl.Int32).alias(DAYS)
    )
    consent = pl.lit(None, pl.Boolean).alias("consent_marketing")
    subscribed = pl.DataFrame(schema={"customer_id": pl.String, "subscribes": pl.Boolean})
    if scored.subscriptions is not None:
        subscribed = scored.subscriptions.select("customer_id", "subscribes")
    known = pl.concat([last_purchase, subscribed], how="diagonal").select("customer_id", consent).unique()
    if scored.customers is not None:
        recorded = scored.customers.select(
            "customer_id", "consent_marketing" if "consent_marketing" in scored.customers.columns else consent
        )
        known = pl.concat([recorded, known.join(recorded, on="customer_id", how="anti")])
    return (
        known.sort("customer_id")
        .join(last_purchase, on="customer_id", how="left", validate="1:1", maintain_order="left")
        .join(subscribed, on="customer_id", how="left", validate="1:1", maintain_order="left")
        .with_columns(
            customer_status(
                pl.col(DAYS), active_within_days=rules.active_within_days, subscribes=pl.col("subscribes")
            ).alias("customer_status"),
            pl.col("consent_marketing")
            .fill_null(value=rules.contact_without_recorded_consent)
            .alias("may_be_contacted"),
        )
    )


def _with_scores(customers: pl.DataFrame, scored: ScoredCustomers, rules: SegmentRules) -> pl.DataFrame:
    """Scores, band, tier and RFM of active customers; the others have none."""
    active = customers.filter(pl.col("customer_status") == ACTIVE).select("customer_id")
    value = with_subscription_value(scored.value, scored.subscriptions)
    for frame, columns in (
        (scored.churn, ("churn_probability",)),
        (value, (*VALUE_COLUMNS, *SUM_OF.values())),
        (scored.features, (rules.recency_column, rules.frequency_column, rules.monetary_column)),
    ):
        selected = frame.select("customer_id", *dict.fromkeys(columns))
        active = active.join(selected, on="customer_id", how="left", validate="1:1", maintain_order="left")
    active = active.select(
        "customer_id",
        pl.col("churn_probability").cast(pl.Float64),
        *(pl.col(name).cast(pl.Int64).clip(lower_bound=0) for name in (*VALUE_COLUMNS, *SUM_OF.values())),
        quintile_score(pl.col(rules.recency_column), high_is_good=False).alias("recency_score"),
        quintile_score(pl.col(rules.frequency_column)).alias("frequency_score"),
        quintile_score(pl.col(rules.monetary_column)).alias("monetary_score"),
    )
    tiers = value_tiers(
        active,
        value_column="expected_value_12m_amount",
        shares=rules.tier_shares,
        previous=scored.previous,
        margin=rules.steady_margin,
    )
    band = churn_risk_band(
        pl.col("churn_probability"),
        medium_from=rules.medium_risk_from,
        high_from=rules.high_risk_from,
        critical_from=rules.critical_risk_from,
        previous=PREVIOUS,
        margin=rules.steady_probability_margin,
    )
    named = {
        "subscriptions": (scored.subscriptions, SUBSCRIPTION_COLUMNS),
        "next_orders": (scored.next_orders, NEXT_ORDER_COLUMNS),
    }
    others = [
        pl.DataFrame(schema={"customer_id": pl.String, **columns})
        if frame is None
        else frame.select("customer_id", *(pl.col(name).cast(dtype) for name, dtype in columns.items()))
        for frame, columns in named.values()
    ]
    for frame in (active, tiers, value_details(value), *others):
        customers = customers.join(frame, on="customer_id", how="left", validate="1:1", maintain_order="left")
    customers = with_previous(customers, scored.previous, "churn_risk_band")
    return customers.with_columns(band.alias("churn_risk_band"), pl.col("value_tier").fill_null(NOT_SCORED))


def _ranked(level: str, ranked: pl.DataFrame | None, active: pl.DataFrame, stamp: RunStamp) -> pl.DataFrame | None:
    """The ranked categories, or brands, of active customers; None where products have none."""
    if ranked is None:
        return None
    return next_best_of(
        level,
        ranked,
        active=active,
        as_of=stamp.as_of,
        next_offer_model_version=stamp.next_offer_model_version,
        run_key=stamp.run_key,
    )


def _as_published(customers: pl.DataFrame, stamp: RunStamp, currency: Currency) -> pl.DataFrame:
    """The columns of the contract, in its order and dtypes."""
    stamped = customers.with_columns(
        to_major_units(pl.col("expected_value_90d_amount"), currency).alias("expected_value_90d"),
        to_major_units(pl.col("expected_value_12m_amount"), currency).alias("expected_value_12m"),
        *published_value_details(currency),
        *published_subscription_values(currency),
        *(pl.lit(None, column.dtype).alias(column.name) for column in standing_columns()),  # put in by who knows them
        pl.lit(currency.code).alias("currency"),
        pl.lit(stamp.value_of).alias("value_of"),
        pl.lit(stamp.as_of, pl.Date).alias("as_of"),
        pl.lit(stamp.churn_scored_by).alias("churn_scored_by"),
        pl.lit(stamp.value_scored_by).alias("value_scored_by"),
        pl.lit(stamp.churn_model_version, pl.Int32).alias("churn_model_version"),
        pl.lit(stamp.value_model_version, pl.Int32).alias("value_model_version"),
        pl.lit(stamp.next_offer_model_version, pl.Int32).alias("next_offer_model_version"),
        pl.lit(stamp.subscription_churn_model_version, pl.Int32).alias("subscription_churn_model_version"),
        pl.lit(stamp.run_key, pl.String).alias("run_key"),
        pl.lit(stamp.as_of, pl.Date).alias("changed_at"),
    )
    return stamped.select(customer_contract(currency).names)
