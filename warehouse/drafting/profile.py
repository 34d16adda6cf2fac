"""What a sample tells of a source's columns: types, shapes of values, dates, uniqueness, products of two columns.

Belongs here: facts. Does not: how dates are written (`column_dates.py`), what facts mean for a mapping (`draft.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import duckdb

from data_contracts.currencies import MINOR_UNIT_DIGITS
from data_contracts.sql import first_row, identifier, text
from warehouse.drafting.column_dates import dates_in, mixed_dates_in, shares
from warehouse.drafting.names import words_of
from warehouse.sources.inputs import RawTable
from warehouse.sources.numbers import (
    CURRENCY_SIGNS,
    DECIMAL_COMMA,
    THOUSANDS,
    without_decimal_comma,
    without_sign,
    without_thousands,
)
from warehouse.sources.truth import PLAIN_TRUTH, meaning_of_truth
from warehouse.sources.values import plain_identifier

_ENOUGH = 0.95
_DISTINCT_LOOKED_AT = 2_000
_MORE = 4  # times as many are drawn, so that hardly ever fewer are left
_MOST_TRUTH_WORDS = 6
_MOST_STATES = 30
_CALLED_OFF = (
    r"\b(cancel|void|declin|fail|reject|abort|unavailable|fraud|storn|abgelehnt|annul|anul|cancelad|refus|refunded)"
)
_CALLED_OFF_WORDS = {"canceled", "cancelled", "cancel", "cancellation", "void", "voided", "declined", "failed"}
_FEW = 0.05
_LEAST_PRODUCTS, _ENOUGH_ORDERS, _ALWAYS = 10, 50, 0.999
_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_PHONE = r"\+?[0-9][0-9 ()/.-]{6,18}[0-9]"
_WHOLE, _NUMBER = r"[+-]?[0-9]+(\.0+)?", r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """What the values of one column look like. Shares are of its values that are not blank, 0 to 1.

    Attributes:
        name: the source's name.
        type: its DuckDB type.
        rows: rows of the sample.
        filled: those with a value.
        distinct: different values.
        whole, numeric, email, phone, currency_code, truth: share of values of that shape.
        decimals: share of values that are numbers with digits behind a decimal point that are not all zero.
        pointed: share of values written with a decimal point, whatever is behind it.
        negative: share of values below zero.
        largest: the largest absolute number.
        leading_zero: share of values such as `007`.
        numbered: share of values such as `#1001`.
        sign: the sign of money (`€`) that nearly each of its values has; the facts about them are those without it.
        decimal_comma: its numbers are written `1.516,30`; the facts about them are those of `1516.30`.
        thousands: its numbers are written `1,516.30`, without a sign; the facts about them are those of `1516.30`.
        truth_words: where its values are words for yes and no that a load would not understand by itself (`oui`,
            `Nein`): each of its values and what it means.
        date_formats: how its values can be read as dates: "" for ISO or a typed date, else patterns as in `formats`.
        mixed_formats: the patterns that read them together, where no single one reads nearly all.
        has_time: some of them name a time of day.
    """

    name: str
    type: str
    rows: int
    filled: int
    distinct: int
    whole: float = 0
    numeric: float = 0
    email: float = 0
    phone: float = 0
    currency_code: float = 0
    truth: float = 0
    decimals: float = 0
    pointed: float = 0
    negative: float = 0
    largest: float = 0
    leading_zero: float = 0
    numbered: float = 0
    sign: str = ""
    decimal_comma: bool = False
    thousands: bool = False
    truth_words: tuple[tuple[str, bool], ...] = ()
    date_formats: tuple[str, ...] = ()
    mixed_formats: tuple[str, ...] = ()
    has_time: bool = False

    @property
    def is_dated(self) -> bool:
        """Its values can be read as dates or times."""
        return bool(self.date_formats or self.mixed_formats)

    @property
    def is_written_as_decimal(self) -> bool:
        """All its numbers have a decimal point, and none is missing: with gaps programs write whole numbers so too."""
        return self.pointed >= _ENOUGH and self.filled == self.rows

    @property
    def unique(self) -> float:
        """Share of rows that have a value of their own."""
        return self.distinct / self.rows if self.rows else 0.0

    @property
    def is_scalar(self) -> bool:
        """Neither a list nor a structure."""
        return not (self.type.endswith("]") or self.type.startswith(("STRUCT", "MAP", "UNION", "JSON")))


@dataclass(frozen=True)
class Sample:
    """A source's sampled rows in DuckDB, and questions that need several columns at once."""

    connection: duckdb.DuckDBPyConnection = field(repr=False)
    raw: RawTable
    copied: Mapping[str, ColumnFacts] = field(default_factory=dict, repr=False)
    """The facts of columns of other tables whose values these are (of a join): only their rows are counted anew."""

    @cached_property
    def facts(self) -> dict[str, ColumnFacts]:
        """The facts of each column, in the source's order."""
        counted = _counted(self.connection, self.raw)
        return {
            name: replace(self.copied[name], name=name, rows=base.rows, filled=base.filled, distinct=base.distinct)
            if name in self.copied and base.filled
            else _facts(self.connection, self.raw, base)
            for name, base in counted.items()
        }

    @cached_property
    def rows(self) -> int:
        """Rows of the sample."""
        return int(self.ask("count(*)"))

    def unique_share(self, columns: Sequence[str]) -> float:
        """Share of rows whose values of these columns, together, occur once or for the first time."""
        names = ", ".join(map(identifier, columns))
        return float(self.ask(f"count(distinct ({names})) / greatest(count(*), 1)"))

    def repeated_rows(self) -> int:
        """Rows that say in every column what an earlier one says: sold twice, or written twice."""
        return self.rows - int(self.ask(f"count(distinct ({', '.join(map(identifier, self.raw.columns))}))"))

    def product_share(self, total: str, factors: tuple[str, str]) -> float:
        """Share of rows in which `total` is the product of two columns, to half a hundredth."""
        first, second, whole = (f"try_cast({self.number(name)}::varchar as double)" for name in (*factors, total))
        return float(self.ask(f"coalesce(avg((abs({first} * {second} - {whole}) <= 0.0051)::int), 0)"))

    def within(self, column: str, order: str) -> tuple[int, float, float]:
        """Of a column of orders' lines: how many orders have several, and how often all of one say the same.

        Returns:
            Orders of several lines; share of those with at most one value; share of all rows whose order has none.
        """
        name, key, table = identifier(column), identifier(order), self.raw.table
        value = f"nullif(trim({name}::varchar), '')"
        sql = f"""
            select count(*) filter (lines > 1), coalesce(avg((there <= 1)::int) filter (lines > 1), 0),
              coalesce(sum(lines) filter (there = 0), 0) / greatest(sum(lines), 1)
            from (select count(*) as lines, count(distinct {value}) as there from {table} group by {key})"""  # noqa: S608  # quoted names
        several, same, blank = first_row(self.connection, sql)
        return int(several), float(same), float(blank)

    def said_once(self, column: str, order: str) -> bool:
        """Whether only one line of an order (the first, in exports of shops) says what holds for all of them."""
        facts = self.facts[column]
        if not facts.rows or facts.filled > _ENOUGH * facts.rows:
            return False
        several, same, blank = self.within(column, order)
        return several >= _ENOUGH_ORDERS and same >= _ALWAYS and blank <= (1 - facts.filled / facts.rows) / 2

    def mostly_says(self, column: str, of: str) -> float:
        """Share of rows in which a column says what it most often says beside the same value of another column."""
        said, key = identifier(column), identifier(of)
        sql = f"""
            select coalesce(sum(most) / sum(rows), 0) from (
              select max(times) as most, sum(times) as rows from (
                select {key} as k, count(*) as times from {self.raw.table} where {said} is not null group by k, {said}
              ) group by k
            )"""  # noqa: S608  # quoted names
        return float(first_row(self.connection, sql)[0])

    def adds_up(self, part: str, whole: str, order: str) -> float:
        """Of orders of several lines the share in which a column of the lines adds up to one of the whole order."""
        line, total = (f"try_cast({self.number(name)}::varchar as double)" for name in (part, whole))
        sql = f"""
            select coalesce(avg((abs(parts - whole) <= 0.0051 * lines)::int), 0) from (
              select sum({line}) as parts, max({total}) as whole, count(*) as lines
              from {self.raw.table} group by {identifier(order)}
            ) where lines > 1"""  # noqa: S608  # quoted names
        return float(first_row(self.connection, sql)[0])

    def lines_without_units(self, units: str, amount: str) -> int:
        """Rows whose units are 0 though they have an amount; both as SQL over the columns."""
        read = (
            f"select try_cast(({units})::varchar as double) as units, try_cast(({amount})::varchar as double) as amount"
        )
        sql = f"select count(*) from ({read} from {self.raw.table}) where units = 0 and amount <> 0"  # noqa: S608  # quoted names
        return int(first_row(self.connection, sql)[0])

    def price_of_two(self, price: str, *, units: str, product: str) -> float:
        """How many times as much two units of a product cost as one: the median product's, 0 where few have both."""
        each, number = (f"try_cast({self.number(name)}::varchar as double)" for name in (price, units))
        sql = f"""
            select case when count(two) >= {_LEAST_PRODUCTS} then median(two / one) else 0 end from (
              select avg({each}) filter ({number} = 1) as one, avg({each}) filter ({number} = 2) as two
              from {self.raw.table} group by {identifier(product)}
            ) where one > 0"""  # noqa: S608  # quoted names
        return float(first_row(self.connection, sql)[0])

    def number(self, column: str) -> str:
        """SQL of a column's values as plain numbers: without a sign of money, a decimal comma made a point."""
        facts, value = self.facts[column], plain_identifier(column)
        if facts.sign:
            value = without_sign(value, facts.sign, decimal_comma=facts.decimal_comma)
        if facts.thousands:
            return without_thousands(value)
        return without_decimal_comma(value) if facts.decimal_comma else value

    def no_sales(self, column: str) -> tuple[str, ...]:
        """The words of a column of few different words that say a sale was called off; sorted."""
        facts, name, table = self.facts[column], identifier(column), self.raw.table
        if not facts.is_scalar or not 1 < facts.distinct <= _MOST_STATES:
            return ()
        told, pattern = f"{name}::varchar", _CALLED_OFF
        if facts.truth >= _ENOUGH and set(words_of(column)) & _CALLED_OFF_WORDS:
            pattern = r"^\s*(1|true|t|yes|y)\s*$"
        elif facts.numeric > _FEW:
            return ()
        rows = self.connection.execute(
            f"select distinct {told} v from {table} where regexp_matches({told}, ?, 'i') order by v",  # noqa: S608  # quoted names
            [pattern],
        ).fetchall()
        return tuple(word for (word,) in rows)

    def few_words(self, column: str) -> tuple[str, ...]:
        """The different values of a column of text with a few of them, without blanks around; sorted, else empty."""
        facts = self.facts[column]
        if facts.type != "VARCHAR" or not 1 < facts.distinct <= _MOST_STATES:
            return ()
        value, table = f"trim({identifier(column)})", self.raw.table
        rows = self.connection.execute(f"select distinct {value} v from {table} where v <> '' order by v").fetchall()  # noqa: S608  # quoted names
        return tuple(word for (word,) in rows)

    def ask(self, expression: str) -> float:
        """A number over all rows."""
        return first_row(self.connection, f"select {expression} from {self.raw.table}")[0]  # type: ignore[no-any-return]  # noqa: S608  # quoted names


