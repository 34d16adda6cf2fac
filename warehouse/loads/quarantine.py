"""Rows in quarantine, as the warehouse keeps them: counted and picked out.

Belongs here: reading the tables of the schema `quarantine`. Does not: writing them (`recording.py`,
`quarantine_writing.py`), showing them to people, or bringing rows back (`replaying.py`).
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from data_contracts.contracts import CORE_ENTITIES
from warehouse.databases.base import Warehouse
from warehouse.databases.identifiers import quoted
from warehouse.ledger_schema import SCHEMA as LEDGER_SCHEMA
from warehouse.ledger_schema import ledger_exists

QUARANTINE_SCHEMA = "quarantine"
ACTIONS_TABLE = "quarantine_actions"
BLOCKED = "blocked"
"""The status (in `gristmill.loads`) of a load that was refused: its rows in quarantine are what it broke on."""

ACTIONS = """
    acted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    action VARCHAR NOT NULL,
    entity VARCHAR NOT NULL,
    rule VARCHAR,
    source VARCHAR,
    load_id VARCHAR,
    rows BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    run_by VARCHAR NOT NULL"""
"""Columns of `gristmill.quarantine_actions`: what was taken out of quarantine by hand, and why."""

COUNTS_SCHEMA = {
    "entity": pl.String(),
    "rule": pl.String(),
    "rows": pl.Int64(),
    "loads": pl.Int64(),
    "sources": pl.List(pl.String()),
    "oldest": pl.Datetime("us", "UTC"),
    "newest": pl.Datetime("us", "UTC"),
    "blocked": pl.Boolean(),
}


@dataclass(frozen=True, kw_only=True)
class RowsWanted:
    """Which rows of quarantine are meant: those of an entity that meet every condition given.

    Attributes:
        entity: the core table they would have gone to.
        rule: they break this rule, among others.
        load_id: they came with this load.
        source: they came from this source.
    """

    entity: str
    rule: str | None = None
    load_id: str | None = None
    source: str | None = None

    def condition(self) -> tuple[str, list[Any]]:
        """SQL over the entity's table in quarantine, and its parameters."""
        given = [
            ("strpos(', ' || rules || ', ', ', ' || CAST(? AS VARCHAR) || ', ') > 0", self.rule),
            ("load_id = ?", self.load_id),
            ("source = ?", self.source),
        ]
        meant = [(sql, value) for sql, value in given if value is not None]
        return " AND ".join(sql for sql, _ in meant) or "true", [value for _, value in meant]


def entities_in_quarantine(warehouse: Warehouse) -> list[str]:
    """The entities that have a table in quarantine (it may be empty), in the order of loading."""
    tables = set(warehouse.tables(QUARANTINE_SCHEMA))
    return [entity for entity in CORE_ENTITIES if entity in tables]


def count_by_rule(warehouse: Warehouse) -> pl.DataFrame:
    """Rows in quarantine by entity and rule, as `COUNTS_SCHEMA`; a row that breaks several is counted under each.

    `oldest` and `newest` are the moments of the loads they came with; `blocked` rows belong to a load that was
    refused, and stand apart. Entities in the order of loading, then blocked ones first, then the commonest rule.
    """
    loads = recorded_loads(warehouse)
    frames = [pl.DataFrame(schema=COUNTS_SCHEMA)]
    for entity in entities_in_quarantine(warehouse):
        kinds = warehouse.query(
            f"SELECT rules, source, load_id, count(*) AS rows FROM {quoted(QUARANTINE_SCHEMA, entity)} "  # noqa: S608 names are checked
            "GROUP BY rules, source, load_id",
            step=f"count the rows of {entity} in quarantine",
        )
        frames.append(_by_rule(entity, kinds, loads))
    return pl.concat(frames)


