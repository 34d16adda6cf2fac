"""What the columns of any table are (numbers, texts, dates, flags), and the table with its columns made so.

Belongs here: reading a column's kind off its values, the same way again when scoring. Does not: judging which columns
are of use (`linting`), or encoding them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from models.errors import FeaturesMismatchError
from models.prepared_table.errors import close_to

MODEL = "prepared table"
NAMELESS = "(no name)"
NOTHING = ["", "?", "-", "--", ".", "na", "n/a", "#n/a", "nan", "null", "none", "nil"]
LEARN_AGAIN = "or learn again from a table that has the same columns as this one"
UNKNOWN = ["unknown", "unbekannt", "inconnu", "missing", "not available", "n.a.", "k.a.", "<na>"]  # among numbers
MISSING_TEXT = "(missing)"
NUMBER = r"^[+-]?(\d+|[1-9]\d{0,2}(,\d{3})+)?(\.\d*)?([eE][+-]?\d+)?$"
COMMA_NUMBER = r"^[+-]?(\d+|[1-9]\d{0,2}([. \x{a0}\x{202f}]\d{3})+)?(,\d*)?$"
MONEY = "[£$€]|EUR|USD|GBP|CHF"
DATES_READ = 0.98  # of the different values of a column of dates; the others (31.02.1980) are missing, and told
FEWEST_DATES = 50
CODE = r"^0\d"  # leading zeros: a code, not a number
DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d")
MOMENT = r"^(\d{4}-\d{2}-\d{2})[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column to learn from.

    Attributes:
        name: in the table.
        kind: `number` (flags are 0 and 1), `date` (days since 1970-01-01) or `text`.
        date_format: how dates are written where they are text.
        decimal_comma: whether numbers that are text are written like 1.234,50 (else like 1,234.50).
    """

    name: str
    kind: str
    date_format: str | None = None
    decimal_comma: bool = False

    def described(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)


def named(table: pl.DataFrame) -> pl.DataFrame:
    """The table with a name for the column that has none (the row numbers that a data frame's CSV begins with)."""
    return table.rename({"": NAMELESS}) if "" in table.columns else table


def read_columns(table: pl.DataFrame, names: Iterable[str]) -> tuple[list[Column], dict[str, str]]:
    """The kinds of columns, and those that have none with the reason.

    Text is taken for numbers where every value that is there reads as one, for dates where nearly every does; numbers
    with leading zeros stay text. The label is not looked at.
    """
    columns, odd = [], {}
    for name in names:
        values = table[name]
        if values.dtype == pl.String:
            columns.append(_text_column(values))
        elif values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null, pl.Duration):
            columns.append(Column(name=name, kind="number"))
        elif values.dtype in (pl.Date, pl.Datetime):
            columns.append(Column(name=name, kind="date"))
        elif values.dtype in (pl.Categorical, pl.Enum):
            columns.append(Column(name=name, kind="text"))
        else:
            odd[name] = f"values of the type {values.dtype} can't be used"
    return columns, odd


