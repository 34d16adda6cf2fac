"""Single customers against fixed thresholds: status by last purchase, risk band by churn probability.

Belongs here: classes that depend on the customer's own row only. Does not: classes relative to other customers
(`tiers.py`, `rfm.py`).
"""

import polars as pl

from segments.errors import ThresholdsInvalidError
from segments.hysteresis import settled_class
from segments.vocabulary import ACTIVE, CRITICAL, HIGH, LAPSED, LOW, MEDIUM, NOT_SCORED, PROSPECT


def customer_status(
    days_since_last_order: pl.Expr, *, active_within_days: int = 365, subscribes: pl.Expr | None = None
) -> pl.Expr:
    """Status by the last purchase, or by the subscriptions (String).

    Args:
        days_since_last_order: whole days from the last purchase to the snapshot; null where there was none.
        active_within_days: how old, at most, the last purchase of an active customer is.
        subscribes: whether a subscription runs; null for who never subscribed.

    Returns:
        `active`, `lapsed` (purchased or subscribed, but longer ago) or `prospect` (neither yet).
    """
    subscriber = pl.lit(None, pl.Boolean) if subscribes is None else subscribes
    return (
        pl.when(subscriber)
        .then(pl.lit(ACTIVE))
        .when(days_since_last_order.is_null() & subscriber.is_not_null())
        .then(pl.lit(LAPSED))
        .when(days_since_last_order.is_null())
        .then(pl.lit(PROSPECT))
        .when(days_since_last_order <= active_within_days)
        .then(pl.lit(ACTIVE))
        .otherwise(pl.lit(LAPSED))
    )


def churn_risk_band(
    churn_probability: pl.Expr,
    *,
    medium_from: float = 0.25,
    high_from: float = 0.5,
    critical_from: float = 0.75,
    previous: pl.Expr | None = None,
    margin: float = 0.0,
) -> pl.Expr:
    """Risk band by calibrated churn probability (String): each band starts at its threshold, itself included.

    Args:
        churn_probability: null: not scored.
        medium_from: where the medium band starts.
        high_from: … the high band.
        critical_from: … the critical band.
        previous: yesterday's band; None on the first night.
        margin: who is no further than this beyond a threshold keeps yesterday's band.

    Raises:
        ThresholdsInvalidError: the thresholds do not rise from above 0 to below 1.
    """
    if not 0 < medium_from < high_from < critical_from < 1:
        got = f"{medium_from}, {high_from}, {critical_from}"
        raise ThresholdsInvalidError(name="risk band thresholds", got=got, expected="0 < medium < high < critical < 1")
    return settled_class(
        churn_probability,
        (medium_from, high_from, critical_from),
        (LOW, MEDIUM, HIGH, CRITICAL),
        previous=pl.lit(None, pl.String) if previous is None else previous,
        margin=margin,
        relative=False,
    ).fill_null(NOT_SCORED)
