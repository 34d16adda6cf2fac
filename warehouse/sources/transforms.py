"""What a mapping makes of a source's values before they are typed: lists of values, other units.

Belongs here: DuckDB SQL of `values` and `scale`. Does not: dates, money and types (`columns.py`), currencies
(`rates.py`). Nothing here fails on a bad value: it stays as it is, and its type's rules judge it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from data_contracts.contracts import ColumnType
from data_contracts.mapping import MappedValue, SourceMapping
from data_contracts.sql import text
from warehouse.sources.columns import as_text


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value on its way into a contract column: its DuckDB SQL and its DuckDB type."""

    sql: str
    type: str


def transformed(column: str, column_type: ColumnType, value: Value, mapping: SourceMapping) -> Value:
    """The value after the mapping's `values` and `scale`; the very same where it says nothing of the column."""
    if column in mapping.values:
        value = Value(sql=_listed(value, mapping.values[column]), type="VARCHAR")
    if column in mapping.scale:
        value = Value(sql=_scaled(value, mapping.scale[column], exact=column_type != "number"), type="VARCHAR")
    return value


def listed_flags(values: Mapping[str, Value], mapping: SourceMapping) -> dict[str, str]:
    """By rule name SQL that is true where a column's value is one of those that the mapping lists.

    Args:
        values: by contract column the values as the source has them.
        mapping: the source's mapping; without `unmapped = "reject"` there is no such rule.
    """
    if mapping.unmapped != "reject":
        return {}
    return {
        f"{column}_value_is_listed": _is_listed(values[column], listed) for column, listed in mapping.values.items()
    }


def _listed(value: Value, listed: Mapping[str, MappedValue]) -> str:
    given = as_text(value.sql, value.type)
    cases = " ".join(f"when {text(key)} then {text(_written(meant))}" for key, meant in listed.items() if key)
    found = f"case {given} {cases} else {given} end" if cases else given
    return f"case when {given} is null then {text(_written(listed['']))} else {found} end" if "" in listed else found


def _is_listed(value: Value, listed: Mapping[str, MappedValue]) -> str:
    keys = ", ".join(text(key) for key in listed if key) or "null"
    return f"coalesce({as_text(value.sql, value.type)} in ({keys}), true)"


def _written(value: MappedValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _scaled(value: Value, factor: Decimal, *, exact: bool) -> str:
    """Money and integers are multiplied as decimals; what is no number, or beyond them, is left to its type's rules."""
    written = format(factor, "f")
    scaled = f"(try_cast({value.sql} as double) * {written}::double)::varchar"
    if exact:
        decimal = f"(try_cast({value.sql} as decimal(24, 8)) * {written}::decimal(14, 6))::varchar"
        scaled = f"coalesce({decimal}, {scaled})"
    return f"coalesce({scaled}, {as_text(value.sql, value.type)})"