def _by_rule(entity: str, kinds: pl.DataFrame, loads: pl.DataFrame) -> pl.DataFrame:
    return (
        kinds.join(loads, on="load_id", how="left", maintain_order="left")
        .with_columns(
            pl.col("rules").str.split(", ").alias("rule"),
            (pl.col("status") == BLOCKED).fill_null(False).alias(BLOCKED),  # noqa: FBT003 Polars' way to say it
        )
        .explode("rule")
        .group_by("rule", BLOCKED)
        .agg(
            pl.col("rows").sum().cast(pl.Int64),
            pl.col("load_id").n_unique().cast(pl.Int64).alias("loads"),
            pl.col("source").unique().sort().alias("sources"),
            pl.col("loaded_at").min().alias("oldest"),
            pl.col("loaded_at").max().alias("newest"),
        )
        .with_columns(pl.lit(entity).alias("entity"))
        .sort(BLOCKED, "rows", "rule", descending=[True, True, False])
        .select(pl.col(name).cast(dtype) for name, dtype in COUNTS_SCHEMA.items())
    )


def count_by_load(warehouse: Warehouse) -> pl.DataFrame:
    """Rows in quarantine, each counted once: `entity`, `load_id`, `rows`, and the load's `loaded_at` and `status`."""
    schema = {"entity": pl.String(), "load_id": pl.String(), "rows": pl.Int64()}
    counted = [
        warehouse.query(
            f"SELECT load_id, count(*) AS rows FROM {quoted(QUARANTINE_SCHEMA, entity)} GROUP BY load_id",  # noqa: S608 as above
            step=f"count the rows of {entity} in quarantine",
        ).select(pl.lit(entity).alias("entity"), "load_id", pl.col("rows").cast(pl.Int64))
        for entity in entities_in_quarantine(warehouse)
    ]
    return pl.concat([pl.DataFrame(schema=schema), *counted]).join(
        recorded_loads(warehouse), on="load_id", how="left", maintain_order="left"
    )


def count_rows(warehouse: Warehouse, wanted: RowsWanted) -> int:
    """How many rows are meant; none where the entity has no table in quarantine."""
    if wanted.entity not in entities_in_quarantine(warehouse):
        return 0
    condition, parameters = wanted.condition()
    found = warehouse.query(
        f"SELECT count(*) AS rows FROM {quoted(QUARANTINE_SCHEMA, wanted.entity)} WHERE {condition}",  # noqa: S608 names are checked, values are parameters
        parameters,
        step=f"count rows of {wanted.entity} in quarantine",
    )
    return int(found["rows"][0])


def read_rows(warehouse: Warehouse, wanted: RowsWanted, *, limit: int | None = None) -> pl.DataFrame:
    """The rows that are meant, as quarantine keeps them, with `loaded_at` and `load_status` of their load.

    Newest load first, then in the order of the source; at most `limit`. The column `raw_row` may hold personal data.
    """
    condition, parameters = wanted.condition()
    rows = warehouse.query(
        f"SELECT * FROM {quoted(QUARANTINE_SCHEMA, wanted.entity)} WHERE {condition} "  # noqa: S608 as above
        "ORDER BY load_id DESC, source, source_file, source_row, raw_row" + (f" LIMIT {limit:d}" if limit else ""),
        parameters,
        step=f"read rows of {wanted.entity} in quarantine",
    )
    loads = recorded_loads(warehouse).rename({"status": "load_status"})
    return rows.join(loads, on="load_id", how="left", maintain_order="left")


def actions(warehouse: Warehouse) -> list[dict[str, Any]]:
    """What was taken out of quarantine by hand, newest first."""
    if ACTIONS_TABLE not in warehouse.tables(LEDGER_SCHEMA):
        return []
    return warehouse.query(
        f"SELECT * FROM {LEDGER_SCHEMA}.{ACTIONS_TABLE} ORDER BY acted_at DESC, entity",  # noqa: S608 as above
        step="read what left quarantine",
    ).to_dicts()


def recorded_loads(warehouse: Warehouse) -> pl.DataFrame:
    """`load_id`, `loaded_at`, `status` of every load in the ledger."""
    schema = {"load_id": pl.String(), "loaded_at": pl.Datetime("us", "UTC"), "status": pl.String()}
    if not ledger_exists(warehouse):
        return pl.DataFrame(schema=schema)
    found = warehouse.query(
        f"SELECT load_id, loaded_at, status FROM {LEDGER_SCHEMA}.loads",  # noqa: S608 as above
        step="read the loads",
    )
    return found.cast(pl.Schema(schema))
