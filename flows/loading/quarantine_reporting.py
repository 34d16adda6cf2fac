"""Quarantine on a terminal, and as a frame for a file.

Belongs here: tables and lines. Does not: what is in them (`quarantining.py`).
"""

from collections.abc import Mapping
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.reporting import console
from warehouse.sources.values import cut

Found = Mapping[str, Any]
_FACTS = ("source", "source_file", "source_row", "load_id", "loaded_at")
_DAY = 10  # of an ISO moment


def print_summary(found: Found) -> None:
    """Rows in quarantine by table and rule."""
    out = console()
    if not found["rows"]:
        out.print(_why_empty(found))
        _print_taken_out(out, found)
        return
    table = Table(title=f"{found['rows']:,} rows in quarantine", title_justify="left")
    for header in ("table", "rule", "rows", "loads", "sources", "loaded", "what a good row keeps"):
        table.add_column(header, justify="right" if header in ("rows", "loads") else "left", overflow="fold")
    for entity, counted in found["entities"].items():
        rules = [rule for rule in found["rules"] if rule["entity"] == entity]
        for rule in rules:
            table.add_row(*_cells(rule))
        if rules:
            blocked = f", {counted['blocked_rows']:,} of them of a blocked load" if counted["blocked_rows"] else ""
            table.add_row(entity, "all (each row once)", f"{counted['rows']:,}", "", "", "", blocked[2:], style="dim")
            table.add_section()
    out.print(table)
    _print_taken_out(out, found)
    out.print("look at them: gristmill quarantine show TABLE --rule RULE", style="dim")


def _why_empty(found: Found) -> str:
    if not found["loaded"]:
        return "quarantine is empty: nothing has been loaded yet (`gristmill ingest` loads)"
    return "quarantine is empty: every row of the last load was accepted"


def _cells(rule: Found) -> tuple[str, ...]:
    days = sorted({(rule[name] or "")[:_DAY] for name in ("oldest", "newest")})
    return (
        rule["entity"],
        rule["rule"] + (" [red](load blocked)[/]" if rule["blocked"] else ""),
        f"{rule['rows']:,}",
        f"{rule['loads']:,}",
        escape(", ".join(rule["sources"])),
        " to ".join(days),
        escape(rule["meaning"]),
    )


def _print_taken_out(out: Console, found: Found) -> None:
    for each in found["taken_out"]:
        narrowed = [each[name] for name in ("rule", "source", "load_id") if each[name]]
        what = f"{each['rows']:,} rows of {each['entity']}" + (f" ({', '.join(narrowed)})" if narrowed else "")
        line = f"{each['action']} on {each['acted_at'][:_DAY]} by {each['run_by']}: {what}: {each['reason']}"
        out.print(escape(line), style="dim", highlight=False)


def print_rows(found: Found) -> None:
    """Rows in quarantine, one below the other, with the values that their rules look at first."""
    out = console()
    if not found["shown"]:
        out.print(f"no row of {found['entity']} in quarantine")
        return
    for row in found["shown"]:
        _print_row(out, row, found["meanings"])
    out.print(f"{len(found['shown']):,} of {found['rows']:,} rows of {found['entity']}", style="dim")


def _print_row(out: Console, row: Found, meanings: Mapping[str, str]) -> None:
    blocked = " [red](this load was blocked)[/]" if row["load_status"] == "blocked" else ""
    loaded = (row["loaded_at"] or "")[:_DAY]
    place = escape(f"{row['source_file']}, row {row['source_row']}")
    out.print(f"[bold]{place}[/]  {escape(row['source'])}, loaded {loaded}{blocked}")
    for rule in row["rules"]:
        out.print(f"  [red]{rule}[/]: {escape(meanings[rule])}", soft_wrap=True)
    if not row["source_is_known"]:
        out.print("  [dim]the settings no longer have this source: its values appear as shapes[/]")
    table = Table.grid(padding=(0, 2))
    for name in sorted(row["values"], key=lambda name: name not in row["concerned"]):
        style = "bold" if name in row["concerned"] else "dim"
        table.add_row("", f"[{style}]{escape(name)}[/]", _value(row["values"][name]))
    out.print(table)
    if row["left_out"]:
        out.print(f"  [dim]and {row['left_out']} columns that the mapping does not use (--raw shows them)[/]")
    out.print()


def _value(value: Any) -> str:  # noqa: ANN401 any JSON value
    return "[dim]none[/]" if value is None else escape(cut(str(value)))


def print_replayed(done: Found) -> None:
    """What a replay came to."""
    out = console()
    if done["entities"]:
        table = Table(
            "table", "replayed", "into the core", "there already", "still set aside", title="rows of quarantine"
        )
        for column in table.columns[1:]:
            column.justify = "right"
        for entity, counted in done["entities"].items():
            names = ("replayed", "accepted", "already_there", "still_broken")
            table.add_row(entity, *(f"{counted[name]:,}" for name in names))
        out.print(table)
    for entity, counted in done["entities"].items():
        if counted["left_out"]:
            out.print(f"  left out by `where`: {counted['left_out']:,} rows that are not of {entity}", soft_wrap=True)
    for rule in done["rules"]:
        out.print(
            f"  still broken in {rule['rows']:,}: [red]{rule['rule']}[/] ({escape(rule['meaning'])})", soft_wrap=True
        )
    for left in done["left_alone"]:
        out.print(
            f"  not replayed: {left['rows']:,} rows of {left['entity']} from {escape(left['source'])}: "
            f"{escape(left['reason'])}",
            soft_wrap=True,
        )
    words = {
        "replayed": f"replayed: the core is the load {done['load_id']} now"
        if "load_id" in done
        else "replayed: what passes now was in the core already",
        "dry run": "dry run: nothing was changed",
        "unchanged": "unchanged: no row of quarantine passes now that did not before",
    }
    out.print(words[done["status"]])


def rows_as_frame(found: Found) -> pl.DataFrame:
    """One row a row: `rules`, where it is from, then the source's columns, all as text."""
    columns = list(dict.fromkeys(name for row in found["shown"] for name in row["values"]))
    schema = {"rules": pl.String(), **dict.fromkeys(_FACTS, pl.String()), **dict.fromkeys(columns, pl.String())}
    rows = [
        {
            "rules": ", ".join(row["rules"]),
            **{name: str(row[name]) for name in _FACTS},
            **{name: None if value is None else str(value) for name, value in row["values"].items()},
        }
        for row in found["shown"]
    ]
    return pl.DataFrame(rows, schema=schema)
