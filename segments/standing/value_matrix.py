"""Current against potential value: four cells, each to be treated in its own way.

Belongs here: the cells, and who is rising. Does not: the policy of a cell (`cell_policies.py`).

Current value is last year's contribution, potential value what the customer is expected to bring in the next twelve
months; each is high for the top customers of the night, with a margin for who was there yesterday.
"""

import math
from typing import Final

import polars as pl

from segments.hysteresis import PREVIOUS, settled_class, with_previous
from segments.standing.rules import SegmentationRules
from segments.vocabulary import ACTIVE

KEY: Final = "key"
DEVELOP: Final = "develop"
MAINTAIN: Final = "maintain"
STANDARD: Final = "standard"
INACTIVE: Final = "inactive"
CELLS: Final = (KEY, DEVELOP, MAINTAIN, STANDARD, INACTIVE)
"""High now and later; low now, high later; high now, low later; low both; not active."""
_LOW, _HIGH = "low", "high"


def value_matrix(rows: pl.DataFrame, *, rules: SegmentationRules, previous: pl.DataFrame | None = None) -> pl.DataFrame:
    """The cell of every customer.

    Args:
        rows: `customer_id`, `customer_status`, `contribution_12m`, `net_sales_12m`, `expected_value_12m` (Int64).
        rules: of the company.
        previous: yesterday's rows with `customer_id`, `matrix_cell`; None on the first night.

    Returns:
        In the order of `rows`: `customer_id`, `matrix_cell` (one of `CELLS`), `is_rising` (Boolean: small last year,
        expected to bring much more, and more than the middle of the customers).
    """
    active = rows.filter((pl.col("customer_status") == ACTIVE) & pl.col("expected_value_12m").is_not_null())
    active = with_previous(active, previous, "matrix_cell")
    cut = math.ceil(rules.matrix_top_share * active.height) + 0.5
    now = _height(_rank(active, "contribution_12m"), cut, {KEY, MAINTAIN}, {DEVELOP, STANDARD}, rules)
    later = _height(_rank(active, "expected_value_12m"), cut, {KEY, DEVELOP}, {MAINTAIN, STANDARD}, rules)
    middle = active["expected_value_12m"].median()
    rising = (
        (_rank(active, "net_sales_12m") >= cut)
        & (pl.col("expected_value_12m") >= pl.col("net_sales_12m").clip(lower_bound=0) * rules.rising_factor)
        & (pl.col("expected_value_12m") > (middle if isinstance(middle, int | float) else 0))
    )
    cells = active.select(
        "customer_id",
        pl.when((now == _HIGH) & (later == _HIGH))
        .then(pl.lit(KEY))
        .when(later == _HIGH)
        .then(pl.lit(DEVELOP))
        .when(now == _HIGH)
        .then(pl.lit(MAINTAIN))
        .otherwise(pl.lit(STANDARD))
        .alias("matrix_cell"),
        rising.alias("is_rising"),
    )
    return (
        rows.select("customer_id")
        .join(cells, on="customer_id", how="left", validate="1:1", maintain_order="left")
        .with_columns(pl.col("matrix_cell").fill_null(INACTIVE), pl.col("is_rising").fill_null(value=False))
    )


def _rank(active: pl.DataFrame, column: str) -> pl.Expr:
    """Place by value (1 is best), equal values told apart by `customer_id`; who brings nothing comes last."""
    ordered = active.select("customer_id", column).sort(column, "customer_id", descending=[True, False])
    ordered = ordered.select(
        "customer_id",
        pl.when(pl.col(column) > 0).then(pl.int_range(1, pl.len() + 1)).otherwise(pl.len() * 2 + 2).alias("rank"),
    )
    joined = active.select("customer_id").join(ordered, on="customer_id", how="left", maintain_order="left")
    return pl.lit(joined["rank"])


def _height(rank: pl.Expr, cut: float, high: set[str], low: set[str], rules: SegmentationRules) -> pl.Expr:
    before = (
        pl.when(PREVIOUS.is_in(sorted(high))).then(pl.lit(_HIGH)).when(PREVIOUS.is_in(sorted(low))).then(pl.lit(_LOW))
    )
    return settled_class(rank, (cut,), (_HIGH, _LOW), previous=before, margin=rules.steady_margin)
