"""Who moved between tiers, counted, with the cause; and what that did to the value of all customers.

Belongs here: the migration matrix and the bridge of customer equity. Does not: the cause of one customer's move
(`causes.py`).
"""

import polars as pl

from segments.standing.causes import CAUSES, DATA_CORRECTION, MODEL
from segments.vocabulary import NOT_SCORED

NO_CHANGE = "no change"
MOVE_CAUSES = (*CAUSES, NO_CHANGE)
BRIDGE = (
    "before",
    "new customers",
    "lost customers",
    "changed behaviour",
    "changed model",
    "data correction",
    "now",
)
TIER, LIFECYCLE, LOYALTY, BRIDGE_STEP, TOTAL = "tier", "lifecycle", "loyalty", "bridge", "total"
DIMENSIONS = (TOTAL, TIER, LIFECYCLE, LOYALTY, BRIDGE_STEP)


def tier_migration(changes: pl.DataFrame) -> pl.DataFrame:
    """The matrix of moves.

    Args:
        changes: as `causes.tier_changes` returns it.

    Returns:
        One row per (`from_tier`, `to_tier`, `cause`) with anybody in it: `customers`, `expected_value_before`,
        `expected_value_now` (Int64, minor units). Who was and is not scored is left out.
    """
    moved = changes.filter((pl.col("from_tier") != NOT_SCORED) | (pl.col("to_tier") != NOT_SCORED))
    return (
        moved.with_columns(pl.col("cause").fill_null(NO_CHANGE))
        .group_by("from_tier", "to_tier", "cause")
        .agg(
            pl.len().cast(pl.Int64).alias("customers"),
            pl.col("value_before").sum().alias("expected_value_before"),
            pl.col("value_now").sum().alias("expected_value_now"),
        )
        .sort("from_tier", "to_tier", "cause")
    )


def customer_equity(rows: pl.DataFrame) -> pl.DataFrame:
    """The expected value of all customers, in all and by driver.

    Args:
        rows: `value_tier`, `lifecycle`, `loyalty_class`, `expected_value_12m` (Int64; null: not scored).

    Returns:
        One row per (`dimension`, `part`): `position` (Int64, the order to read parts in), `customers`,
        `expected_value_12m` (Int64, minor units) of those who are scored.
    """
    scored = rows.filter(pl.col("expected_value_12m").is_not_null())
    columns = {TIER: "value_tier", LIFECYCLE: "lifecycle", LOYALTY: "loyalty_class"}
    parts = [
        scored.group_by(pl.col(column).alias("part"))
        .agg(pl.len().cast(pl.Int64).alias("customers"), pl.col("expected_value_12m").sum())
        .select(pl.lit(dimension).alias("dimension"), "part", "customers", "expected_value_12m")
        .sort("expected_value_12m", "part", descending=[True, False])
        for dimension, column in columns.items()
    ]
    total = scored.select(
        pl.lit(TOTAL).alias("dimension"),
        pl.lit("all customers").alias("part"),
        pl.len().cast(pl.Int64).alias("customers"),
        pl.col("expected_value_12m").sum(),
    )
    together = pl.concat([total, *parts])
    return together.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).over("dimension").alias("position"))


def equity_bridge(changes: pl.DataFrame) -> pl.DataFrame:
    """From the value then to the value now, step by step; the steps sum to the difference exactly.

    Args:
        changes: as `causes.tier_changes` returns it.

    Returns:
        As `customer_equity`, dimension "bridge", one row a step of `BRIDGE`: of the steps between, the change they
        make. Of corrected customers the whole change is data correction, whether or not they moved. Where the model's
        part can't be told, a customer's change counts by its cause.
    """
    was, there = (pl.col(name) != NOT_SCORED for name in ("from_tier", "to_tier"))
    change = pl.col("value_now") - pl.col("value_before")
    step = (
        pl.when(~was & there)
        .then(pl.lit("new customers"))
        .when(was & ~there)
        .then(pl.lit("lost customers"))
        .when(pl.col("value_cause") == DATA_CORRECTION)
        .then(pl.lit("data correction"))
        .when(pl.col("model_part").is_null() & (pl.col("value_cause") == MODEL))
        .then(pl.lit("changed model"))
        .otherwise(pl.lit("changed behaviour"))
    )
    rows = changes.filter(was | there).with_columns(step.alias("part"), change.alias("change"))
    by_model = pl.when(pl.col("part") == "changed behaviour").then(pl.col("model_part").fill_null(0)).otherwise(0)
    rows = rows.with_columns(by_model.alias("by_model"))
    return _bridge(rows)


def _bridge(rows: pl.DataFrame) -> pl.DataFrame:
    """The steps in order, with the part of the model taken out of behaviour."""
    touched = rows.filter((pl.col("change") != 0) | (pl.col("by_model") != 0))
    sums = {
        part: (customers, value)
        for part, customers, value in touched.group_by("part")
        .agg(pl.len().alias("customers"), (pl.col("change") - pl.col("by_model")).sum())
        .iter_rows()
    }
    by_model = rows.filter(pl.col("by_model") != 0)
    own = sums.get("changed model", (0, 0))
    sums["changed model"] = (own[0] + by_model.height, own[1] + int(by_model["by_model"].sum()))
    sums["before"] = (rows.filter(pl.col("from_tier") != NOT_SCORED).height, int(rows["value_before"].sum()))
    sums["now"] = (rows.filter(pl.col("to_tier") != NOT_SCORED).height, int(rows["value_now"].sum()))
    made = [(BRIDGE_STEP, part, *sums.get(part, (0, 0)), place) for place, part in enumerate(BRIDGE)]
    schema = {
        "dimension": pl.String,
        "part": pl.String,
        "customers": pl.Int64,
        "expected_value_12m": pl.Int64,
        "position": pl.Int64,
    }
    return pl.DataFrame(made, schema=schema, orient="row")
