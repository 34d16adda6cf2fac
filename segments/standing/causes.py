"""Why a customer's tier is another than before: behaviour, model, data correction or threshold.

Belongs here: telling the causes apart, customer by customer. Does not: counting moves (`tier_migration.py`).

Looked for in this order, the first that holds is the cause:
1. *data correction*: rows of the customer's past were corrected, or came late, between the two dates;
2. *model*: another model version valued them, and by the former version they would have stayed where they were;
3. *threshold*: their own expected value, then and now, lies on the same side of either line: others moved the line;
4. *behaviour*: everything else; who is valued for the first time, or no longer, changed by what they did.
Where the former model can't be asked, a customer who has bought nothing since is put down to the model.
"""

from typing import Final

import polars as pl

from segments.vocabulary import NOT_SCORED, VALUE_TIERS

BEHAVIOUR: Final = "behaviour"
MODEL: Final = "model"
DATA_CORRECTION: Final = "data correction"
THRESHOLD: Final = "threshold"
CAUSES: Final = (BEHAVIOUR, MODEL, DATA_CORRECTION, THRESHOLD)


def tier_changes(
    now: pl.DataFrame, before: pl.DataFrame, *, corrected: pl.Series, former_values: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Every customer's tier then and now, with the cause where they differ.

    Args:
        now: `customer_id`, `value_tier`, `expected_value_12m` (Int64, minor units), `value_model_version`,
            `days_since_last_order`, `as_of`.
        before: the same of the earlier date; `days_since_last_order` is not needed.
        corrected: ids of customers whose past was corrected in between.
        former_values: `customer_id`, `former_value` (Int64): what the earlier date's model says of today's features;
            None where it can't be asked.

    Returns:
        One row per customer of either date, sorted: `customer_id`, `from_tier`, `to_tier` ("not scored" where they are
        not), `value_before`, `value_now` (Int64, 0 where not scored), `model_part` (Int64: how much of the difference
        the change of model makes; null where that can't be told), `cause` (one of `CAUSES`; null: no change of tier),
        `value_cause` (of the change of value, whatever became of the tier: data correction, model where it makes most
        of the difference, else behaviour).
    """
    rows = _side_by_side(now, before, former_values)
    days_between = (now["as_of"][0] - before["as_of"][0]).days if now.height and before.height else 0
    lines_before, lines_now = _lowest_values(before), _lowest_values(now)
    other_model = pl.col("version_now") != pl.col("version_before")
    by_former = _tier_by(pl.col("former_value"), lines_before)
    bought_nothing = (pl.col("days_since_last_order") >= days_between).fill_null(value=True)  # null: never anything
    silent = bought_nothing & pl.col("former_value").is_null()
    both = pl.col("value_before").is_not_null() & pl.col("value_now").is_not_null()
    line_moved = (_tier_by(pl.col("value_before"), lines_now) == pl.col("to_tier")) & (
        _tier_by(pl.col("value_now"), lines_before) == pl.col("from_tier")
    )
    is_corrected = pl.col("customer_id").is_in(corrected.unique().sort().implode())
    cause = (
        pl.when(pl.col("from_tier") == pl.col("to_tier"))
        .then(pl.lit(None, pl.String))
        .when(is_corrected)
        .then(pl.lit(DATA_CORRECTION))
        .when(both & other_model & ((by_former == pl.col("from_tier")) | silent))
        .then(pl.lit(MODEL))
        .when(both & line_moved & ~other_model)
        .then(pl.lit(THRESHOLD))
        .otherwise(pl.lit(BEHAVIOUR))
    )
    part = pl.when(~both | ~other_model.fill_null(value=False)).then(0).otherwise(
        pl.col("value_now") - pl.col("former_value")
    )  # fmt: skip
    difference = pl.col("value_now").fill_null(0) - pl.col("value_before").fill_null(0)
    mostly_model = (
        pl.when(part.is_null()).then(both & other_model & silent).otherwise(2 * part.abs() > difference.abs())
    )
    value_cause = (
        pl.when(is_corrected)
        .then(pl.lit(DATA_CORRECTION))
        .when(both & mostly_model)
        .then(pl.lit(MODEL))
        .otherwise(pl.lit(BEHAVIOUR))
    )
    return rows.with_columns(cause.alias("cause"), part.alias("model_part"), value_cause.alias("value_cause")).select(
        *("customer_id", "from_tier", "to_tier"),
        *(pl.col(name).fill_null(0) for name in ("value_before", "value_now")),
        *("model_part", "cause", "value_cause"),
    )


def _side_by_side(now: pl.DataFrame, before: pl.DataFrame, former_values: pl.DataFrame | None) -> pl.DataFrame:
    then = before.select(
        "customer_id",
        pl.col("value_tier").alias("from_tier"),
        pl.col("expected_value_12m").alias("value_before"),
        pl.col("value_model_version").alias("version_before"),
    )
    today = now.select(
        "customer_id",
        pl.col("value_tier").alias("to_tier"),
        pl.col("expected_value_12m").alias("value_now"),
        pl.col("value_model_version").alias("version_now"),
        "days_since_last_order",
    )
    none = pl.DataFrame(schema={"customer_id": pl.String, "former_value": pl.Int64})
    former = none if former_values is None else former_values.select("customer_id", "former_value")
    return (
        today.join(then, on="customer_id", how="full", coalesce=True, validate="1:1")
        .join(former, on="customer_id", how="left", validate="1:1")
        .with_columns(pl.col("from_tier", "to_tier").fill_null(NOT_SCORED))
        .sort("customer_id")
    )


def _lowest_values(rows: pl.DataFrame) -> dict[str, int]:
    """The lowest expected value of each tier but the last: where its line ran that night."""
    found = dict(rows.group_by("value_tier").agg(pl.col("expected_value_12m").min()).iter_rows())
    return {tier: found[tier] for tier in VALUE_TIERS[:-1] if found.get(tier) is not None}


def _tier_by(value: pl.Expr, lines: dict[str, int]) -> pl.Expr:
    """The tier a value has between the lines of a night; null where there is no value."""
    tiers = [pl.when(value >= line).then(pl.lit(tier)) for tier, line in lines.items()]
    return pl.when(value.is_not_null()).then(pl.coalesce(*tiers, pl.lit(VALUE_TIERS[-1])))
