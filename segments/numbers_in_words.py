"""Numbers as people read them, as Polars expressions: whole days, money with its sign, per cent.

Belongs here: one value to text, and which kind of value a feature is. Does not: sentences (`wording.py`).
"""

from enum import Enum

import polars as pl
from polars.datatypes import DataType

from segments.money import Currency, to_major_units

DECIMALS_BELOW = 100  # from here on decimals are noise to a reader

# the words of a unit or a name that tell what a number is; the first line that matches decides
_SIGNS: tuple[tuple[str, frozenset[str]], ...] = (
    ("number", frozenset({"cos", "entropy", "index", "ratio", "sin", "trend", "zscore"})),
    ("share", frozenset({"probability", "rate", "share"})),
    ("money", frozenset({"amount", "cost", "minor", "price", "spend"})),
    ("number", frozenset({"per"})),
    ("days", frozenset({"day", "days"})),
)


class Kind(Enum):
    """How a value is written."""

    DAYS = "days"
    MONEY = "money"
    SHARE = "share"
    NUMBER = "number"
    TEXT = "text"


def kind_of(feature: str, dtype: DataType, *, unit: str | None = None) -> Kind:
    """How to write a feature: by dtype, then by the words of its unit or, where none is given, of its name.

    Args:
        feature: the feature's name; units stand in names, e.g. `days_since_last_order`, `net_amount_365_days`.
        dtype: the dtype of its column.
        unit: the catalogue's unit, e.g. `days`, `minor units`, `share`.
    """
    if not dtype.is_numeric():
        return Kind.TEXT
    words = set((unit or feature).lower().replace("-", "_").replace(" ", "_").split("_"))
    for kind, signs in _SIGNS:
        if words & signs:
            return Kind(kind)
    return Kind.NUMBER


def in_words(value: pl.Expr, kind: Kind, *, currency: Currency) -> pl.Expr:
    """A value as text (String); null, NaN and infinity are null.

    Args:
        value: the column; money in minor units, shares as fractions.
        kind: how to write it.
        currency: of money.
    """
    if kind is Kind.TEXT:
        return value.cast(pl.String).str.strip_chars()
    number = value.cast(pl.Float64)
    known = pl.when(number.is_finite()).then(number)
    if kind is Kind.MONEY:
        return money_in_words(_whole(known), currency)
    if kind is Kind.SHARE:
        return pl.format("{}%", _grouped(_whole(known * 100)))
    if kind is Kind.DAYS:
        return _grouped(_whole(known))
    return _plain_number(known)


def money_in_words(minor_units: pl.Expr, currency: Currency) -> pl.Expr:
    """Whole minor units as text: `£12.50`, `-£1,235`, `CHF 12,000`; no decimals from 100 major units on."""
    scale = 10**currency.exponent
    exact = to_major_units(minor_units, currency).cast(pl.String)
    rounded = _grouped(_whole(minor_units / scale))
    amount = pl.when(minor_units.abs() < DECIMALS_BELOW * scale).then(exact).otherwise(rounded)
    labelled = pl.concat_str([pl.lit(currency.label), amount])
    return labelled.str.replace(f"{currency.label}-", f"-{currency.label}", literal=True)


def _whole(value: pl.Expr) -> pl.Expr:
    return value.round(0).cast(pl.Int64)


def _plain_number(value: pl.Expr) -> pl.Expr:
    """Whole from 100 on, one decimal below, none where it is zero."""
    exact = (value.round(1) + 0.0).cast(pl.String).str.strip_suffix(".0")  # adding zero turns -0.0 into 0.0
    return pl.when(value.abs() < DECIMALS_BELOW).then(exact).otherwise(_grouped(_whole(value)))


def _grouped(whole: pl.Expr) -> pl.Expr:
    """A whole number with a comma every three digits, put in from behind."""
    backwards = whole.cast(pl.String).str.reverse().str.replace_all(r"\d{3}", "${0},")
    return backwards.str.strip_chars_end(",").str.reverse().str.replace("-,", "-", literal=True)
