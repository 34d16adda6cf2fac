"""How much of the value how few customers bring: the curve behind the pyramid.

Belongs here: shares of value by shares of customers. Does not: the tiers (`tiers.py`).
"""

import math

import polars as pl

CUTS = (0.01, 0.05, 0.10, 0.20, 0.25, 0.50, 0.75, 1.00)
_MEASURES = {"net_sales_12m": "last year's sales", "contribution_12m": "last year's contribution"}
MEASURES = (*_MEASURES, "expected_value_12m")


def concentration(rows: pl.DataFrame) -> pl.DataFrame:
    """What the top customers bring, each measure by its own ranking; what is below zero counts as nothing.

    Args:
        rows: `customer_id` and the columns of `MEASURES` (Int64, minor units; null: not counted).

    Returns:
        One row per (`measure`, `top_share`): `customers` (Int64), `value` (Int64, minor units), `value_share`
        (Float64; null where nobody brings anything). No rows for a measure nobody has.
    """
    parts = []
    for measure in MEASURES:
        values = rows[measure].drop_nulls().clip(lower_bound=0).sort(descending=True)
        if values.is_empty():
            continue
        running, total = values.cum_sum(), int(values.sum())
        for cut in CUTS:
            customers = math.ceil(round(cut * values.len(), 9))
            value = int(running[customers - 1])
            parts.append((measure, cut, customers, value, value / total if total else None))
    schema = {
        "measure": pl.String,
        "top_share": pl.Float64,
        "customers": pl.Int64,
        "value": pl.Int64,
        "value_share": pl.Float64,
    }
    return pl.DataFrame(parts, schema=schema, orient="row")
