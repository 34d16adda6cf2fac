"""Whether staged tables may be shown: as in their contracts, and about as many rows as before.

Belongs here: the checks before publishing, as pure functions of frames, contracts and row counts. Does not: staging
or publishing anything, and the rules for raw data (`data_contracts/checking.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from data_contracts.key_order import by_key
from data_contracts.published import OutputColumn, OutputContract
from warehouse.errors import EmptyTableError, VolumeChangedError

SMALLEST_SHARE_OF_BEFORE = 0.6
LARGEST_MULTIPLE_OF_BEFORE = 10


@dataclass(frozen=True)
class VolumeOverrides:
    """What people have said is all right this time; the tables it mattered for go into the ledger."""

    allow_empty: bool = False
    allow_volume_change: bool = False


def schema_findings(frame: pl.DataFrame, contract: OutputContract) -> list[str]:
    """How a frame's columns differ from the contract's, as `table: what`; empty when names, order and dtypes agree."""
    table = contract.table
    if tuple(frame.columns) != contract.names:
        missing = [name for name in contract.names if name not in frame.columns]
        unknown = [name for name in frame.columns if name not in contract.names]
        what = f"missing columns {missing}, unknown columns {unknown}" if missing or unknown else "columns out of order"
        return [f"{table}: {what}"]
    return [
        f"{table}: {column.name} is {frame.schema[column.name]}, not {column.dtype}"
        for column in contract.columns
        if frame.schema[column.name] != column.dtype
    ]


def row_findings(frame: pl.DataFrame, contract: OutputContract) -> list[str]:
    """What is wrong with a frame's rows, as `table: what, in how many rows`; the frame has the contract's columns.

    Checks: the key is unique and never null, no null where none is allowed, no NaN and no infinity, values within
    their ranges and among those allowed.
    """
    faults = {"key repeats that of another row": pl.lit(_surplus_rows(frame, contract.key))}
    for column in contract.columns:
        faults.update(_column_faults(column, is_key=column.name in contract.key))
    counted = frame.lazy().select(**faults).collect().row(0, named=True)
    return [f"{contract.table}: {what}, in {rows:,} rows" for what, rows in counted.items() if rows]


def check_volume(
    rows: Mapping[str, int], contracts: Mapping[str, OutputContract], *, overrides: VolumeOverrides
) -> dict[str, list[str]]:
    """Make sure that no table is empty that should have rows.

    Returns:
        The override that was needed, with the tables it was needed for; empty when none was.

    Raises:
        EmptyTableError: a table has no rows.
    """
    empty = [table for table, count in sorted(rows.items()) if not count and not contracts[table].may_be_empty]
    if empty and not overrides.allow_empty:
        raise EmptyTableError(table=empty[0])
    return {"allow_empty": empty} if empty else {}


def check_volume_against(
    rows_before: Mapping[str, int],
    rows: Mapping[str, int],
    contracts: Mapping[str, OutputContract],
    *,
    as_of_before: date,
    overrides: VolumeOverrides,
) -> dict[str, list[str]]:
    """Make sure that no table has 40 % fewer or ten times the rows of the version before, or is gone.

    A table that may be empty may also change as it likes.

    Returns:
        The override that was needed, with the tables it was needed for; empty when none was.

    Raises:
        VolumeChangedError: a table's row count jumped.
    """
    jumped = [
        table
        for table, before in sorted(rows_before.items())
        if before
        and not (table in contracts and contracts[table].may_be_empty)
        and not SMALLEST_SHARE_OF_BEFORE * before <= rows.get(table, 0) < LARGEST_MULTIPLE_OF_BEFORE * before
        and not (overrides.allow_empty and table in rows and not rows[table])
    ]
    if jumped and not overrides.allow_volume_change:
        table = jumped[0]
        raise VolumeChangedError(
            table=table, rows=rows.get(table, 0), rows_before=rows_before[table], as_of_before=as_of_before
        )
    return {"allow_volume_change": jumped} if jumped else {}


def _column_faults(column: OutputColumn, *, is_key: bool) -> dict[str, pl.Expr]:
    """Counting expressions by what they count, for one column."""
    name, value = column.name, pl.col(column.name)
    faults = {}
    if is_key or not column.nullable:
        faults[f"{name} is null"] = value.is_null().sum()
    if column.dtype.is_float():
        faults[f"{name} is NaN or infinite"] = (~value.is_finite()).sum()
        value = pl.when(value.is_finite()).then(value)  # told once, not again as out of range
    if column.minimum is not None:
        faults[f"{name} is below {column.minimum}"] = (value < column.minimum).sum()
    if column.maximum is not None:
        faults[f"{name} is above {column.maximum}"] = (value > column.maximum).sum()
    if column.allowed is not None:
        faults[f"{name} is not one of {list(column.allowed)}"] = (~value.is_in(list(column.allowed))).sum()
    return faults


def _surplus_rows(frame: pl.DataFrame, key: tuple[str, ...]) -> int:
    """How many rows repeat the key of another; sorting finds them faster than hashing when rows come sorted."""
    keys = by_key(frame.select(key), key)
    as_the_row_above = keys.select(pl.all_horizontal(pl.all().eq_missing(pl.all().shift()))).to_series()
    return int(as_the_row_above.slice(1).sum())
