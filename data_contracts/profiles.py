"""What a load looked like, in a few numbers: rows by day, empty values, histograms, categories.

Belongs here: measuring the accepted rows of one table in DuckDB, and the form in which that is kept. Does not: what
is held against bounds (`measures.py`, `table_checking.py`), or where profiles are kept (the ledger).

A profile holds no personal value: categories and histograms only of columns that the contract does not call personal,
no identifier, and everything else is a count or a day.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from data_contracts.contracts import Column, Contract
from data_contracts.joins import accepted_view
from data_contracts.sql import first_row, identifier, text

MOST_CATEGORIES = 50
MOST_DAYS = 1_100
BINS = 10
SAMPLED_ROWS = 1_000_000
_LONGEST_CATEGORY = 100


class ColumnProfile(BaseModel):
    """One column of a load.

    Attributes:
        nulls: rows without a value.
        edges: upper edges (inclusive) of all bins but the last; taken over from the load before, so that counts of
            several loads can be compared.
        counts: rows in each bin, one more than `edges`; empty where there is no histogram.
        categories: rows by value; None where the column is no short list of values, or not to be listed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nulls: int
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    categories: dict[str, int] | None = None


class Profile(BaseModel):
    """One table of a load.

    Attributes:
        rows: accepted rows.
        loaded_on: business date of the load.
        first_day: the first day of `rows_by_day`; None where the table tells no time.
        rows_by_day: accepted rows of each business day from `first_day` to the newest, at most three years of them.
        columns: by name, the columns that the load had a source for.
        accepted: table rules that were broken and accepted for this once: later loads are not held against older ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    loaded_on: date
    first_day: date | None = None
    rows_by_day: tuple[int, ...] = Field(default=(), repr=False)
    columns: dict[str, ColumnProfile] = Field(default_factory=dict, repr=False)
    accepted: tuple[str, ...] = ()

    @property
    def newest_day(self) -> date | None:
        """The business day of the newest row."""
        return None if self.first_day is None else self.first_day + timedelta(days=len(self.rows_by_day) - 1)

    def rows_of(self, day: date) -> int | None:
        """Rows of a day; None where the profile does not reach."""
        if self.first_day is None or not self.first_day <= day < self.first_day + timedelta(days=len(self.rows_by_day)):
            return None
        return self.rows_by_day[(day - self.first_day).days]


def take_profile(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    *,
    mapped_columns: Sequence[str],
    time_zone: str,
    loaded_on: date,
    before: Profile | None = None,
) -> Profile:
    """Measure the accepted rows of a table.

    Args:
        connection: the load's database; the table's accepted rows are in its view (`joins.accepted_view`).
        contract: the table's contract.
        mapped_columns: the columns that any source fills.
        time_zone: the company's, for days of timestamps.
        loaded_on: business date of the load.
        before: the table's profile of the load before, whose bins are used again.

    Returns:
        The profile. The same whatever the number of threads.
    """
    view = identifier(accepted_view(contract.entity))
    rows = int(first_row(connection, f"select count(*) from {view}")[0])  # noqa: S608  # a quoted name
    edges = {
        name: _edges(connection, view, name, rows=rows, before=before)
        for name in mapped_columns
        if _has_histogram(contract, name)
    }
    counted = _count_columns(connection, view, list(mapped_columns), edges)
    columns = {
        name: ColumnProfile(
            nulls=rows - counted[name][0],
            edges=edges.get(name, ()),
            counts=counted[name][1] if name in edges else (),
            categories=_categories(connection, view, name) if is_listed(contract.columns[name]) else None,
        )
        for name in mapped_columns
    }
    first_day, rows_by_day = _days(connection, view, contract, mapped_columns, time_zone)
    return Profile(rows=rows, loaded_on=loaded_on, first_day=first_day, rows_by_day=rows_by_day, columns=columns)


def is_listed(column: Column) -> bool:
    """Whether a column's values may be listed in a profile."""
    return column.type == "text" and not column.identifier and not column.personal


def is_binned(column: Column) -> bool:
    """Whether a column's values may be counted into bins."""
    return column.type in ("number", "money", "integer") and not column.personal


def _has_histogram(contract: Contract, name: str) -> bool:
    return is_binned(contract.columns[name]) and name not in contract.key


def _edges(
    connection: duckdb.DuckDBPyConnection, view: str, name: str, *, rows: int, before: Profile | None
) -> tuple[float, ...]:
    """Deciles (of a sample by row number where there are many rows), each value once; those of the load before."""
    known = before.columns.get(name) if before is not None else None
    if known is not None and known.edges:
        return known.edges
    column, step = identifier(name), -(-rows // SAMPLED_ROWS) or 1
    shares = ", ".join(f"{number / BINS}" for number in range(1, BINS))
    query = f"select quantile_disc({column}, [{shares}]) from {view} where {column} is not null and row_id % {step} = 0"  # noqa: S608  # quoted names, numbers
    found = first_row(connection, query)[0]
    return tuple(sorted({float(edge) for edge in found or ()}))


def _count_columns(
    connection: duckdb.DuckDBPyConnection, view: str, names: list[str], edges: dict[str, tuple[float, ...]]
) -> dict[str, tuple[int, tuple[int, ...]]]:
    """In one pass, for each column: rows with a value, and how many of them lie in each bin (none without edges)."""
    sums: list[str] = []
    for name in names:
        sums.append(f"count({identifier(name)})")
        if edges.get(name):
            bins = ", ".join(f"{edge!r}::double" for edge in edges[name])
            value = f"{identifier(name)}::double"
            sums.append(f"histogram(if(isnan({value}), null, {value}), [{bins}])")  # it takes NaN for the least
    row: Any = iter(first_row(connection, f"select {', '.join(sums)} from {view}"))  # noqa: S608  # quoted names, numbers
    counted: dict[str, tuple[int, tuple[int, ...]]] = {}
    for name in names:
        with_value = next(row)
        up_to = (next(row) or {}) if edges.get(name) else {}  # by its upper edge; of no value there is no histogram
        bins_but_last = [up_to.get(edge, 0) for edge in edges.get(name, ())]
        counted[name] = (with_value, (*bins_but_last, with_value - sum(bins_but_last)))
    return counted


def _categories(connection: duckdb.DuckDBPyConnection, view: str, name: str) -> dict[str, int] | None:
    column = identifier(name)
    query = f"""
        select left(whole_value, {_LONGEST_CATEGORY}) as value, sum(value_rows)::bigint
        from (
            select {column} as whole_value, count(*) as value_rows from {view} where {column} is not null group by all
        )
        group by value order by value limit {MOST_CATEGORIES + 1}
    """  # noqa: S608  # quoted names, numbers
    found = connection.execute(query).fetchall()
    return dict(found) if len(found) <= MOST_CATEGORIES else None


def _days(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    contract: Contract,
    mapped_columns: Sequence[str],
    time_zone: str,
) -> tuple[date | None, tuple[int, ...]]:
    name = contract.event_time
    if name not in mapped_columns:
        return None, ()
    column = identifier(name)
    day = f"timezone({text(time_zone)}, {column})::date" if contract.columns[name].type == "timestamp" else column
    query = f"select {day} as day, count(*) from {view} where {column} is not null group by day order by day"  # noqa: S608  # quoted names
    found: dict[date, int] = dict(connection.execute(query).fetchall())
    if not found:
        return None, ()
    newest = max(found)
    first = max(min(found), newest - timedelta(days=MOST_DAYS - 1))
    span = range((newest - first).days + 1)
    return first, tuple(found.get(first + timedelta(days=number), 0) for number in span)
