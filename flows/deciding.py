"""A night's decisions: offers under the rules, whom to save, to win back, to upgrade, to serve by the standard process.

Belongs here: putting the pieces together, in order. Does not: any rule (`segments.decisions`), publishing (`night`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import polars as pl

from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.published import PublishedTable
from flows import decision_inputs as inputs
from flows.contact_effects import ANY_CONTACT, Effects, contact_trial, learn_effects
from flows.context import Context
from flows.core_tables import CoreTables
from flows.offer_candidates import (
    AUDIENCE,
    OfferFacts,
    channels_of,
    offer_candidates,
    tight_stock,
    with_exploration,
    with_propensities,
)
from flows.scoring import Scores
from segments.build import SegmentTables
from segments.control_group import in_control_group
from segments.decisions.choosing import Choice, ChoiceRules, Minimum, choose
from segments.decisions.eligibility import Blocking, with_blocks
from segments.decisions.explaining import shadow_price_contract, shadow_prices, with_reasons
from segments.decisions.lists import ListStamp
from segments.decisions.offer_table import decided_offers, offer_contract
from segments.decisions.retention import RetentionRules, retention_contract, retention_list
from segments.decisions.standard import ServiceCosts, standard_contract, standard_service
from segments.decisions.upgrade import upgrade_contract, upgrade_path
from segments.decisions.winback import WinbackRules, key_customers, winback_contract, winback_list
from segments.money import currency_of
from segments.vocabulary import ACTIVE, MARGIN

NO_OFFERS = "there are no orders, or but one product: nothing to choose from"
NO_ORDERS = "there are no orders: no margins to reckon with"
NO_CATEGORIES = "products have no categories"


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


@dataclass(frozen=True, kw_only=True)
class _Night:
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


def decide_night(
    context: Context,
    *,
    core: CoreTables,
    as_of: date,
    scores: Scores,
    tables: SegmentTables,
    run_key: str,
    tick: Callable[[], None],
) -> Decided:
    """Every decision of the night that the data allow.

    Args:
        context: the surroundings.
        core: the load.
        as_of: the business date.
        scores: of the night.
        tables: the segment tables, as `make_segments` gives them.
        run_key: the run that publishes.
        tick: called once.
    """
    if "orders" not in core.entities:
        names = ("retention_list", "winback_list", "standard_service", "upgrade_path", "offer_shadow_prices")
        return Decided(left_out=dict.fromkeys(names, NO_ORDERS))
    night = _night(context, core, (scores, tables), as_of=as_of, run_key=run_key)
    made = [_lists(night, scores)]
    if scores.offers is None:
        made.append(Decided(left_out={"offer_shadow_prices": NO_OFFERS}))
    else:
        made.append(_offers(night, tables.next_best_offer))
    tick()
    facts = {
        "margin_share": round(night.margin_share, 4),
        "margin_is": "measured" if night.margin_measured else "assumed: order lines have no cost",
        "effects": {"in_words": night.effects.words, **night.effects.facts},
    }
    return Decided(
        tables={name: table for one in made for name, table in one.tables.items()},
        left_out={name: why for one in made for name, why in one.left_out.items()},
        facts={key: value for one in made for key, value in one.facts.items()} | facts,
    )


def choice_rules(settings: Any, candidates: pl.DataFrame, *, minor_units: int) -> ChoiceRules:  # noqa: ANN401 Decisions, or a what-if of it
    """The company's rules over all customers."""
    channels = channels_of(settings)
    return ChoiceRules(
        at_most=settings.offers_per_customer,
        budget_amount=None if settings.budget is None else round(settings.budget * minor_units),
        channel_capacity={name: one.capacity for name, one in channels.items() if one.capacity is not None},
        stock=tight_stock(candidates) if "stock" in candidates.columns else {},
        minimums=[
            Minimum(name=one.name, column=one.column, value=one.value, at_least=one.at_least, share=one.share)
            for one in settings.minimums
        ],
    )


def choice_facts(choice: Choice, prices: pl.DataFrame, *, minor_units: int) -> dict[str, Any]:
    """What a choice comes to, in major units."""
    chosen = choice.candidates.filter("chosen")
    return {
        "contacts": chosen.height,
        "customers": chosen["customer_id"].n_unique(),
        "cost": (chosen["cost_amount"].sum() or 0) / minor_units,
        "expected_gain": (chosen["gain_amount"].sum() or 0) / minor_units,
        "contacts_by_channel": dict(chosen.group_by("channel").len().sort("channel").iter_rows()),
        "optimality_gap": 0.0 if choice.allocation is None else round(choice.allocation.gap, 6),
        "prices": prices["in_words"].to_list(),
    }


