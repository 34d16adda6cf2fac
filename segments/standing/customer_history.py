"""What each customer was, night after night, without a row for nights on which nothing changed.

Belongs here: adding a night to the history, and reading from it what customers were on a date. Does not: keeping it.
"""

from datetime import date, timedelta

import polars as pl

from segments.standing.causes import BEHAVIOUR

FACTS = (
    "customer_status",
    "value_tier",
    "churn_risk_band",
    "lifecycle",
    "loyalty_class",
    "fate",
    "matrix_cell",
)
"""Classes; a change of any of them makes a row."""
_MEASURES = ("expected_value_12m", "churn_probability", "value_model_version")
_MOVED_BY = 0.25


def with_tonight(tonight: pl.DataFrame, before: pl.DataFrame | None, *, as_of: date, keep_days: int) -> pl.DataFrame:
    """The history with a night added.

    A customer gets a row when a class changed or their expected value moved by a quarter since their last row. Rows of
    the night's own date or later are replaced; rows that ended before the kept days are left out, but for each
    customer's last one.

    Args:
        tonight: `customer_id` (unique), `FACTS`, `expected_value_12m` (Int64 or Decimal), `churn_probability`,
            `value_model_version`.
        before: the history of an earlier date, with the same columns and `as_of`; None on the first night.
        as_of: the night's date.
        keep_days: how far back rows are kept.

    Returns:
        Those columns and `as_of`, sorted by `customer_id`, `as_of`.
    """
    columns = ("customer_id", "as_of", *FACTS, *_MEASURES)
    new = tonight.with_columns(pl.lit(as_of).alias("as_of")).select(columns)
    if before is None:
        return new.sort("customer_id", "as_of")
    old = before.filter(pl.col("as_of") < as_of).select(columns).cast(new.schema)
    last = old.sort("customer_id", "as_of").unique("customer_id", keep="last", maintain_order=True)
    compared = new.join(last, on="customer_id", how="left", suffix="_before", validate="1:1", maintain_order="left")
    same = pl.all_horizontal(
        pl.col("as_of_before").is_not_null(),
        *(pl.col(name).eq_missing(pl.col(f"{name}_before")) for name in FACTS),
        ~_moved(pl.col("expected_value_12m"), pl.col("expected_value_12m_before")),
    )
    changed = compared.filter(~same).select(columns)
    together = pl.concat([old, changed]).sort("customer_id", "as_of")
    ends = pl.col("as_of").shift(-1).over("customer_id")
    return together.filter(ends.is_null() | (ends > as_of - timedelta(days=keep_days)))


def standing_on(history: pl.DataFrame, day: date) -> pl.DataFrame:
    """What every customer was on a date: their last row up to it.

    Args:
        history: as `with_tonight` returns it.
        day: the date.

    Returns:
        The history's columns, one row per customer known then, sorted by `customer_id`.
    """
    known = history.filter(pl.col("as_of") <= day).sort("customer_id", "as_of")
    return known.unique("customer_id", keep="last", maintain_order=True)


def _moved(value: pl.Expr, before: pl.Expr) -> pl.Expr:
    now, then = value.cast(pl.Float64), before.cast(pl.Float64)
    far = (now - then).abs() > then.abs() * _MOVED_BY
    return far.fill_null(value=False) | (value.is_null() != before.is_null())


def with_causes(
    history: pl.DataFrame, before: pl.DataFrame | None, changes: pl.DataFrame | None, *, as_of: date
) -> pl.DataFrame:
    """The history with the cause of every row.

    Rows of earlier dates keep theirs. A row of tonight has the cause of its change of tier; where the tier did not
    change, that of its change of value; and none where it is the customer's first.

    Args:
        history: as `with_tonight` returns it.
        before: the history before, with `cause`; None on the first night.
        changes: as `causes.tier_changes` returns it, against the version before; None where there is none.
        as_of: the night's date.
    """
    none = pl.DataFrame(schema={"customer_id": pl.String, "as_of": pl.Date, "cause": pl.String})
    old = none if before is None else before.filter(pl.col("as_of") < as_of).select(none.columns)
    caused = pl.coalesce("cause", "value_cause").alias("cause")
    tonight = none.drop("as_of") if changes is None else changes.select("customer_id", caused)
    tonight = tonight.rename({"cause": "cause_tonight"})
    rows = history.join(old, on=["customer_id", "as_of"], how="left", validate="1:1", maintain_order="left")
    rows = rows.join(tonight, on="customer_id", how="left", validate="m:1", maintain_order="left")
    first = pl.col("as_of") == pl.col("as_of").min().over("customer_id")
    is_new = (pl.col("as_of") == as_of) & ~first
    cause = pl.when(is_new).then(pl.col("cause_tonight").fill_null(BEHAVIOUR)).otherwise(pl.col("cause"))
    return rows.with_columns(cause.alias("cause")).drop("cause_tonight")
