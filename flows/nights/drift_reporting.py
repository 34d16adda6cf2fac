"""Drift in plain values and on the terminal.

Belongs here: reading the published table and printing it. Does not: making it (`drifting.py`).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl
from rich.table import Table

from flows.context import Context
from flows.errors_reviewing import DriftNotKeptError, NothingToReviewError
from flows.nights.drifting import facts_of, read_drift
from flows.reporting import console
from flows.running.summaries import drift_lines
from segments.drift.findings import ALARM, QUIET, STATUSES, told_in_words

_TONES: Mapping[str, str] = {ALARM: "[bold red]alarm[/]", "watch": "[yellow]watch[/]", QUIET: "quiet"}


def drift_document(context: Context, *, night: date | None = None) -> dict[str, Any]:
    """What readers see of drift.

    Args:
        context: the surroundings.
        night: one of the nights of the last quarter; None for the newest.

    Returns:
        `night`, `nights` (those kept), `alarms` (sentences), `watched`, `looked_at`, `rows` (of that night, the alarms
        first).

    Raises:
        NothingToReviewError: there is no published version.
        DriftNotKeptError: of that night there are no rows.
    """
    if not context.warehouse().exists():
        raise NothingToReviewError
    with context.warehouse(read_only=True, file_wait_seconds=2) as warehouse:
        rows = read_drift(warehouse)
    if rows.is_empty():
        raise NothingToReviewError
    nights = rows["night"].unique().sort().to_list()
    asked = night or nights[-1]
    if asked not in nights:
        raise DriftNotKeptError(night=asked, kept=nights)
    order = pl.col("status").replace_strict({status: -place for place, status in enumerate(STATUSES)})
    own = rows.filter(pl.col("night") == asked).sort(order, "kind", "what", "measure")
    return {
        "verb": "drift",
        "night": asked.isoformat(),
        "nights": [day.isoformat() for day in nights],
        **facts_of(rows.filter(pl.col("night") <= asked)),
        "rows": own.to_dicts(),
    }


def print_drift(found: Mapping[str, Any], *, everything: bool) -> None:
    """The alarms as sentences, then what is beyond its threshold, or all that was looked at."""
    out = console()
    for line in drift_lines({"drift": found}):
        out.print(line, markup=False)
    shown = [row for row in found["rows"] if everything or row["status"] != QUIET]
    if not shown:
        return
    table = Table("kind", "what", "measure", "value", "usual", "threshold", "status", "since")
    for column in table.columns[3:6]:
        column.justify = "right"
    for row in shown:
        numbers = (_number(row[name]) for name in ("value", "reference", "threshold"))
        status, since = _TONES[row["status"]], str(row["since"] or "")
        table.add_row(row["kind"], row["what"], row["measure"], *numbers, status, since)
    out.print(table)


def page_facts_of(rows: pl.DataFrame | None) -> dict[str, Any] | None:
    """What a page says: alarms, what is watched in words, how many things were looked at; None where there is none."""
    if rows is None or rows.is_empty():
        return None
    return {**facts_of(rows), "words": told_in_words(rows)}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.3f}"
