"""The tables of the run ledger, in the schema `gristmill` of the warehouse.

Belongs here: what the ledger's tables look like, making them, and their rows as plain values. Does not: what the rows
mean (`ledger.py`, `publications.py`).
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from warehouse.databases.base import Warehouse
from warehouse.errors import StatementFailedError

SCHEMA = "gristmill"

_TABLES = {
    "loads": """
        load_id VARCHAR PRIMARY KEY,
        source_fingerprint VARCHAR NOT NULL,
        configuration_hash VARCHAR NOT NULL,
        loaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        counts JSON NOT NULL,
        status VARCHAR NOT NULL""",
    "load_profiles": """
        load_id VARCHAR NOT NULL,
        entity VARCHAR NOT NULL,
        loaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        profile JSON NOT NULL,
        PRIMARY KEY (load_id, entity)""",
    "load_sources": """
        load_id VARCHAR NOT NULL,
        source VARCHAR NOT NULL,
        entity VARCHAR NOT NULL,
        input_name VARCHAR,
        mapping_hash VARCHAR NOT NULL,
        columns JSON NOT NULL,
        newest_event TIMESTAMP WITH TIME ZONE,
        watermark VARCHAR,
        loaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (load_id, source)""",
    "load_inputs": """
        load_id VARCHAR NOT NULL,
        input_name VARCHAR NOT NULL,
        label VARCHAR NOT NULL,
        version VARCHAR NOT NULL,
        loaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (load_id, input_name, label)""",
    "runs": """
        run_key VARCHAR NOT NULL,
        attempt INTEGER NOT NULL,
        kind VARCHAR NOT NULL,
        as_of DATE NOT NULL,
        status VARCHAR NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        load_id VARCHAR,
        configuration_hash VARCHAR NOT NULL,
        model_versions JSON NOT NULL,
        content_hash VARCHAR,
        counts JSON NOT NULL,
        timings JSON NOT NULL,
        error JSON,
        run_by VARCHAR NOT NULL,
        PRIMARY KEY (run_key, attempt)""",
    "promotions": """
        name VARCHAR NOT NULL,
        number INTEGER NOT NULL,
        version INTEGER NOT NULL,
        digest VARCHAR NOT NULL,
        trained_as_of DATE NOT NULL,
        promoted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        beats_baseline BOOLEAN NOT NULL,
        metrics JSON NOT NULL,
        kind VARCHAR NOT NULL,
        because VARCHAR NOT NULL,
        decided_by VARCHAR NOT NULL,
        previous_version INTEGER,
        grade VARCHAR NOT NULL,
        comparison JSON NOT NULL,
        PRIMARY KEY (name, number)""",
    "shadows": """
        name VARCHAR NOT NULL,
        version INTEGER NOT NULL,
        digest VARCHAR NOT NULL,
        trained_as_of DATE NOT NULL,
        since TIMESTAMP WITH TIME ZONE NOT NULL,
        until TIMESTAMP WITH TIME ZONE,
        because VARCHAR NOT NULL,
        decided_by VARCHAR NOT NULL,
        PRIMARY KEY (name, version, since)""",
    "exports": """
        export_number INTEGER PRIMARY KEY,
        audience VARCHAR NOT NULL,
        exported_table VARCHAR NOT NULL,
        format VARCHAR NOT NULL,
        conditions JSON NOT NULL,
        as_of DATE NOT NULL,
        version_number INTEGER NOT NULL,
        load_id VARCHAR NOT NULL,
        counts JSON NOT NULL,
        files JSON NOT NULL,
        exported_at TIMESTAMP WITH TIME ZONE NOT NULL,
        run_by VARCHAR NOT NULL""",
    "publications": """
        version_number INTEGER PRIMARY KEY,
        run_key VARCHAR NOT NULL,
        attempt INTEGER NOT NULL,
        as_of DATE NOT NULL,
        content_hash VARCHAR NOT NULL,
        tables JSON NOT NULL,
        overrides JSON NOT NULL,
        published_at TIMESTAMP WITH TIME ZONE NOT NULL,
        superseded BOOLEAN NOT NULL,
        is_current BOOLEAN NOT NULL,
        rolled_back_at TIMESTAMP WITH TIME ZONE,
        collected_at TIMESTAMP WITH TIME ZONE""",
}

_JSON_COLUMNS = {
    *("counts", "timings", "error", "model_versions", "metrics", "tables", "overrides", "profile", "columns"),
    *("comparison", "conditions", "files"),
}
_FROM_OLDER_LEDGER = """
    INSERT INTO gristmill.promotions (name, number, version, digest, trained_as_of, promoted_at, beats_baseline,
        metrics, kind, because, decided_by, grade, comparison)
    SELECT name, row_number() OVER (PARTITION BY name ORDER BY promoted_at, version), version, digest, trained_as_of,
        promoted_at, beats_baseline, metrics, CASE WHEN beats_baseline THEN 'won' ELSE 'stands in' END, '', '', '', '{}'
    FROM gristmill.models"""


def make_ledger(warehouse: Warehouse) -> None:
    """Make the ledger's schema and tables unless they are there; all of them or none."""
    if ledger_exists(warehouse):
        return
    with warehouse.transaction():
        warehouse.make_schema(SCHEMA)
        there = warehouse.tables(SCHEMA)
        for table, columns in _TABLES.items():
            warehouse.execute(f"CREATE TABLE IF NOT EXISTS {SCHEMA}.{table} ({columns})", step=f"make {SCHEMA}.{table}")
        if "models" in there and "promotions" not in there:  # an older ledger kept them so
            warehouse.execute(_FROM_OLDER_LEDGER, step="take over the promotions of an older ledger")


def ledger_exists(warehouse: Warehouse) -> bool:
    """Whether the ledger's tables are there (a reader can't make them)."""
    return set(_TABLES) <= set(warehouse.tables(SCHEMA))


def ledger_rows(warehouse: Warehouse, table: str, clause: str, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of a ledger table with its JSON columns parsed; none when there is no ledger yet."""
    statement = f"SELECT * FROM {SCHEMA}.{table} {clause}"  # noqa: S608 both are literals of this package
    try:
        rows = warehouse.query(statement, parameters, step=f"read {SCHEMA}.{table}").to_dicts()
    except StatementFailedError:
        if ledger_exists(warehouse):
            raise
        return []
    return [
        {
            name: json.loads(value) if name in _JSON_COLUMNS and value is not None else value
            for name, value in row.items()
        }
        for row in rows
    ]


def to_json(value: Mapping[str, Any]) -> str:
    """A mapping as JSON text: keys in order, so that equal content is equal text; NaN and infinities become null."""
    return json.dumps(_finite(value), sort_keys=True, ensure_ascii=False, default=str)


def _finite(value: Any) -> Any:  # noqa: ANN401 any JSON value, in and out
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