def typed(table: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """The columns as Float64 (numbers, dates) or String (texts, a missing one its own text), rows as they are.

    Raises:
        FeaturesMismatchError: a column is absent, or no value of it can be read as what it was in training.
    """
    missing = [column.name for column in columns if column.name not in table.columns]
    if missing:
        raise FeaturesMismatchError(
            model=MODEL, missing=missing, retyped=[], there=table.columns, action=_advice(missing, table.columns)
        )
    made = [_as_kind(table[column.name], column) for column in columns]
    lost = [
        f"{column.name} (no {column.kind})"
        for column, values in zip(columns, made, strict=True)
        if column.kind != "text" and values.null_count() == table.height and not _blank(table[column.name])
    ]
    if lost:
        action = f"bring them as they were in training; {LEARN_AGAIN}"
        raise FeaturesMismatchError(model=MODEL, missing=[], retyped=lost, there=table.columns, action=action)
    return pl.DataFrame(made)


def unread_dates(table: pl.DataFrame, columns: Sequence[Column]) -> dict[str, int]:
    """By column of dates that are text, how many values are no dates."""
    dated = [column for column in columns if column.kind == "date" and table.schema[column.name] == pl.String]
    read = typed(table, dated) if dated else pl.DataFrame()
    counts = {name: read[name].null_count() - tidy(table[name]).null_count() for name in read.columns}
    return {name: count for name, count in counts.items() if count}


def _advice(missing: Sequence[str], there: Sequence[str]) -> str:
    """What to do about columns that are missing: which of those that are there might be meant."""
    meant = [f"{close} for {name}" for name in missing if (close := close_to(name, there))]
    renamed = f" (did you mean {', '.join(meant)}? rename)" if meant else ""
    return f"add the missing columns to the table{renamed}; {LEARN_AGAIN}"


def columns_from(content: Iterable[dict[str, Any]]) -> list[Column]:
    """The inverse of `Column.described`."""
    return [Column(**one) for one in content]


def tidy(values: pl.Series, *, also: Sequence[str] = ()) -> pl.Series:
    """Text without surrounding blanks; what only says that there is nothing (or is one of `also`) is null."""
    stripped = values.str.strip_chars()
    frame = pl.DataFrame({values.name: stripped})
    nothing = pl.col(values.name).str.to_lowercase().is_in([*NOTHING, *also])
    return frame.select(pl.when(~nothing).then(pl.col(values.name)))[values.name]


def _blank(values: pl.Series) -> bool:
    there = tidy(values) if values.dtype == pl.String else values
    return there.null_count() == len(values)


def _text_column(values: pl.Series) -> Column:
    there = tidy(values).drop_nulls().unique()
    if not len(there):
        return Column(name=values.name, kind="number")
    if (comma := _decimal_comma(tidy(there, also=UNKNOWN).drop_nulls())) is not None:
        return Column(name=values.name, kind="number", decimal_comma=comma)
    unread = {written: _day(there, written).null_count() for written in (*DATE_FORMATS, "moment")}
    written = min(unread, key=unread.__getitem__)
    most = (1 - DATES_READ) * len(there) if len(there) >= FEWEST_DATES else 0
    if unread[written] <= most:
        return Column(name=values.name, kind="date", date_format=written)
    return Column(name=values.name, kind="text")


def _decimal_comma(there: pl.Series) -> bool | None:
    """Whether numbers are written with a decimal comma (a point, if either fits); None where they are no numbers."""
    if not len(there) or there.str.contains(CODE).any():
        return None
    return next((comma for comma in (False, True) if _plain_number(there, comma=comma).null_count() == 0), None)


def _as_kind(values: pl.Series, column: Column) -> pl.Series:
    is_text = values.dtype == pl.String
    if column.kind == "text":
        as_text = tidy_text(values.cast(pl.String))
        return as_text.fill_null(MISSING_TEXT)
    if column.kind == "date":
        days = _day(tidy(values), column.date_format or DATE_FORMATS[0]) if is_text else values.cast(pl.Date)
        return days.to_physical().cast(pl.Float64)
    if is_text:
        return _finite(_plain_number(tidy(values), comma=column.decimal_comma))
    return _finite(_number(values))


def tidy_text(values: pl.Series) -> pl.Series:
    """Text without surrounding blanks; empty text is null."""
    stripped = values.str.strip_chars()
    return stripped.set(stripped == "", None)


def _number(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Duration:
        return values.dt.total_seconds() / 86_400.0
    if values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null):
        return values.cast(pl.Float64)
    return pl.Series(values.name, [None] * len(values), dtype=pl.Float64)


def _plain_number(values: pl.Series, *, comma: bool) -> pl.Series:
    """Numbers written with or without thousands marks, a currency or a percent sign; else null."""
    bare = values.str.replace(rf"^([+-]?)\s*({MONEY})\s*", "${1}").str.replace(rf"\s*(%|{MONEY})$", "")
    fits = bare.str.contains(COMMA_NUMBER if comma else NUMBER) & bare.str.contains(r"\d")
    plain = bare.set(~fits, None).str.replace_all(r"[. \x{a0}\x{202f}]" if comma else ",", "")
    return plain.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)


def _day(values: pl.Series, written: str) -> pl.Series:
    if written == "moment":
        fits = values.str.contains(MOMENT)
        return values.set(~fits, None).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    return values.str.to_date(written, strict=False, exact=True)


def _finite(values: pl.Series) -> pl.Series:
    return values.set(~values.is_finite().fill_null(value=False), None)