def _counted(connection: duckdb.DuckDBPyConnection, raw: RawTable) -> dict[str, ColumnFacts]:
    """By column how many rows there are, with a value, and how many different ones."""
    if not raw.columns:
        return {}
    values = [f"nullif(trim({identifier(name)}::varchar), '')" for name in raw.columns]
    listed = ", ".join(f"count({value}), count(distinct {value})" for value in values)
    rows, *counts = first_row(connection, f"select count(*), {listed} from {raw.table}")  # noqa: S608  # quoted names
    pairs = zip(raw.columns.items(), counts[::2], counts[1::2], strict=True)
    return {
        name: ColumnFacts(name=name, type=kind, rows=rows, filled=filled, distinct=distinct)
        for (name, kind), filled, distinct in pairs
    }


def _look_at(connection: duckdb.DuckDBPyConnection, raw: RawTable, base: ColumnFacts) -> None:
    """Some of a column's different values, each as likely as another however often it comes."""
    value = f"trim({identifier(base.name)}::varchar)"
    step = max(1, base.distinct // (_MORE * _DISTINCT_LOOKED_AT))
    connection.execute(
        f"create or replace temp table looked_at as select distinct {value} as v from {raw.table} "  # noqa: S608  # quoted names
        f"where nullif({value}, '') is not null and hash({value}) % {step} = 0 "
        f"order by hash(v) limit {_DISTINCT_LOOKED_AT}"
    )


def _facts(connection: duckdb.DuckDBPyConnection, raw: RawTable, base: ColumnFacts) -> ColumnFacts:
    if not base.filled or not base.is_scalar:
        return base
    _look_at(connection, raw, base)
    kind = base.type
    sign = _sign(connection) if kind == "VARCHAR" else ""
    if sign:
        connection.execute(f"update looked_at set v = {without_sign('v', sign, decimal_comma=True)}")  # noqa: S608  # this module's own
    decimal_comma = kind == "VARCHAR" and _has_decimal_comma(connection)
    if sign and not decimal_comma:
        connection.execute(f"update looked_at set v = {without_sign('v', sign, decimal_comma=False)}")  # noqa: S608  # this module's own
    if decimal_comma:
        connection.execute(f"update looked_at set v = {without_decimal_comma('v')}")  # noqa: S608  # this module's own
    thousands = kind == "VARCHAR" and not sign and not decimal_comma and _has_thousands(connection)
    if thousands:
        connection.execute(f"update looked_at set v = {without_thousands('v')}")  # noqa: S608  # this module's own
    codes = ", ".join(map(text, MINOR_UNIT_DIGITS))
    foreign = _foreign_truth(connection)
    truth = ", ".join(map(text, {*PLAIN_TRUTH, *(word.lower() for word, _ in foreign)}))
    shapes = {
        "whole": f"regexp_full_match(v, '{_WHOLE}')",
        "numeric": f"regexp_full_match(v, '{_NUMBER}')",
        "email": f"regexp_full_match(v, '{_EMAIL}')",
        "phone": f"regexp_full_match(v, '{_PHONE}')",
        "currency_code": f"upper(v) in ({codes})",
        "truth": f"lower(v) in ({truth})",
        "decimals": f"regexp_full_match(v, '{_NUMBER}') and regexp_matches(v, '\\.[0-9]*[1-9]')",
        "pointed": "contains(v, '.')",
        "negative": "starts_with(v, '-')",
        "leading_zero": "regexp_full_match(v, '0[0-9]+')",
        "numbered": "regexp_full_match(v, '#[0-9]+')",
    }
    averages = ", ".join(f"avg(({sql})::int)" for sql in shapes.values())
    found = first_row(connection, f"select {averages}, coalesce(max(abs(try_cast(v as double))), 0) from looked_at")  # noqa: S608  # this module's own
    shapes_of: dict[str, float] = dict(zip(shapes, found, strict=False))
    formats, has_time = dates_in(connection, kind)
    mixed = mixed_dates_in(connection) if kind == "VARCHAR" and not formats and shapes_of["numeric"] < _FEW else ()
    return replace(
        base,
        **shapes_of,  # type: ignore[arg-type]  # all of them are shares
        largest=found[-1],
        sign=sign,
        decimal_comma=decimal_comma,
        thousands=thousands,
        truth_words=foreign,
        date_formats=formats,
        mixed_formats=mixed,
        has_time=has_time or any("%H" in pattern or "%I" in pattern for pattern in mixed),
    )


def _sign(connection: duckdb.DuckDBPyConnection) -> str:
    """The sign of money at the head or the end of nearly every value looked at; empty where there is none."""
    signs = [
        f"(ltrim(v, '+-') like '{sign}%' or v like '%{sign}') and regexp_matches(v, '[0-9]')" for sign in CURRENCY_SIGNS
    ]
    found = shares(connection, signs)
    return next((sign for sign, share in zip(CURRENCY_SIGNS, found, strict=True) if share >= _ENOUGH), "")


def _has_decimal_comma(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether nearly every value looked at reads as a number with a decimal comma, and some have one."""
    every, some = shares(connection, [f"regexp_full_match(v, '{DECIMAL_COMMA}')", "contains(v, ',')"])
    return every >= _ENOUGH and some > 0


def _has_thousands(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether nearly every value reads as a number with commas before its thousands, as every one from 1,000 on has."""
    every, some, small = shares(
        connection, [f"regexp_full_match(v, '{THOUSANDS}')", "contains(v, ',')", "regexp_matches(v, '^[+-]?0,')"]
    )
    return every >= _ENOUGH and some > 0 and small == 0


def _foreign_truth(connection: duckdb.DuckDBPyConnection) -> tuple[tuple[str, bool], ...]:
    """The different values and what they mean, where all are words for yes and no of one language that is not ours."""
    rows = connection.execute("select v from looked_at order by v limit ?", [_MOST_TRUTH_WORDS + 1]).fetchall()
    words = tuple(word for (word,) in rows)
    if len(words) > _MOST_TRUTH_WORDS or all(word.lower() in PLAIN_TRUTH for word in words):
        return ()
    return meaning_of_truth(words)
