"""What every decision of a night is made of: customers with tier, value and costs, contacts, effects, margins.

Belongs here: gathering it once. Does not: deciding (`deciding`, `offers`, `lists`).
"""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import polars as pl

from data_contracts.published import PublishedTable
from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.decisions import inputs
from flows.decisions.contact_effects import ContactTrial, Effects, contact_trial, learn_effects
from flows.nights.scoring import Scores
from segments.build import SegmentTables
from segments.decisions.lists import ListStamp
from segments.money import currency_of, to_minor_units
from segments.standing.value_components import subscription_sales
from segments.vocabulary import ACTIVE, MARGIN

NOTHING_ORDERED = "nothing is ordered, which is what effects are measured on"


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What was decided.

    Attributes:
        tables: by name, ready to be published.
        left_out: tables that can't be made of these data, with the reason.
        facts: for the summary, plain values.
    """

    tables: dict[str, PublishedTable] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def in_place_of(self, tables: SegmentTables) -> SegmentTables:
        """The segment tables with the offers as they were decided, where they were, for the mere ranked list."""
        offers = self.tables.get("next_best_offer")
        return tables if offers is None else replace(tables, next_best_offer=offers.frame)


@dataclass(frozen=True, kw_only=True)
class DecisionNight:
    """What every decision of a night is made of; `margin_share` is of sales."""

    context: Context
    core: CoreTables
    as_of: date
    stamp: ListStamp
    customers: pl.DataFrame
    contacts: pl.DataFrame | None
    effects: Effects
    margin_share: float
    margin_measured: bool

    @property
    def minor_units(self) -> int:
        """A major unit."""
        return inputs.scale_of(self.stamp.currency.exponent)

    @property
    def active(self) -> pl.DataFrame:
        """Customers who bought lately."""
        return self.customers.filter(pl.col("customer_status") == ACTIVE)


def gather_night(
    context: Context, core: CoreTables, made: tuple[Scores, SegmentTables], *, as_of: date, run_key: str
) -> DecisionNight:
    """Gather it.

    Args:
        context: the surroundings.
        core: the load.
        made: the night's scores and segment tables.
        as_of: the business date.
        run_key: the run that publishes.
    """
    scores, _ = made
    settings = context.settings
    decisions = settings.decisions
    stamp = ListStamp(as_of=as_of, run_key=run_key, currency=currency_of(settings.company.currency))
    assumed = decisions.assumed_margin_share
    contacts = inputs.sent_contacts(core, as_of)
    share, measured = assumed, False
    found: ContactTrial | str = NOTHING_ORDERED
    if "orders" in core.entities:
        share, measured = inputs.margin_of_sales(core, as_of, assumed=assumed)
        found = contact_trial(core, contacts, as_of=as_of, outcome_days=decisions.outcome_days, assumed_margin=assumed)
    customers = _customers(context, core, made, as_of=as_of, share=share)
    tonight = scores.features.join(
        customers.filter(pl.col("customer_status") == ACTIVE).select("customer_id"), on="customer_id", how="semi"
    )
    effects = learn_effects(found, tonight, threads=settings.compute.threads, seed=settings.training.seed)
    return DecisionNight(
        context=context,
        core=core,
        as_of=as_of,
        stamp=stamp,
        customers=customers,
        contacts=contacts,
        effects=effects,
        margin_share=share,
        margin_measured=measured,
    )


def _customers(
    context: Context, core: CoreTables, made: tuple[Scores, SegmentTables], *, as_of: date, share: float
) -> pl.DataFrame:
    """Everybody with tier, value, margin, costs and consent; amounts in minor units, 0 where nothing is on record.

    `margin_365_amount` is of orders, `subscription_margin_365_amount` of subscriptions that run, at the assumed share.
    """
    scores, tables = made
    settings = context.settings
    currency, assumed = currency_of(settings.company.currency), settings.decisions.assumed_margin_share
    consent = inputs.consents(
        core, as_of, tables.customer, without_record=settings.segments.contact_without_recorded_consent
    )
    kept = tables.customer.select(
        *("customer_id", "customer_status", "value_tier", "churn_probability", "subscription_churn_probability"),
        *("next_offer_1", "main_reason", "value_of"),
        to_minor_units(pl.col("expected_value_12m"), currency).alias("expected_value_12m_amount"),
        to_minor_units(pl.col("expected_subscription_value_12m"), currency).fill_null(0).alias("subscribed"),
    )
    for frame in (consent, _year_of(scores.features, share=share, assumed=assumed)):
        kept = kept.join(frame, on="customer_id", how="left", validate="1:1", maintain_order="left")
    amounts = (
        "margin_365_amount",
        "subscription_margin_365_amount",
        "contact_cost_amount",
        "compensation_amount",
        "tickets",
        "expected_value_12m_amount",
    )
    kept = kept.with_columns(pl.col(amounts).fill_null(0))
    ordered = pl.col("expected_value_12m_amount") - pl.col("subscribed")
    of_sales = (ordered * share + pl.col("subscribed") * assumed).round(0).cast(pl.Int64)
    is_margin = pl.col("value_of") == MARGIN
    return kept.with_columns(
        pl.when(is_margin).then("expected_value_12m_amount").otherwise(of_sales).alias("expected_margin_12m_amount")
    ).drop("subscribed")


def _year_of(features: pl.DataFrame, *, share: float, assumed: float) -> pl.DataFrame:
    """What each customer brought and cost in the last 365 days, minor units; null where nothing is on record.

    Args:
        features: of the night.
        share: the margin of sales whose cost is not known.
        assumed: the same of subscriptions.
    """
    built = {name: pl.col(name) for name in features.columns}
    nothing, unknown = pl.lit(0, pl.Int64), pl.lit(None, pl.Int64)
    runs = {"subscription_monthly_amount", "days_since_first_subscription"} <= built.keys()
    margin = pl.coalesce(built.get("margin_amount_365_days", unknown), pl.col("net_amount_365_days") * share)
    subscribed = subscription_sales() * assumed if runs else nothing
    spent = {
        "contact_cost_amount": "contact_cost_amount_365_days",
        "compensation_amount": "compensation_amount_365_days",
        "tickets": "ticket_count_365_days",
    }
    return features.select(
        "customer_id",
        margin.round(0).cast(pl.Int64).alias("margin_365_amount"),
        subscribed.round(0).cast(pl.Int64).alias("subscription_margin_365_amount"),
        *(built.get(source, nothing).fill_null(0).cast(pl.Int64).alias(name) for name, source in spent.items()),
    )
