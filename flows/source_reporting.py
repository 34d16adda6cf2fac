"""The dry run of sources on a terminal.

Belongs here: tables and lines. Does not: what is in them (`source_checking.py`).
"""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data_contracts.contracts import Severity
from warehouse.source_check import ShownRow, SourceCheck

_COLOUR = {Severity.critical: "red", Severity.error: "red", Severity.warning: "yellow"}


def print_checks(checks: Sequence[SourceCheck]) -> None:
    """What became of the sample of each source."""
    console = Console()
    for check in checks:
        _print_check(console, check)


def _print_check(console: Console, check: SourceCheck) -> None:
    console.rule(f"[bold]{check.source}[/] → {check.entity}", align="left")
    if check.read:
        rejected = check.read - check.accepted
        console.print(f"{check.read:,} rows read: {check.accepted:,} would be loaded, {rejected:,} set aside")
    for count in check.rules:
        what = "warning" if count.severity is Severity.warning else str(count.severity)
        console.print(
            f"  [{_COLOUR[count.severity]}]{what:>8}[/] {count.rows:>7,}  {count.rule}: {escape(count.meaning)}",
            highlight=False,
        )
    for row in check.rows:
        _print_row(console, row)
    if check.unmapped:
        console.print(f"[dim]columns of the source that nothing uses:[/] {escape(', '.join(check.unmapped))}")
    if check.failure is not None:
        console.print(f"[bold red]would be blocked:[/] {escape(str(check.failure))}", highlight=False)
    console.print()


def _print_row(console: Console, row: ShownRow) -> None:
    verdict = "[green]loaded[/]" if row.accepted else "[red]set aside[/]"
    broken = f" ({', '.join(row.rules)})" if row.rules else ""
    table = Table(
        title=f"{escape(row.source_file)}, row {row.source_row}: {verdict}{broken}",
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for header in ("column", "from", "before", "after"):
        table.add_column(header, overflow="fold")
    for cell in row.cells:
        origin = " ".join(cell.mapped_from.split())
        table.add_row(cell.column, escape(origin), _value(cell.before), _value(cell.after))
    console.print(table)


def _value(value: str | None) -> str:
    return "[dim]none[/]" if value is None else escape(value)
