"""A night's lists: whom to keep, to win back, to raise, to serve by the standard process.

Belongs here: what each list is made of, read from the core. Does not: who is on a list (`segments.decisions`).
"""

from dataclasses import replace

import polars as pl

from data_contracts.published import PublishedTable
from flows.decisions import inputs
from flows.decisions.contact_effects import ANY_CONTACT
from flows.decisions.facts import Decided, DecisionNight
from flows.nights.scoring import Scores
from segments.decisions.retention import RetentionRules, retention_contract, retention_list
from segments.decisions.standard import ServiceCosts, standard_contract, standard_service
from segments.decisions.upgrade import upgrade_contract, upgrade_path
from segments.decisions.winback import WinbackRules, key_customers, winback_contract, winback_list
from segments.product_names import told_apart

NO_CATEGORIES = "products have no categories"


def decided_lists(night: DecisionNight, scores: Scores) -> Decided:
    """The lists that the data allow; nobody on the suppression list is contacted by one."""
    night = replace(
        night, customers=inputs.without_suppressed(night.customers, inputs.suppressed_customers(night.context))
    )
    decisions, currency = night.context.settings.decisions, night.stamp.currency
    attempt = round(decisions.attempt_cost * night.minor_units)
    costs = ServiceCosts(
        ticket_amount=round(decisions.ticket_cost * night.minor_units),
        personal_amount=round(decisions.personal_service_cost * night.minor_units),
    )
    made = {
        "retention_list": _to_save(night, _with_contact_effect(night)),
        "winback_list": PublishedTable(_winback(night, scores, attempt), winback_contract(currency)),
        "standard_service": PublishedTable(
            standard_service(_with_all_margin(night.active), costs=costs, stamp=night.stamp),
            standard_contract(currency),
        ),
    }
    spending = _spending(night)
    if spending is not None:
        made["upgrade_path"] = PublishedTable(
            upgrade_path(night.active, spending, margin_share=night.margin_share, stamp=night.stamp),
            upgrade_contract(currency),
        )
    return Decided(
        tables=made,
        left_out={} if spending is not None else {"upgrade_path": NO_CATEGORIES},
        facts={"lists": {name: _list_facts(table.frame) for name, table in made.items()}},
    )


def subscribers_to_save(night: DecisionNight) -> Decided:
    """The one list there can be where nothing is ordered: whom to keep as a subscriber."""
    customers = inputs.without_suppressed(night.active, inputs.suppressed_customers(night.context))
    rows = customers.with_columns(
        pl.col("main_reason").alias("subscription_reason"),
        *(pl.lit(None, pl.Float64).alias(name) for name in ("churn_probability", "effect", "effect_error")),
    )
    made = {"retention_list": _to_save(night, rows)}
    return Decided(tables=made, facts={"lists": {name: _list_facts(table.frame) for name, table in made.items()}})


def _to_save(night: DecisionNight, customers: pl.DataFrame) -> PublishedTable:
    decisions = night.context.settings.decisions
    medium, _, _ = night.context.settings.segments.churn_risk_bands
    rules = RetentionRules(
        from_probability=medium,
        save_share=decisions.assumed_save_share,
        cost_amount=round(decisions.attempt_cost * night.minor_units),
    )
    listed = retention_list(customers, rules=rules, stamp=night.stamp)
    return PublishedTable(listed, retention_contract(night.stamp.currency))


def _list_facts(rows: pl.DataFrame) -> dict[str, float]:
    """How many are on a list, and what it is expected to bring (of the standard service: to free), major units."""
    return {"customers": rows.height, "expected_gain": float(rows["expected_gain"].sum() or 0)}


def _with_contact_effect(night: DecisionNight) -> pl.DataFrame:
    """Active, scored customers with the effect of being contacted, null where it was not measured."""
    scored = pl.any_horizontal(pl.col("churn_probability", "subscription_churn_probability").is_not_null())
    rows = night.active.filter(scored).with_columns(pl.lit(None, pl.String).alias("subscription_reason"))
    measured = night.effects.by_customer
    if measured is None:
        return rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("effect", "effect_error"))
    general = measured.filter(pl.col("arm") == ANY_CONTACT).select(
        "customer_id", effect="effect_amount", effect_error="effect_amount_error"
    )
    return rows.join(general, on="customer_id", how="left", validate="1:1", maintain_order="left")


def _with_all_margin(customers: pl.DataFrame) -> pl.DataFrame:
    """The margin of the last 365 days, that of subscriptions included."""
    return customers.with_columns(pl.col("margin_365_amount") + pl.col("subscription_margin_365_amount"))


def _winback(night: DecisionNight, scores: Scores, attempt: int) -> pl.DataFrame:
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


def _named_lines(night: DecisionNight, customer_ids: pl.Series) -> pl.DataFrame:
    wanted = customer_ids.to_frame().lazy()
    lines = inputs.known_orders(night.core, night.as_of).join(wanted, on="customer_id", how="semi")
    priced = pl.when(pl.col("quantity") > 0).then(pl.col("amount") / pl.col("quantity"))
    rows = lines.select("customer_id", "ordered_on", "product_id", "amount", priced.alias("unit_price")).collect()
    named = _products(night)
    return rows.join(named, on="product_id", how="left", validate="m:1").with_columns(
        pl.coalesce("product_name", "product_id").alias("product_name"), pl.col("is_sold").fill_null(value=True)
    )


def _products(night: DecisionNight) -> pl.DataFrame:
    """`product_id` (unique), `product_name` (told apart), `category`, `is_sold` (Boolean), null where unknown."""
    products = inputs.known_rows(night.core, "products", night.as_of)
    schema = {"product_name": pl.String, "category": pl.String, "is_sold": pl.Boolean}
    if products is None:
        return pl.DataFrame(schema={"product_id": pl.String, **schema})
    sources = dict(zip(schema, ("name", "category", "active"), strict=True))
    return products.select(
        "product_id",
        *(
            (pl.col(sources[name]).cast(dtype) if sources[name] in products.columns else pl.lit(None, dtype)).alias(
                name
            )
            for name, dtype in schema.items()
        ),
    ).with_columns(told_apart())


def _dated(tickets: pl.DataFrame | None, lost: pl.DataFrame, night: DecisionNight) -> pl.DataFrame | None:
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


def _spending(night: DecisionNight) -> pl.DataFrame | None:
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
