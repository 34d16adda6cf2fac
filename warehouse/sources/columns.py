"""DuckDB SQL that turns a source's value into a contract's type, and says what became of it.

Belongs here: one pair of expressions a contract type, (typed value, `CellState`). Does not: which source column is
mapped onto which contract column (`mapping.py`). Nothing here fails on a bad value: it becomes null, and its
state says why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from data_contracts.contracts import ColumnType
from data_contracts.currencies import DEFAULT_DIGITS, MINOR_UNIT_DIGITS
from data_contracts.rules import CellState
from data_contracts.sql import text

_ABSENT, _GOOD, _UNPARSABLE, _NOT_FINITE, _OUT_OF_RANGE = (int(state) for state in CellState)
_FLOATING = ("DOUBLE", "FLOAT")
_HAS_OFFSET = r":[0-9]{2}([.,][0-9]+)?\s*(Z|z|[+-][0-9]{2}(:?[0-9]{2})?)$"
_FURTHEST_SECOND, _FURTHEST_DAY = 253402300800, 2958466  # the end of the year 9999
_TRUE, _FALSE = "('true', 't', 'yes', 'y', '1')", "('false', 'f', 'no', 'n', '0')"

DUCKDB_TYPE: dict[ColumnType, str] = {
    "text": "VARCHAR",
    "integer": "INTEGER",
    "number": "DOUBLE",
    "money": "BIGINT",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "boolean": "BOOLEAN",
}


@dataclass(frozen=True, kw_only=True)
class Given:
    """A source's value on its way into a contract column.

    Attributes:
        sql: DuckDB SQL of the value.
        type: its DuckDB type.
        time_zone: zone of timestamps that carry none.
        money: unit of money, where the source has any.
        currency: SQL of the row's currency code.
        formats: how dates and times are written, tried in this order; ISO where none is given.
    """

    sql: str
    type: str
    time_zone: str
    money: Literal["major", "minor"]
    currency: str
    formats: tuple[str, ...] = ()


def typed_value(column_type: ColumnType, given: Given, *, known_as: str = "") -> tuple[str, str]:
    """SQL of the typed value (null where it can't be had) and of its `CellState`.

    Args:
        column_type: the contract's type.
        given: the source's value.
        known_as: SQL that names the typed value where the state is asked for, so that it is not worked out again.
    """
    value, found = _TYPED[column_type](given)
    is_there = f"{known_as or f'({value})'} is not null"  # first: true of nearly every row, and costs nothing to see
    state = f"case when {is_there} then {_GOOD} when {_text(given)} is null then {_ABSENT} {found} end"
    return value, state


def as_text(sql: str, kind: str) -> str:
    """SQL of a value as text; blank is null. Whole floating numbers (ids read from a spreadsheet) lose their `.0`."""
    if kind == "VARCHAR":
        return f"case when {sql} between '!' and '~' or trim({sql}) <> '' then {sql} end"  # most begin with no space
    if kind in _FLOATING:
        whole = f"{sql} = trunc({sql}) and abs({sql}) < 1e15"
        return f"case when {whole} then ({sql})::bigint::varchar else ({sql})::varchar end"
    return f"({sql})::varchar"


def _text(given: Given) -> str:
    return as_text(given.sql, given.type)


def _typed_text(given: Given) -> tuple[str, str]:
    return _text(given), f"else {_UNPARSABLE}"


def _double(given: Given) -> str:
    return f"try_cast({given.sql} as double)"


def _why_no_number(given: Given, *, otherwise: int) -> str:
    double = _double(given)
    return f"when {double} is null then {_UNPARSABLE} when not isfinite({double}) then {_NOT_FINITE} else {otherwise}"


def _typed_number(given: Given) -> tuple[str, str]:
    double = _double(given)
    return f"case when isfinite({double}) then {double} end", _why_no_number(given, otherwise=_UNPARSABLE)


def _typed_integer(given: Given) -> tuple[str, str]:
    double = _double(given)
    whole = f"isfinite({double}) and {double} = trunc({double})"
    value = f"case when {whole} then try_cast({double} as integer) end"
    fraction = f"when isfinite({double}) and {double} <> trunc({double}) then {_UNPARSABLE}"
    return value, f"{fraction} {_why_no_number(given, otherwise=_OUT_OF_RANGE)}"


def _typed_money(given: Given) -> tuple[str, str]:
    """Minor units, rounded half away from zero on the decimal that is written (8 digits), not on its binary form."""
    if given.money == "minor":
        fast, exact = (f"try_cast({given.sql} as decimal({digits}, 8))" for digits in (18, 30))
    else:
        factor = _minor_units_in_a_major_one(given.currency)
        fast = f"try_cast({given.sql} as decimal(15, 8)) * try_cast({factor} as decimal(3, 0))"
        exact = f"try_cast({given.sql} as decimal(30, 8)) * {factor}::decimal(5, 0)"
    # amounts below ten million fit 64-bit decimals, which are ten times as fast; the others get null there
    value = f"coalesce(round({fast}, 0)::bigint, try_cast(round({exact}, 0) as bigint))"
    return value, _why_no_number(given, otherwise=_OUT_OF_RANGE)


def _minor_units_in_a_major_one(currency: str) -> str:
    unusual: dict[int, list[str]] = {}
    for code, digits in MINOR_UNIT_DIGITS.items():
        if digits != DEFAULT_DIGITS:
            unusual.setdefault(digits, []).append(text(code))
    cases = " ".join(f"when {currency} in ({', '.join(codes)}) then {10**digits}" for digits, codes in unusual.items())
    return f"(case {cases} else {10**DEFAULT_DIGITS} end)"


def _instant(given: Given) -> str:
    zone = text(given.time_zone)
    if given.formats and not given.type.startswith(("DATE", "TIMESTAMP")):
        tried = ", ".join(_in_format(given, pattern) for pattern in given.formats)
        return f"coalesce({tried})"
    if given.type.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"({given.sql})"
    if given.type == "DATE" or given.type.startswith("TIMESTAMP"):
        return f"timezone({zone}, ({given.sql})::timestamp)"
    if given.type != "VARCHAR":
        return "null::timestamptz"
    with_offset = f"regexp_matches(trim({given.sql}), {text(_HAS_OFFSET)})"
    local = f"timezone({zone}, try_cast({given.sql} as timestamp))"
    # `10:00:00 +0100`, as shops write it, is an offset too; DuckDB wants it without the blank
    joined = rf"regexp_replace({given.sql}, '\s+([+-][0-9:]+)\s*$', '\1')"
    return f"case when {with_offset} then try_cast({joined} as timestamptz) else {local} end"


def _in_format(given: Given, pattern: str) -> str:
    zone, number = text(given.time_zone), f"try_cast({given.sql} as double)"
    if pattern == "epoch_seconds":
        return f"case when abs({number}) < {_FURTHEST_SECOND} then to_timestamp({number}) end"
    if pattern == "epoch_milliseconds":
        return f"case when abs({number}) < {_FURTHEST_SECOND}e3 then to_timestamp({number} / 1000) end"
    if pattern == "excel_days":
        local = f"timestamp '1899-12-30' + to_seconds(round({number} * 86400)::bigint)"
        return f"case when {number} between 0 and {_FURTHEST_DAY} then timezone({zone}, {local}) end"
    parsed = f"try_strptime(trim({_text(given)}), {text(pattern)})"
    return parsed if "%z" in pattern.lower() else f"timezone({zone}, {parsed})"


def _typed_timestamp(given: Given) -> tuple[str, str]:
    instant = _instant(given)
    return f"case when isfinite({instant}) then {instant} end", f"else {_UNPARSABLE}"


def _typed_date(given: Given) -> tuple[str, str]:
    """The business date: of an instant, its date in the source's time zone; of anything else, the date it names."""
    if given.type == "VARCHAR" or (given.formats and not given.type.startswith(("DATE", "TIMESTAMP"))):
        local = f"timezone({text(given.time_zone)}, {_instant(given)})"
        return f"case when isfinite({local}) then ({local})::date end", f"else {_UNPARSABLE}"
    if given.type.startswith("TIMESTAMP WITH TIME ZONE"):
        return f"timezone({text(given.time_zone)}, {given.sql})::date", f"else {_UNPARSABLE}"
    if given.type == "DATE" or given.type.startswith("TIMESTAMP"):
        return f"({given.sql})::date", f"else {_UNPARSABLE}"
    return "null::date", f"else {_UNPARSABLE}"


def _typed_boolean(given: Given) -> tuple[str, str]:
    plain = f"lower(trim({_text(given)}))"
    return f"case when {plain} in {_TRUE} then true when {plain} in {_FALSE} then false end", f"else {_UNPARSABLE}"


_TYPED: dict[ColumnType, Callable[[Given], tuple[str, str]]] = {
    "text": _typed_text,
    "integer": _typed_integer,
    "number": _typed_number,
    "money": _typed_money,
    "date": _typed_date,
    "timestamp": _typed_timestamp,
    "boolean": _typed_boolean,
}
