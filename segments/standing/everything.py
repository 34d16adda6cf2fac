"""Where each customer stands: value, stage, loyalty, fate and cell, all on one row.

Belongs here: putting the per-customer parts together in their order. Does not: any rule (each has its own module), sums
over customers, and the form of the tables (`contracts.py`).
"""

from collections.abc import Collection

import polars as pl

from segments.standing.credit import credit_grade
from segments.standing.fates import fate
from segments.standing.lifecycle import lifecycle
from segments.standing.loyalty import loyalty
from segments.standing.rules import SegmentationRules
from segments.standing.value_components import value_components
from segments.standing.value_matrix import value_matrix
from segments.standing.value_score import value_scores

ON_THE_CUSTOMER = ("lifecycle", "loyalty_class", "fate", "value_score")
"""What `segments.customer` shows of it."""


def customer_standing(
    facts: pl.DataFrame,
    sums: pl.DataFrame,
    late: pl.DataFrame | None,
    *,
    rules: SegmentationRules,
    previous: pl.DataFrame | None = None,
    let_go: Collection[str] = (),
) -> pl.DataFrame:
    """Everything about every customer who ever bought or subscribed, one row each, sorted by `customer_id`.

    Args:
        facts: as `customer_facts` returns it.
        sums: last year's order lines, as `value_components.order_sums` returns it.
        late: as `value_components.late_payment_days` returns it; None without payments.
        rules: of the company.
        previous: yesterday's rows: `customer_id` (unique), `lifecycle`, `loyalty_class`, `matrix_cell`; None on the
            first night. Who stands close to a line stays where they stood.
        let_go: ids of customers the company chose to stop serving.

    Returns:
        The columns of `facts` and what `value_components`, `lifecycle`, `loyalty`, `value_matrix` and `value_scores`
        return, `credit_grade`, `fate`.
    """
    rows = facts.drop("discounted_line_share").join(
        value_components(facts, sums, late, rules=rules), on="customer_id", validate="1:1", maintain_order="left"
    )
    rows = rows.with_columns(credit_grade().alias("credit_grade"))
    rows = _and(rows, lifecycle(facts, rules=rules, previous=previous))
    rows = _and(rows, loyalty(facts, rules=rules, previous=previous))
    rows = rows.with_columns(fate(let_go=let_go).alias("fate"))
    rows = _and(rows, value_matrix(rows, rules=rules, previous=previous))
    return _and(rows, value_scores(rows, weights=rules.weights).drop("loyalty_points"))


def _and(rows: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    return rows.join(more, on="customer_id", how="left", validate="1:1", maintain_order="left")
