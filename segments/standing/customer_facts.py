"""What the segmentation knows of each customer, on one row, whatever the company records.

Belongs here: bringing scores, classes and features together; what is not recorded is null. Does not: judging any of it.
"""

import polars as pl

from segments.checks import require_key
from segments.money import Currency, to_minor_units

_INT, _FLOAT, _TEXT = pl.Int64(), pl.Float64(), pl.String()
FEATURES: dict[str, pl.DataType] = {
    "days_since_last_order": _INT,
    "days_since_first_order": _INT,
    "purchase_day_count": _INT,
    "purchase_day_count_365_days": _INT,
    "mean_days_between_orders": _FLOAT,
    "irregularity_of_orders": _FLOAT,
    "late_gaps_to_usual": _FLOAT,
    "purchase_trend_180_days": _FLOAT,
    "spend_trend_180_days": _FLOAT,
    "purchase_trend_365_days": _FLOAT,
    "net_amount_life": _INT,
    "discounted_line_share": _FLOAT,
    "discounted_line_share_365_days": _FLOAT,
    "distinct_categories_life": _INT,
    "distinct_categories_365_days": _INT,
    "distinct_products_life": _INT,
    "favourite_category_share": _FLOAT,
    "repeat_product_share": _FLOAT,
    "referral_count": _INT,
    "overdue_amount": _INT,
    "open_invoice_amount": _INT,
    "longest_overdue_days": _INT,
    "paid_late_share": _FLOAT,
    "mean_days_late": _FLOAT,
    "invoice_count_365_days": _INT,
    "disputed_invoice_count_365_days": _INT,
    "contact_cost_amount_365_days": _INT,
    "compensation_amount_365_days": _INT,
    "ticket_count_365_days": _INT,
    "complaint_count_365_days": _INT,
    "open_complaint_count": _INT,
    "subscription_count": _INT,
    "running_subscription_count": _INT,
    "subscription_monthly_amount": _INT,
    "days_since_first_subscription": _INT,
    "customer_type": _TEXT,
    "region": _TEXT,
    "acquisition_channel": _TEXT,
    "age_years": _INT,
}
"""Features that are read, with the dtype they are read as; one the company's data do not allow is null throughout."""

SCORES: dict[str, pl.DataType] = {
    "customer_status": _TEXT,
    "value_tier": _TEXT,
    "churn_risk_band": _TEXT,
    "churn_probability": _FLOAT,
}


def customer_facts(customer: pl.DataFrame, features: pl.DataFrame, currency: Currency) -> pl.DataFrame:
    """One row per customer who ever bought or subscribed, sorted by `customer_id`.

    Args:
        customer: the published rows of the night (`contracts.customer_contract`).
        features: of the night, `customer_id` unique.
        currency: of the amounts.

    Returns:
        `customer_id`, the columns of `SCORES`, `expected_value_12m` (Int64, minor units; null: not scored) and of
        `FEATURES`, with those dtypes.

    Raises:
        SegmentKeyRepeatedError: a frame has several rows for a customer.
    """
    require_key(customer, ("customer_id",), name="customer")
    require_key(features, ("customer_id",), name="features")
    expected = to_minor_units(pl.col("expected_value_12m"), currency).alias("expected_value_12m")
    scores = customer.select("customer_id", *(pl.col(name).cast(dtype) for name, dtype in SCORES.items()), expected)
    read = [
        pl.col(name).cast(dtype) if name in features.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in FEATURES.items()
    ]
    return (
        features.select("customer_id", *read)
        .sort("customer_id")
        .join(scores, on="customer_id", how="left", validate="1:1", maintain_order="left")
    )