def _night(
    context: Context, core: CoreTables, made: tuple[Scores, SegmentTables], *, as_of: date, run_key: str
) -> _Night:
    scores, _ = made
    settings = context.settings
    decisions = settings.decisions
    stamp = ListStamp(as_of=as_of, run_key=run_key, currency=currency_of(settings.company.currency))
    share, measured = inputs.margin_of_sales(core, as_of, assumed=decisions.assumed_margin_share)
    contacts = inputs.sent_contacts(core, as_of)
    found = contact_trial(
        core,
        contacts,
        as_of=as_of,
        outcome_days=decisions.outcome_days,
        assumed_margin=decisions.assumed_margin_share,
    )
    customers = _customers(context, core, made, as_of=as_of, share=share)
    tonight = scores.features.join(
        customers.filter(pl.col("customer_status") == ACTIVE).select("customer_id"), on="customer_id", how="semi"
    )
    effects = learn_effects(found, tonight, threads=settings.compute.threads, seed=settings.training.seed)
    return _Night(
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
    """Everybody with tier, value, margin, costs and consent; amounts in minor units, 0 where nothing is on record."""
    scores, tables = made
    settings = context.settings
    consent = inputs.consents(
        core, as_of, tables.customer, without_record=settings.segments.contact_without_recorded_consent
    )
    built = {name: pl.col(name) for name in scores.features.columns}
    zero = pl.lit(0, pl.Int64)
    features = scores.features.select(
        "customer_id",
        pl.coalesce(built.get("margin_amount_365_days", pl.lit(None, pl.Int64)), pl.col("net_amount_365_days") * share)
        .round(0)
        .cast(pl.Int64)
        .alias("margin_365_amount"),
        built.get("contact_cost_amount_365_days", zero).fill_null(0).cast(pl.Int64).alias("contact_cost_amount"),
        built.get("compensation_amount_365_days", zero).fill_null(0).cast(pl.Int64).alias("compensation_amount"),
        built.get("ticket_count_365_days", zero).fill_null(0).cast(pl.Int64).alias("tickets"),
    )
    value = scores.value.select("customer_id", pl.col("expected_value_12m_amount").cast(pl.Int64))
    kept = tables.customer.select(
        "customer_id", "customer_status", "value_tier", "churn_probability", "next_offer_1", "main_reason", "value_of"
    )
    for frame in (consent, features, value):
        kept = kept.join(frame, on="customer_id", how="left", validate="1:1", maintain_order="left")
    amounts = (
        "margin_365_amount",
        "contact_cost_amount",
        "compensation_amount",
        "tickets",
        "expected_value_12m_amount",
    )
    of_value = pl.when(pl.col("value_of") == MARGIN).then(1.0).otherwise(share)
    return kept.with_columns(pl.col(amounts).fill_null(0)).with_columns(
        (pl.col("expected_value_12m_amount").clip(lower_bound=0) * of_value)
        .round(0)
        .cast(pl.Int64)
        .alias("expected_margin_12m_amount")
    )


def _offers(night: _Night, ranked: pl.DataFrame) -> Decided:
    settings, currency = night.context.settings, night.stamp.currency
    decisions = settings.decisions
    facts = OfferFacts(
        margins=inputs.product_margins(night.core, night.as_of, assumed=decisions.assumed_margin_share),
        offers=inputs.known_rows(night.core, "offers", night.as_of),
        contacts=night.contacts,
        effects=night.effects,
        minor_units=night.minor_units,
    )
    candidates = offer_candidates(ranked, facts, decisions)
    ids = candidates["customer_id"].unique().sort()
    control_share = settings.segments.control_group_share
    channels = channels_of(decisions)
    blocking = Blocking(
        may_be_contacted=night.customers.select("customer_id", "may_be_contacted"),
        suppressed=inputs.suppressed_customers(night.context),
        control=ids.filter(in_control_group(ids, audience=AUDIENCE, share=control_share)),
        recent_contacts=inputs.recent_contacts(
            night.contacts, night.as_of, days=decisions.period_days, default_channel=next(iter(channels))
        ),
        most_contacts={name: one.at_most for name, one in channels.items() if one.at_most is not None},
        period_days=decisions.period_days,
    )
    candidates = with_exploration(with_blocks(candidates, blocking, as_of=night.as_of), decisions)
    choice = choose(candidates, choice_rules(decisions, candidates, minor_units=night.minor_units))
    reasoned = with_reasons(choice, currency=currency)
    reasoned = with_propensities(reasoned, decisions, control_share=control_share)
    prices = shadow_prices(choice, as_of=night.as_of, currency=currency, run_key=night.stamp.run_key)
    return Decided(
        tables={
            "next_best_offer": PublishedTable(
                decided_offers(ranked, reasoned, currency=currency), offer_contract(currency)
            ),
            "offer_shadow_prices": PublishedTable(prices, shadow_price_contract(currency)),
        },
        facts={"offers": choice_facts(choice, prices, minor_units=night.minor_units)},
    )


def _lists(night: _Night, scores: Scores) -> Decided:
    night = replace(
        night, customers=inputs.without_suppressed(night.customers, inputs.suppressed_customers(night.context))
    )
    decisions, currency = night.context.settings.decisions, night.stamp.currency
    attempt = round(decisions.attempt_cost * night.minor_units)
    medium, _, _ = night.context.settings.segments.churn_risk_bands
    costs = ServiceCosts(
        ticket_amount=round(decisions.ticket_cost * night.minor_units),
        personal_amount=round(decisions.personal_service_cost * night.minor_units),
    )
    save = RetentionRules(from_probability=medium, save_share=decisions.assumed_save_share, cost_amount=attempt)
    made = {
        "retention_list": PublishedTable(
            retention_list(_with_contact_effect(night), rules=save, stamp=night.stamp), retention_contract(currency)
        ),
        "winback_list": PublishedTable(_winback(night, scores, attempt), winback_contract(currency)),
        "standard_service": PublishedTable(
            standard_service(night.active, costs=costs, stamp=night.stamp), standard_contract(currency)
        ),
    }
    spending = _spending(night)
    if spending is None:
        return Decided(tables=made, left_out={"upgrade_path": NO_CATEGORIES})
    made["upgrade_path"] = PublishedTable(
        upgrade_path(night.active, spending, margin_share=night.margin_share, stamp=night.stamp),
        upgrade_contract(currency),
    )
    return Decided(tables=made)


def _with_contact_effect(night: _Night) -> pl.DataFrame:
    """Active, scored customers with the effect of being contacted, null where it was not measured."""
    rows = night.active.filter(pl.col("churn_probability").is_not_null())
    measured = night.effects.by_customer
    if measured is None:
        return rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("effect", "effect_error"))
    general = measured.filter(pl.col("arm") == ANY_CONTACT).select(
        "customer_id", effect="effect_amount", effect_error="effect_amount_error"
    )
    return rows.join(general, on="customer_id", how="left", validate="1:1", maintain_order="left")


