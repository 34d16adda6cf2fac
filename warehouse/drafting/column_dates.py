"""How a column's values are written as dates, told from some of them in the temporary table `looked_at`.

Belongs here: formats that are tried, and shares of those values for which something holds. Does not: other facts of
columns (`profile.py`).
"""

from collections.abc import Sequence

import duckdb

from data_contracts.sql import first_row, text

DATE_FORMATS = (
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d.%m.%y %H:%M", "%d.%m.%y",
    "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y",
    "%d/%m/%y %H:%M", "%d/%m/%y", "%m/%d/%y %H:%M", "%m/%d/%y", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d", "%Y%m%d%H%M%S",
    "%Y%m%d", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p", "%Y年%m月%d日", "%Y.%m.%d", "%Y-%m", "%Y/%m", "%m/%Y",
)  # fmt: skip
FORMATS_OF_MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y")
_ISO_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_EPOCHS = {"epoch_seconds": (4e8, 4e9), "epoch_milliseconds": (4e11, 4e12)}
_YEARS_OF_A_CALENDAR = (1950, 2100)
_ENOUGH, _FEW = 0.95, 0.05
_MOST_FORMATS = 3
_DATE_LIKE = r"[0-9][-/., 年] ?[0-9A-Za-z]"
_DIGITS_OF_DATE = r"[0-9]{8,14}(\.[0-9]+)?"


def dates_in(connection: duckdb.DuckDBPyConnection, kind: str) -> tuple[tuple[str, ...], bool]:
    """The formats in which (nearly) every value looked at is a date of a plausible year, and whether it has a time."""
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return ("",), kind != "DATE" and share(connection, "not ends_with(v, ' 00:00:00')") > 0
    if kind not in ("VARCHAR", "BIGINT", "INTEGER", "UBIGINT", "UINTEGER", "DOUBLE"):
        return (), False
    first, last = _YEARS_OF_A_CALENDAR
    if kind == "VARCHAR":
        iso = f"length(v) >= 8 and contains(v, '-') and year(try_cast(v as timestamp)) between {first} and {last}"
        if share(connection, iso) >= _ENOUGH:
            return ("",), share(connection, "contains(v, ':')") > 0
    if not _look_like_dates(connection):
        return (), False
    years = [f"year(try_strptime(v, {text(pattern)})) between {first} and {last}" for pattern in DATE_FORMATS]
    patterns = [name for name, share in zip(DATE_FORMATS, shares(connection, years), strict=True) if share >= _ENOUGH]
    ranges = [f"try_cast(v as double) between {least} and {most}" for least, most in _EPOCHS.values()]
    epochs = [name for name, share in zip(_EPOCHS, shares(connection, ranges), strict=True) if share >= _ENOUGH]
    found = (*patterns, *epochs)
    return found, any("%H" in pattern or "%I" in pattern for pattern in found) or bool(epochs)


def _look_like_dates(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether nearly all values looked at have parts, or as many digits as a date: trying formats is slow."""
    parted = f"length(v) <= 40 and regexp_matches(v, '{_DATE_LIKE}')"
    return share(connection, f"({parted}) or regexp_full_match(v, '{_DIGITS_OF_DATE}')") >= _ENOUGH


def mixed_dates_in(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The fewest patterns, the commonest first, that together read (nearly) all values looked at; none: no dates."""
    if not _look_like_dates(connection):
        return ()
    first, last = _YEARS_OF_A_CALENDAR
    tried = (*_ISO_FORMATS, *DATE_FORMATS)
    reads = [f"coalesce(year(try_strptime(v, {text(pattern)})) between {first} and {last}, false)" for pattern in tried]
    chosen: list[int] = []
    for _ in range(_MOST_FORMATS):
        unread = "".join(f" and not {reads[number]}" for number in chosen)
        reading = shares(connection, [f"{condition}{unread}" for condition in reads])
        best = max(range(len(tried)), key=lambda number: (reading[number], -number))
        if reading[best] < _FEW:
            return ()
        chosen.append(best)
        if share(connection, " or ".join(reads[number] for number in chosen)) >= _ENOUGH:
            return tuple(tried[number] for number in chosen)
    return ()


def share(connection: duckdb.DuckDBPyConnection, condition: str) -> float:
    """Share of the values looked at for which a condition holds."""
    return shares(connection, [condition])[0]


def shares(connection: duckdb.DuckDBPyConnection, conditions: Sequence[str]) -> list[float]:
    """Share of the values looked at for which each condition holds."""
    listed = ", ".join(f"coalesce(avg(coalesce(({condition})::int, 0)), 0)" for condition in conditions)
    return [float(share) for share in first_row(connection, f"select {listed} from looked_at")]  # noqa: S608  # this module's own
