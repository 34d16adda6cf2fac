"""One night's segments in a few figures, for the end of a run.

Belongs here: counts and sums over the published tables, as plain values that go into JSON. Does not: printing.
"""

from decimal import Decimal
from typing import Any

import polars as pl

from segments.policy import headline
from segments.vocabulary import NOT_SCORED, RISK_BANDS, STATUSES, VALUE_TIERS

TOP_ACTIONS = 8


def summarise(
    customer: pl.DataFrame, next_best_offer: pl.DataFrame, *, top_actions: int = TOP_ACTIONS
) -> dict[str, Any]:
    """What a night brought.

    Args:
        customer: the published table, as `contracts.customer_contract` describes it.
        next_best_offer: the published table, as `ranked_offers.NEXT_BEST_OFFER` describes it.
        top_actions: how many actions to list.

    Returns:
        `customers`, `customers_by_status`, `customers_by_tier`, `customers_by_risk` (counts by class, all classes
        present), `tier_by_risk` (tier → band → count), `expected_value` (`currency`, `next_90_days`,
        `next_12_months`, `next_12_months_by_tier`; floats in major units), `top_actions` (`action`, `customers`,
        `expected_value_12m`; most expected value first), `customers_with_offers`, `offers`.
    """
    tiers, bands = (*VALUE_TIERS, NOT_SCORED), (*RISK_BANDS, NOT_SCORED)
    return {
        "customers": customer.height,
        "customers_by_status": _counts(customer, "customer_status", STATUSES),
        "customers_by_tier": _counts(customer, "value_tier", tiers),
        "customers_by_risk": _counts(customer, "churn_risk_band", bands),
        "tier_by_risk": {
            tier: _counts(customer.filter(pl.col("value_tier") == tier), "churn_risk_band", bands) for tier in tiers
        },
        "expected_value": _expected_value(customer),
        "top_actions": _top_actions(customer, top_actions),
        "customers_with_offers": next_best_offer["customer_id"].n_unique(),
        "offers": next_best_offer.height,
    }


def _counts(rows: pl.DataFrame, column: str, classes: tuple[str, ...]) -> dict[str, int]:
    counted = dict(rows.group_by(column).len().iter_rows())
    return {name: counted.get(name, 0) for name in classes}


def _expected_value(customer: pl.DataFrame) -> dict[str, Any]:
    by_tier = dict(customer.group_by("value_tier").agg(pl.col("expected_value_12m").sum()).iter_rows())
    return {
        "currency": customer["currency"].first(),
        "next_90_days": _number(customer["expected_value_90d"].sum()),
        "next_12_months": _number(customer["expected_value_12m"].sum()),
        "next_12_months_by_tier": {tier: _number(by_tier.get(tier)) for tier in VALUE_TIERS},
    }


def _top_actions(customer: pl.DataFrame, count: int) -> list[dict[str, Any]]:
    """Actions by the expected value of the customers they are for."""
    actions = (
        customer.group_by(headline(pl.col("recommended_action")).alias("action"))
        .agg(pl.len().alias("customers"), pl.col("expected_value_12m").sum())
        .sort("expected_value_12m", "customers", "action", descending=[True, True, False], nulls_last=True)
    )
    return [row | {"expected_value_12m": _number(row["expected_value_12m"])} for row in actions.head(count).to_dicts()]


def _number(amount: Decimal | float | None) -> float:
    return float(amount or 0)
