"""Reading a published segment table: filtered without SQL, written to files that are safe to open.

Belongs here: the small filter language of `gristmill show`, and spreadsheet-safe CSV. Does not: printing.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from config.errors import CommandUnknownNameError
from flows.context import Context
from flows.errors import FilterUnreadableError

_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
CONDITION = re.compile(r"^\s*(?P<column>[a-z][a-z0-9_]*)\s*(?P<operator><=|>=|!=|=|<|>)\s*(?P<value>.*?)\s*$")
FORMULA_START = r"^[=+\-@\t\r]"


def read_segment(context: Context, table: str, *, where: Sequence[str], columns: Sequence[str] | None) -> pl.DataFrame:
    """Rows of a published table that meet every condition; lists by rank, other tables by customer.

    Args:
        context: the surroundings.
        table: a view of the schema `segments`.
        where: conditions `column=value` with one of = != < <= > >=; the value is read as the column's type.
        columns: which columns, in which order; all by default.

    Raises:
        CommandUnknownNameError: no such table or column.
        FilterUnreadableError: a condition that can't be read.
    """
    with context.warehouse(read_only=True) as warehouse:
        tables = warehouse.views("segments")
        if table not in tables:
            raise CommandUnknownNameError(what="table in the schema segments", got=table, known=tables)
        frame = warehouse.read_table("segments", table)
    for condition in where:
        frame = frame.filter(parse_condition(condition, frame.schema))
    for name in columns or ():
        _check_column(name, frame.schema)
    is_list = "rank" in frame.columns and frame["rank"].is_unique().all()
    order = ["rank"] if is_list else [name for name in ("customer_id", "rank") if name in frame.columns]
    return frame.sort(order).select(columns or frame.columns)


def parse_condition(text: str, schema: pl.Schema) -> pl.Expr:
    """One condition as an expression over a frame of that schema."""
    found = CONDITION.match(text)
    if found is None:
        raise FilterUnreadableError(condition=text, reason="it is not COLUMN, one of = != < <= > >=, and a value")
    _check_column(found["column"], schema)
    column, dtype = pl.col(found["column"]), schema[found["column"]]
    try:
        value = pl.Series([found["value"]]).cast(pl.String).str.strip_chars("'\"")
        typed = _typed(value, dtype)
    except (pl.exceptions.PolarsError, ValueError):
        raise FilterUnreadableError(condition=text, reason=f"{found['value']!r} is no {dtype}") from None
    literal = pl.lit(typed.item(), dtype=dtype)
    compared = {
        "=": column == literal,
        "!=": column != literal,
        "<": column < literal,
        "<=": column <= literal,
        ">": column > literal,
        ">=": column >= literal,
    }
    return compared[found["operator"]]


def _typed(value: pl.Series, dtype: pl.DataType) -> pl.Series:
    """A text as a value of a column's type; yes and no are true and false."""
    if dtype == pl.Date:
        return value.str.to_date()
    if dtype == pl.Boolean:
        return value.str.to_lowercase().replace_strict(_FLAGS, return_dtype=pl.Boolean)
    return value.cast(dtype)


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """CSV in which no text cell is taken for a formula by a spreadsheet: such a cell gets a leading apostrophe."""
    safe = frame.with_columns(pl.col(pl.String).str.replace(FORMULA_START, "'${0}"))
    _put(path, safe.write_csv)


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Parquet, values as they are."""
    _put(path, frame.write_parquet)


def _put(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.writing")
    write(aside)
    aside.replace(path)


def _check_column(name: str, schema: pl.Schema) -> None:
    if name not in schema:
        raise CommandUnknownNameError(what="column in that table", got=name, known=list(schema))
