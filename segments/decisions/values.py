"""What an offer to a customer is worth: response times margin, less cost, less what is given away for nothing.

Belongs here: the formula, with and without a measured effect, and its interval. Does not: effects, probabilities.
"""

from typing import Final

import polars as pl

RANDOMISED: Final = "randomised"
RESPONSE: Final = "response"
ASSUMED: Final = "assumed"
EVIDENCE: Final = (RANDOMISED, RESPONSE, ASSUMED)
EVIDENCE_MEANING = (
    "randomised: effects measured against customers left alone by lot; response: who buys is known, not what an offer "
    "changes, so that no effect is claimed; assumed: the share of customers won is a setting, not a measurement."
)
Z = 1.959964


def with_values(candidates: pl.DataFrame) -> pl.DataFrame:
    """The expected gain of every candidate against leaving the customer alone.

    Measured as margin: effect - cost (discounts are in the margin that was measured). Measured as probability:
    effect · (margin - discount) - P(buys anyway) · discount - cost. Where only who buys is known: P(buys) · (margin -
    discount) - cost, which is what those addressed bring, not what addressing them changes; `evidence` says which. The
    interval is the effect's (95 %); without one that of a response between nobody and twice as many.

    Args:
        candidates: `purchase_probability` (Float64), `margin_amount`, `discount_amount`, `cost_amount` (Int64, minor
            units: a purchase, a purchase, a contact), `effect_amount` and `effect_amount_error` (Float64, minor units
            of margin, null where not measured), `effect` and `effect_error` (Float64, probability, null likewise).

    Returns:
        The same with `gain_amount`, `gain_low_amount`, `gain_high_amount` (Int64, minor units) and `evidence`.
    """
    left = pl.col("margin_amount") - pl.col("discount_amount")
    chance = pl.col("purchase_probability").fill_null(0.0)
    as_margin, as_probability = pl.col("effect_amount"), pl.col("effect")

    def gain(errors: float, response: pl.Expr) -> pl.Expr:
        margin = as_margin + errors * pl.col("effect_amount_error").fill_null(0.0)
        effect = as_probability + errors * pl.col("effect_error").fill_null(0.0)
        caused = effect * left - chance * pl.col("discount_amount")
        return pl.coalesce(margin, caused, response * left) - pl.col("cost_amount")

    low, high = gain(-Z, chance * 0.0), gain(Z, (chance * 2.0).clip(upper_bound=1.0))
    measured = as_margin.is_not_null() | as_probability.is_not_null()
    return candidates.with_columns(
        _whole(gain(0.0, chance)).alias("gain_amount"),
        _whole(pl.min_horizontal(low, high)).alias("gain_low_amount"),
        _whole(pl.max_horizontal(low, high)).alias("gain_high_amount"),
        pl.when(measured).then(pl.lit(RANDOMISED)).otherwise(pl.lit(RESPONSE)).alias("evidence"),
    )


def _whole(amount: pl.Expr) -> pl.Expr:
    return amount.round(0).cast(pl.Int64)
