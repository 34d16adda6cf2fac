"""The dry run of sources on a terminal, readable from 80 columns on.

Belongs here: tables and lines. Does not: what is in them (`source_checking.py`).

Expressions are told once a source, above its rows: beside each value of each row they would leave no room for these.
"""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data_contracts.contracts import Severity
from data_contracts.errors import DataBlockedError
from warehouse.loads.dry_run import CONSTANT, Cell, ShownRow, SourceCheck

_COLOUR = {Severity.critical: "red", Severity.error: "red", Severity.warning: "yellow"}


def print_checks(checks: Sequence[SourceCheck]) -> None:
    """What became of the sample of each source."""
    console = Console()
    for check in checks:
        _print_check(console, check)


def _print_check(console: Console, check: SourceCheck) -> None:
    console.rule(f"[bold]{check.source}[/] → {check.entity}", align="left")
    if check.read or check.left_out or check.failure is None:
        console.print(_in_short(check))
    if check.rules:
        console.print(_rules(check))
    expressions = check.rows[0].expressions() if check.rows else {}
    if expressions:
        table = _table("expression of", "SQL")
        for name, sql in expressions.items():
            table.add_row(name, escape(" ".join(sql.split())))
        console.print(table)
    for row in check.rows:
        _print_row(console, row, expressions)
    if check.unmapped:
        console.print(f"[dim]columns of the source that nothing uses:[/] {escape(', '.join(check.unmapped))}")
    if check.failure is not None:
        words = "would be blocked" if isinstance(check.failure, DataBlockedError) else "can't be tried"
        if check.is_sample and check.read and isinstance(check.failure, DataBlockedError):
            words += ", if the other rows are like these"
        console.print(f"[bold red]{words}:[/] {escape(str(check.failure))}", highlight=False)
    console.print()


def _in_short(check: SourceCheck) -> str:
    """How many rows there were, and what would become of them."""
    rejected = check.read - check.accepted
    seen = check.read + check.left_out
    rows = f"{'the first' if check.is_sample else 'all'} {seen:,} row{'' if seen == 1 else 's'}"
    if not seen:
        return "no row came through: nothing to judge"
    if not check.read:
        return f"none of {rows} is this table's: `where` leaves them out"
    if check.left_out:
        rows = f"{check.read:,} of {rows} are this table's (`where`)"
    return f"{rows}: {check.accepted:,} would be loaded, {rejected:,} set aside"


def _rules(check: SourceCheck) -> Table:
    table = Table.grid(padding=(0, 1))
    for justify in ("right", "right", "left"):
        table.add_column(justify=justify, overflow="fold")
    for count in check.rules:
        severity = f"[{_COLOUR[count.severity]}]{count.severity}[/]"
        table.add_row(severity, f"{count.rows:,}", f"{count.rule}: {escape(count.meaning)}")
    return table


def _print_row(console: Console, row: ShownRow, expressions: Mapping[str, str]) -> None:
    verdict = "[green]loaded[/]" if row.accepted else "[red]set aside[/]"
    broken = f" ({', '.join(row.rules)})" if row.rules else ""
    console.print(f"\n{escape(row.source_file)}, row {row.source_row}: {verdict}{broken}", highlight=False)
    table = _table("column", "from", "before", "after")
    for cell in row.cells:
        origin = "expression" if cell.column in expressions else cell.mapped_from
        table.add_row(cell.column, escape(origin), _before(cell), _value(cell.after))
    console.print(table)


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for header in headers:
        table.add_column(header, overflow="fold", no_wrap=header == "column")
    return table


def _before(cell: Cell) -> str:
    if cell.before is None and cell.mapped_from == CONSTANT:
        return ""
    return escape("\n".join(cell.made_of)) if cell.made_of else _value(cell.before)


def _value(value: str | None) -> str:
    return "[dim]none[/]" if value is None else escape(value)
