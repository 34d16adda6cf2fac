"""Looking at rows in quarantine, and taking them away: what the commands ask of the warehouse, as plain values.

Belongs here: which rows are meant, their rules in words, which of their values may be seen. Does not: printing
(`quarantine_reporting.py`), the tables themselves (`warehouse.loads.quarantine`), bringing rows back (`replaying.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from config.errors import CommandUnknownNameError
from flows.context import Context
from flows.loading.quarantine_view import GONE, View, rule_meanings, shown_row
from flows.running.recording import alone
from warehouse.databases.base import Warehouse
from warehouse.loads.quarantine import (
    BLOCKED,
    RowsWanted,
    actions,
    count_by_load,
    count_by_rule,
    count_rows,
    entities_in_quarantine,
    read_rows,
)
from warehouse.loads.quarantine_writing import drop_rows

_ACTIONS_TOLD = 10


def summary(context: Context) -> dict[str, Any]:
    """How many rows are in quarantine, by table and rule.

    Returns:
        `rows` (each counted once), `entities` (by entity `rows`, and `blocked_rows` of a refused load), `rules` (by
        entity and rule the rows, loads, sources, the oldest and newest load, the meaning) and what was `taken_out`
        by hand.
    """
    place = context.warehouse(read_only=True)
    if not place.exists():
        return {"rows": 0, "entities": {}, "rules": [], "taken_out": [], "loaded": False}
    with place as warehouse:
        counts, loads = count_by_rule(warehouse), count_by_load(warehouse)
        known = entities_in_quarantine(warehouse)
        taken = actions(warehouse)[:_ACTIONS_TOLD]
    meanings = {entity: rule_meanings(context.settings, entity) for entity in counts["entity"].unique()}
    entities = {
        name: {
            "rows": loads.filter(entity=name)["rows"].sum(),
            "blocked_rows": loads.filter(entity=name, status=BLOCKED)["rows"].sum(),
        }
        for name in known
    }
    return {
        "rows": loads["rows"].sum(),
        "entities": entities,
        "rules": [
            {**rule, "meaning": meanings[rule["entity"]].get(rule["rule"], GONE)} for rule in _plain(counts.to_dicts())
        ],
        "taken_out": _plain(taken),
        "loaded": bool(known),
    }


def show(context: Context, wanted: RowsWanted, *, limit: int | None, raw: bool) -> dict[str, Any]:
    """Rows in quarantine, each with the rules it breaks in words.

    Args:
        context: the surroundings.
        wanted: which rows.
        limit: at most so many; all where it is None.
        raw: every value as the source has it. Otherwise only the columns that the mapping uses, personal ones as
            their shape.

    Returns:
        `entity`, `rows` (how many there are), `shown` (a list of rows), `meanings` (by rule, its words).

    Raises:
        CommandUnknownNameError: no table, rule, load or source of that name has rows in quarantine.
        WarehouseMissingError: nothing was ever loaded.
    """
    with context.warehouse(read_only=True) as warehouse:
        found = _rows_meant(warehouse, wanted)
        rows = read_rows(warehouse, wanted, limit=limit).to_dicts() if found else []
    meanings = rule_meanings(context.settings, wanted.entity)
    views = {name: View.of(context.settings, wanted.entity, name) for name in {row["source"] for row in rows}}
    shown = [shown_row(row, views[row["source"]], raw=raw) for row in rows]
    broken = dict.fromkeys(rule for row in shown for rule in row["rules"])
    return {
        "entity": wanted.entity,
        "rows": found,
        "shown": shown,
        "meanings": {rule: meanings.get(rule, GONE) for rule in broken},
    }


def drop(context: Context, wanted: RowsWanted, *, reason: str) -> dict[str, Any]:
    """Take rows out of quarantine for good; why, when and by whom is written down in the ledger.

    Raises:
        CommandUnknownNameError: as for `show`.
        WarehouseBusyError: a run is under way.
    """
    with alone(context, "quarantine drop"), context.warehouse() as warehouse:
        _rows_meant(warehouse, wanted)
        rows = drop_rows(warehouse, wanted, reason=reason, now=context.now, run_by=context.run_by)
    return {"status": "dropped" if rows else "unchanged", "entity": wanted.entity, "rows": rows, "reason": reason}


def _rows_meant(warehouse: Warehouse, wanted: RowsWanted) -> int:
    """How many rows are meant; a name that nothing in quarantine has is told from one without rows."""
    known = entities_in_quarantine(warehouse)
    if wanted.entity not in known:
        raise CommandUnknownNameError(what="table in quarantine", got=wanted.entity, known=known)
    found = count_rows(warehouse, wanted)
    if not found and wanted != RowsWanted(entity=wanted.entity):
        _check_names(warehouse, wanted)
    return found


def _check_names(warehouse: Warehouse, wanted: RowsWanted) -> None:
    everything = read_rows(warehouse, RowsWanted(entity=wanted.entity)).select("rules", "load_id", "source").unique()
    rules = sorted({rule for cell in everything["rules"] for rule in cell.split(", ")})
    for what, got, known in (
        ("rule broken by rows of this table in quarantine", wanted.rule, rules),
        ("load with rows of this table in quarantine", wanted.load_id, sorted(set(everything["load_id"]))),
        ("source with rows of this table in quarantine", wanted.source, sorted(set(everything["source"]))),
    ):
        if got is not None and got not in known:
            raise CommandUnknownNameError(what=what, got=got, known=known)


def _plain(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Moments as ISO texts."""
    return [
        {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
        for row in rows
    ]
