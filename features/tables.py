"""Entities other than orders: aggregated customer by customer, snapshot by snapshot.

Belongs here: running the aggregations that families declare over the rows they select. Does not: which rows count for a
snapshot; each family's `Table.rows` says that.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from features.inputs import Aggregate, Input, Table
from features.snapshots import Snapshots

KEYS = ["customer_id", "snapshot"]
LAST_PURCHASE_DAYS = "last_purchase_days"


def table_inputs(
    table: Table, frames: Mapping[str, pl.LazyFrame], wanted: Mapping[str, Input], snapshots: Snapshots
) -> pl.DataFrame:
    """One table's aggregates.

    Args:
        table: the table.
        frames: the entities it is made of, of one bucket; `last_purchase_days` also by `snapshot`.
        wanted: the inputs by name; only aggregates of this table are looked at.
        snapshots: the dates.

    Returns:
        One row per customer with rows and snapshot: `customer_id`, `snapshot` (UInt16), and each aggregate.
    """
    sums = {
        name: one.expression for name, one in wanted.items() if isinstance(one, Aggregate) and one.table == table.name
    }
    held = {entity: frames[entity].collect().lazy() for entity in table.entities}
    parts = []
    for snapshot in snapshots:
        mine = dict(held)
        if LAST_PURCHASE_DAYS in held:
            mine[LAST_PURCHASE_DAYS] = held[LAST_PURCHASE_DAYS].filter(snapshot=snapshot.number)
        number = pl.lit(snapshot.number, dtype=pl.UInt16).alias("snapshot")
        parts.append(table.rows(mine, snapshot).group_by("customer_id").agg(**sums).with_columns(number))
    return pl.concat(pl.collect_all(parts)) if parts else pl.DataFrame()


def tables_wanted(tables: Sequence[Table], wanted: Mapping[str, Input]) -> list[Table]:
    """The tables that some input aggregates."""
    asked = {one.table for one in wanted.values() if isinstance(one, Aggregate)}
    return [table for table in tables if table.name in asked]
