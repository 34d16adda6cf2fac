"""Results for people: tables in the terminal. Programs get the same values as JSON instead."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from config.settings import Settings
from data_contracts.addresses import redacted_address, without_credentials
from flows.frame_printing import print_table
from flows.running.summaries import (
    champion_table,
    drift_lines,
    left_out,
    load_table,
    merge_table,
    model_lines,
    passed_over,
    quarantine_table,
    segment_tables,
    step_table,
    table_rule_table,
)

Result = Mapping[str, Any]
UNSEEN_WIDTH = 140  # columns of a log file


def console() -> Console:
    """Standard output: as wide as the terminal, or wide enough for any table where there is none."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=UNSEEN_WIDTH)


def print_result(verb: str, result: Result, settings: Settings) -> None:
    """What a verb did: its figures, then where to look."""
    out = console()
    parts: list[Callable[[Result], list[Table]]] = [
        load_table,
        quarantine_table,
        merge_table,
        table_rule_table,
        champion_table,
        segment_tables,
        step_table,
    ]
    for part in parts:
        for table in part(result):
            out.print(table)
    for line in [*model_lines(result), *passed_over(result), *left_out(result), *drift_lines(result)]:
        out.print(line, markup=False)
    status = result["status"]
    out.print(f"[bold green]{status}[/]: {result.get('message') or verb}")
    if verb in {"run", "score"}:
        out.print(_where_to_look(settings, result), soft_wrap=True)


def _where_to_look(settings: Settings, result: Result) -> Group:
    """Lines to copy: never wrapped, so that they stay one piece."""
    query = "select customer_id, value_tier, main_reason, recommended_action from segments.customer limit 10"
    docs = result.get("load", {}).get("data_docs")
    places = {
        "tables": f"{_warehouse(settings)}: {len(result['rows'])} in segments.*, segments.customer first; quarantine.*",
        "terminal": f"{_program('gristmill')} show customer{_settings_option(settings)} --where value_tier=platinum",
        "SQL": _sql_command(settings, query),
        "models": f"{_program('mlflow')} ui --backend-store-uri '{settings.redacted_tracking_uri}'",
        "data docs": docs or "",
    }
    lines = [Text(f"  {name:<10} {place}", no_wrap=True, overflow="ignore") for name, place in places.items() if place]
    return Group(Text("where to look", style="bold"), *lines)


def _warehouse(settings: Settings) -> str:
    return redacted_address(settings.warehouse_address) or str(settings.warehouse_file)


def _sql_command(settings: Settings, query: str) -> str:
    """A line that shows a query's rows: Python for a DuckDB file; psql, which asks for the password itself."""
    if settings.warehouse_address:
        return f'psql "{without_credentials(settings.warehouse_address)}" -c "{query}"'
    code = f"duckdb.connect('{settings.warehouse_file}', read_only=True).sql('{query}').show()"
    return f'{_program("python")} -c "import duckdb; {code}"'


def _settings_option(settings: Settings) -> str:
    """How to say which settings are meant, where it is not the file found by itself."""
    if settings.file is None or settings.file == Path.cwd() / "gristmill.toml":
        return ""
    return f" --config {settings.file}"


def _program(name: str) -> str:
    """A program of this environment, as one would type it here."""
    path = Path(sys.executable).with_name(name)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def print_frame(title: str, frame: pl.DataFrame, *, limit: int, columns: Sequence[str] | None = None) -> None:
    """The first rows of a table, as wide as the terminal is."""
    print_table(console(), title, frame, limit=limit, columns=columns)


def print_settings(content: Mapping[str, Any]) -> None:
    """Settings by section."""
    table = Table("setting", "value", title="settings in force")
    for name, value in _flat(content):
        table.add_row(name, str(value))
    console().print(table)


def _flat(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in content.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(f"{prefix}{key}", value)]
    return rows