def _winback(night: _Night, scores: Scores, attempt: int) -> pl.DataFrame:
    decisions = night.context.settings.decisions
    rules = WinbackRules(
        key_share=decisions.key_share, return_share=decisions.assumed_return_share, cost_amount=attempt
    )
    lost = key_customers(scores.features, night.customers, rules=rules).with_columns(
        pl.lit(night.margin_share).alias("margin_share")
    )
    lines = _named_lines(night, lost["customer_id"])
    tickets = inputs.known_rows(night.core, "tickets", night.as_of)
    return winback_list(lost, lines, _dated(tickets, lost, night), rules=rules, stamp=night.stamp)


def _named_lines(night: _Night, customer_ids: pl.Series) -> pl.DataFrame:
    wanted = customer_ids.to_frame().lazy()
    lines = inputs.known_orders(night.core, night.as_of).join(wanted, on="customer_id", how="semi")
    priced = pl.when(pl.col("quantity") > 0).then(pl.col("amount") / pl.col("quantity"))
    rows = lines.select("customer_id", "ordered_on", "product_id", "amount", priced.alias("unit_price")).collect()
    named = _products(night)
    return rows.join(named, on="product_id", how="left", validate="m:1").with_columns(
        pl.coalesce("product_name", "product_id").alias("product_name")
    )


def _products(night: _Night) -> pl.DataFrame:
    """`product_id` (unique), `product_name`, `category`, null where unknown."""
    products = inputs.known_rows(night.core, "products", night.as_of)
    schema = {"product_id": pl.String, "product_name": pl.String, "category": pl.String}
    if products is None:
        return pl.DataFrame(schema=schema)
    own = {"product_name": "name", "category": "category"}
    return products.select(
        "product_id",
        *(
            (pl.col(source).cast(pl.String) if source in products.columns else pl.lit(None, pl.String)).alias(name)
            for name, source in own.items()
        ),
    )


def _dated(tickets: pl.DataFrame | None, lost: pl.DataFrame, night: _Night) -> pl.DataFrame | None:
    if tickets is None or not {"kind", "opened_at"} <= set(tickets.columns):
        return None
    zone = night.core.time_zone
    resolved = pl.col("resolved_at") if "resolved_at" in tickets.columns else pl.lit(None, pl.Datetime("us", "UTC"))
    mine = tickets.join(lost.select("customer_id"), on="customer_id", how="semi")
    return mine.select(
        "customer_id",
        pl.col("opened_at").dt.convert_time_zone(zone).dt.date().alias("opened_on"),
        "kind",
        resolved.dt.convert_time_zone(zone).dt.date().alias("resolved_on"),
    )


def _spending(night: _Night) -> pl.DataFrame | None:
    """What each customer spent by category in the last 365 days; None where products have no categories."""
    named = _products(night).filter(pl.col("category").is_not_null()).select("product_id", "category")
    if named.is_empty():
        return None
    lines = inputs.known_orders(night.core, night.as_of, days=inputs.YEAR_DAYS)
    sums = (
        lines.join(named.lazy(), on="product_id", how="inner")
        .group_by("customer_id", "category")
        .agg(pl.sum("amount"))
        .filter(pl.col("amount") > 0)
        .collect()
    )
    return sums.sort("customer_id", "category")


def minor_units_of(currency: str) -> int:
    """Minor units a major unit of a currency."""
    return inputs.scale_of(MINOR_UNIT_DIGITS[currency])
