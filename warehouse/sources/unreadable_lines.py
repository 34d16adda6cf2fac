"""The lines of an input that are no rows: kept while it is read, then set aside like rows that break a rule.

Belongs here: their table in the load's database, and what of it goes into counts, pages and quarantine. Does not:
telling lines from rows (`lines.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import duckdb
import polars as pl

from data_contracts.checking import CheckedTable, RuleCount
from data_contracts.contracts import Severity
from data_contracts.data_docs import RuleResult
from data_contracts.rules import BoundRule
from data_contracts.sql import first_row, identifier, text
from warehouse.sources.lines import SplitFile

LINE_RULE = "line_is_readable"
LINE_MEANING = "a line is a row: as many values as the header has, quotes closed, text in the input's encoding"

_NAME = "unreadable lines of {}"
_PLACES = 3


def keep_unreadable(connection: duckdb.DuckDBPyConnection, name: str, *, label: str, split: SplitFile) -> None:
    """Add a file's unreadable lines to the table of those of its input."""
    if not split.unreadable:
        return
    frame = pl.DataFrame(
        [(label, each.row, each.line, each.text) for each in split.unreadable],
        schema={"source_file": pl.String, "source_row": pl.Int64, "line": pl.Int64, "text": pl.String},
        orient="row",
    )
    connection.register("unreadable lines", frame.to_arrow())
    if not unreadable_lines_of(connection, name):
        connection.execute(f'create table {_table(name)} as from "unreadable lines" limit 0')
    connection.execute(f'insert into {_table(name)} from "unreadable lines"')
    connection.unregister("unreadable lines")


def unreadable_lines_of(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    """The table of an input's unreadable lines, quoted and qualified; empty where it has none.

    Its columns are `source_file`, `source_row` (its place among the rows), `line` (its place in the file) and `text`.
    """
    found = connection.execute("select 1 from duckdb_tables() where table_name = ?", [_NAME.format(name)]).fetchall()
    return _table(name) if found else ""


def unreadable_rows_sql(table: str, at_most: int | None = None) -> str:
    """SQL of the unreadable lines of a source (`$source`) as rows of quarantine; empty where it has no table of any."""
    if not table:
        return ""
    return (
        f"select $source as source, source_file, source_row, {text(LINE_RULE)} as rules, 'error' as severity, "  # noqa: S608  # a quoted name
        f"json_object('line', line, 'text', text)::varchar as raw_row from {table} order by rowid"
        + (f" limit {at_most:d}" if at_most is not None else "")
    )


def with_unreadable(
    connection: duckdb.DuckDBPyConnection,
    checked: CheckedTable,
    tables: Sequence[str],
    *,
    note: Callable[[str, RuleResult], None] | None = None,
) -> CheckedTable:
    """The same with the unreadable lines of its sources counted as rows that were read and set aside.

    Args:
        connection: where the tables are.
        checked: the checked table.
        tables: by source its table of unreadable lines (`RawTable.unreadable`), empty where it has none.
        note: told of them for the pages (`Expectations.note_rows_beside`).
    """
    there = [table for table in tables if table]
    if not there:
        return checked
    lines = " union all ".join(f"select {number} as place, * from {table}" for number, table in enumerate(there))  # noqa: S608  # quoted names
    (count,) = first_row(connection, f"select count(*) from ({lines})")  # noqa: S608  # as above
    found = connection.execute(
        f"select source_file, line from ({lines}) order by place, source_file, line limit {_PLACES}"  # noqa: S608  # as above
    ).fetchall()
    if note is not None:
        rule = BoundRule(name=LINE_RULE, severity=Severity.error, meaning=LINE_MEANING, predicate="")
        note(
            checked.entity,
            RuleResult(rule=rule, rows=int(count), places=tuple(f"{f}, line {line}" for f, line in found)),
        )
    told = RuleCount(
        entity=checked.entity, rule=LINE_RULE, severity=Severity.error, meaning=LINE_MEANING, rows=int(count)
    )
    return replace(checked, read=checked.read + told.rows, rules=(*checked.rules, told))


def _table(name: str) -> str:
    return f"raw.{identifier(_NAME.format(name))}"
