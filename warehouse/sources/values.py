"""Showing a source's values to people: personal ones as their shape, long ones cut.

Belongs here: what may be shown of a value, and which source columns an expression looks at. Does not: where.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import duckdb

from data_contracts.contracts import Contract
from data_contracts.mapping import SourceMapping
from data_contracts.sql import identifier

_LONGEST = 60
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_WORD = re.compile(r'"((?:[^"]|"")+)"|([^\W\d]\w*)')
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEXT_LITERAL = re.compile(r"'(?:[^']|'')*'")


@cache
def _reserved_words() -> frozenset[str]:
    with duckdb.connect() as connection:
        rows = connection.execute("select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'")
        return frozenset(name for (name,) in rows.fetchall())


def plain_identifier(name: str) -> str:
    """A column's name as SQL, without quotes where it needs none: for SQL that people read."""
    return name if _PLAIN.fullmatch(name) and name.lower() not in _reserved_words() else identifier(name)


@dataclass(frozen=True, kw_only=True)
class PersonalColumns:
    """The columns whose values are never shown: of the contract, and of the source that they are made from."""

    core: frozenset[str]
    raw: frozenset[str]

    @classmethod
    def of(cls, contract: Contract, origins: Mapping[str, Sequence[str]]) -> "PersonalColumns":
        """Those of a mapping; `origins` gives by contract column the source columns it is made of."""
        core = frozenset(name for name in origins if contract.columns[name].personal)
        return cls(core=core, raw=frozenset(column for name in core for column in origins[name]))

    def shown(self, column: str, value: str | None) -> str | None:
        """A contract column's value as people may see it."""
        return _shown(value, personal=column in self.core)

    def shown_raw(self, column: str, value: str | None) -> str | None:
        """A source column's value as people may see it."""
        return _shown(value, personal=column in self.raw)


def _shown(value: str | None, *, personal: bool) -> str | None:
    return None if value is None else cut(discreet(value, personal=personal))


def discreet(value: str, *, personal: bool) -> str:
    """A value as people may see it: as its shape where its column is personal, or where it holds an e-mail address."""
    return masked(value) if personal or _EMAIL.search(value) else value


def cut(value: str) -> str:
    """The beginning of a long value."""
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"


def masked(value: str) -> str:
    """The shape of a value: letters as `a`, digits as `9`, the rest as it is."""
    return "".join("9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in value)


def columns_named_in(expression: str, columns: Collection[str]) -> tuple[str, ...]:
    """The source's columns that an SQL expression looks at, in the order they appear; names are case-insensitive."""
    by_plain_name = {column.lower(): column for column in columns}
    words = _WORD.findall(_TEXT_LITERAL.sub(" ", expression))
    names = (quoted.replace('""', '"') if quoted else plain for quoted, plain in words)
    return tuple(dict.fromkeys(by_plain_name[name.lower()] for name in names if name.lower() in by_plain_name))


def origins_of(mapping: SourceMapping, columns: Collection[str]) -> dict[str, tuple[str, ...]]:
    """By mapped contract column the source columns (out of `columns`) that its value is made of."""
    return {
        **{name: (column,) for name, column in mapping.renames().items()},
        **{name: columns_named_in(expression, columns) for name, expression in mapping.expressions.items()},
        **dict.fromkeys(mapping.constants, ()),
    }
