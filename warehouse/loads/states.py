"""What the last load left to go on from: its core rows, and what it had read of each source.

Belongs here: writing that into the ledger and recalling it. Does not: what follows for the next load's reading
(`increments.py`) or merging (`merging.py`).

In the ledger, `gristmill.load_sources` has a row for each load and source: the columns it had (a quarantined raw row
becomes a typed one again by them), the mapping it was read by, how far it reached. `gristmill.load_inputs` has a row
for each file version that a load read from an incremental input.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from warehouse.databases.base import Warehouse
from warehouse.lake import Lake, Load
from warehouse.ledger_schema import SCHEMA, ledger_rows, to_json
from warehouse.sources.files import in_order


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """How a source stood after a load.

    Attributes:
        source: its name.
        entity: the core table it feeds.
        input_name: the input its rows come from; None for a query.
        mapping_hash: of its mapping, how its inputs are read, its table's contract and rules; and which key its contact
            data were hashed with (`fingerprints.without_key`).
        columns: its own columns and their DuckDB types, in order.
        newest_event: when the newest of its accepted rows happened (UTC), of all loads so far; None: none says.
        watermark: the greatest value of the input's watermark column so far, as text; None where there is none.
    """

    source: str
    entity: str
    input_name: str | None
    mapping_hash: str
    columns: Mapping[str, str]
    newest_event: datetime | None
    watermark: str | None = None


@dataclass(frozen=True, kw_only=True)
class FileRead:
    """A version of a file of an incremental input that a load read, or passed over as a copy of one that was read."""

    input_name: str
    label: str
    version: str
    is_copy: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the last load left; nothing of it at a first load.

    Attributes:
        load: its core rows.
        sources: how each source stood.
        files: by incremental input, the (label, version) of the files that loads so far have taken notice of, in the
            order in which they came.
    """

    load: Load | None = None
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    files: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)


def recall(warehouse: Warehouse, lake: Lake) -> Standing:
    """What the last load left whose rows are in the lake; nothing where there is none.

    Where a backup brought back an older lake that is an earlier load, and what came with later ones is news again.
    """
    loads = ledger_rows(warehouse, "loads", "WHERE status = 'done' ORDER BY loaded_at DESC, load_id DESC", [])
    recorded = next((load for load in loads if lake.has_load(load["load_id"])), None)
    if recorded is None:
        return Standing()
    until = "WHERE loaded_at <= ? ORDER BY loaded_at, load_id, input_name, label, version"
    rows = ledger_rows(warehouse, "load_inputs", until, [recorded["loaded_at"]])
    rows.sort(key=lambda row: (row["loaded_at"], row["load_id"], in_order(row["label"])))
    files: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        files.setdefault(row["input_name"], []).append((row["label"], row["version"]))
    sources = source_states(warehouse, recorded["load_id"])
    return Standing(load=lake.open_load(recorded["load_id"]), sources=sources, files=files)


def source_states(warehouse: Warehouse, load_id: str) -> dict[str, SourceState]:
    """How each source stood after a load, by name."""
    rows = ledger_rows(warehouse, "load_sources", "WHERE load_id = ? ORDER BY source", [load_id])
    return {row["source"]: _state(row) for row in rows}


def source_columns(warehouse: Warehouse, load_id: str, source: str) -> Mapping[str, str]:
    """A source's own columns and their DuckDB types at a load; none where the ledger does not know.

    What a replay makes typed rows of quarantined ones by.
    """
    state = source_states(warehouse, load_id).get(source)
    return state.columns if state is not None else {}


def record_states(
    warehouse: Warehouse,
    load_id: str,
    states: Iterable[SourceState],
    files: Iterable[FileRead],
    *,
    loaded_at: datetime,
) -> None:
    """Write down what a load leaves; in the transaction that writes down the load itself."""
    for state in states:
        warehouse.execute(
            f"INSERT INTO {SCHEMA}.load_sources (load_id, source, entity, input_name, mapping_hash, columns, "  # noqa: S608  # a literal of this package
            "newest_event, watermark, loaded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                load_id,
                state.source,
                state.entity,
                state.input_name,
                state.mapping_hash,
                to_json({"columns": [[name, kind] for name, kind in state.columns.items()]}),
                state.newest_event,
                state.watermark,
                loaded_at,
            ],
            step=f"write down the source {state.source} of the load {load_id}",
        )
    for file in files:
        warehouse.execute(
            f"INSERT INTO {SCHEMA}.load_inputs (load_id, input_name, label, version, loaded_at) VALUES (?, ?, ?, ?, ?)",  # noqa: S608  # a literal of this package
            [load_id, file.input_name, file.label, file.version, loaded_at],
            step=f"write down a file that the load {load_id} read",
        )


def _state(row: Mapping[str, Any]) -> SourceState:
    return SourceState(
        source=row["source"],
        entity=row["entity"],
        input_name=row["input_name"],
        mapping_hash=row["mapping_hash"],
        columns=dict(row["columns"]["columns"]),
        newest_event=row["newest_event"],
        watermark=row["watermark"],
    )
