"""Features as a file: of everybody as of dates, or beside the rows of a table that somebody brings.

Belongs here: which customers and dates, and joining them to a table. Does not: how features are made (`features`), file
formats (`table_files`, `showing`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from flows.buckets.core_tables import CoreTables
from flows.context import Context
from flows.featuring.errors import ColumnsTakenError, DatesUnreadableError, ExportFormatError
from flows.from_files.table_files import PARQUET, read_table
from flows.published.showing import write_csv, write_parquet

KEYS = ["customer_id", "snapshot_date"]
DATES_AT_ONCE = 12  # as many as training builds: bounds memory
FORMATS = (".csv", *PARQUET)


@dataclass(frozen=True, kw_only=True)
class AskedTable:
    """Rows that features are wanted for.

    Attributes:
        file: the table.
        id_column: whose row it is, as the core writes customers.
        date_column: as of which date; None: the same for all rows.
    """

    file: Path
    id_column: str
    date_column: str | None = None


def export_features(
    context: Context, target: Path, *, days: Sequence[date], asked: AskedTable | None = None
) -> dict[str, Any]:
    """Write features to a file: nothing that was not known before a row's date is in it.

    Args:
        context: the surroundings.
        target: CSV or Parquet, by its ending.
        days: dates; of a table with a date column none, of one without the one that holds for all rows.
        asked: the rows wanted, which keep their order and columns; without, everybody with features.

    Returns:
        Figures: `rows`, `without_features` (of a table: customers that are unknown, or had not bought or subscribed
        before the date), `features`, `dates`.

    Raises:
        ExportFormatError: the file is to be neither.
        TableUnreadableError, TableColumnUnknownError, ColumnsTakenError, DatesUnreadableError: what is wrong with the
            table.
        NothingLoadedError, AsOfBeforeDataError, StaleDataError: the load can't answer for a date.
    """
    if target.suffix.lower() not in FORMATS:
        raise ExportFormatError(path=str(target), formats=FORMATS)
    core = CoreTables.latest(context)
    wanted = None if asked is None else _wanted(asked, days, taken=[*core.feature_names(), KEYS[1]])
    dates = sorted(set(days) if wanted is None else set(wanted[KEYS[1]]))
    for day in (dates[0], dates[-1]):
        core.check_fresh(day, stale_after_days=context.settings.gates.stale_after_days)
    parts = [dates[start : start + DATES_AT_ONCE] for start in range(0, len(dates), DATES_AT_ONCE)]
    with context.reporter.step("features", parts=core.load.buckets * len(parts)) as ticker:
        frames = []
        for bucket in core.buckets():
            for part in parts:
                frames.append(_built(core, bucket, part, wanted))
                ticker.tick()
    built = pl.concat(frames).sort(KEYS)
    rows = built if wanted is None else _beside(wanted, built)
    (write_parquet if target.suffix.lower() in PARQUET else write_csv)(rows, target)
    return {
        "file": str(target),
        "rows": rows.height,
        "without_features": 0 if wanted is None else rows.height - wanted.join(built, on=KEYS, how="semi").height,
        "features": len(core.feature_names()),
        "dates": [day.isoformat() for day in dates],
        "load_id": core.load.load_id,
    }


def _wanted(asked: AskedTable, days: Sequence[date], *, taken: Sequence[str]) -> pl.DataFrame:
    """The table's rows with KEYS, the customer's column under its own name too where that is another."""
    from models.prepared_table.errors import TableColumnUnknownError  # noqa: PLC0415 only for tables

    table = read_table(asked.file, names=[name for name in (asked.id_column, asked.date_column) if name])
    named = {"--id": asked.id_column} | ({"--date": asked.date_column} if asked.date_column else {})
    for option, column in named.items():
        if column not in table.columns:
            raise TableColumnUnknownError(option=option, column=column, there=table.columns)
    own = {asked.id_column} if asked.id_column == KEYS[0] else set()
    own |= {asked.date_column} if asked.date_column == KEYS[1] else set()
    if both := sorted({*taken, *KEYS} & set(table.columns) - own):
        raise ColumnsTakenError(table=asked.file.name, columns=both)
    if asked.date_column is None:
        day = pl.Series(KEYS[1], [days[0]] * table.height, dtype=pl.Date)
    else:
        day = _dates(table[asked.date_column], asked.file.name).alias(KEYS[1])
    return table.with_columns(table[asked.id_column].cast(pl.String).str.strip_chars().alias(KEYS[0]), day)


def _dates(values: pl.Series, table: str) -> pl.Series:
    """Business dates: a date, or text that begins with one (2026-11-30, 2026-11-30 14:00)."""
    if values.dtype.is_temporal():
        read = values.cast(pl.Date)
    else:
        read = values.cast(pl.String).str.strip_chars().str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    if read.null_count():
        odd = values.filter(read.is_null())
        raise DatesUnreadableError(table=table, column=values.name, rows=len(odd), example=str(odd[0]))
    return read


def _built(core: CoreTables, bucket: int, days: Sequence[date], wanted: pl.DataFrame | None) -> pl.DataFrame:
    built = core.build_features(bucket, days)
    if wanted is not None:
        pairs = wanted.lazy().select(KEYS).unique()
        built = built.join(pairs, on=KEYS, how="semi")
    return built.collect()


def _beside(wanted: pl.DataFrame, built: pl.DataFrame) -> pl.DataFrame:
    return wanted.join(built, on=KEYS, how="left", validate="m:1", maintain_order="left")
