"""Money leaving the house: from integer minor units to what people read.

Belongs here: the currency of a run, its exponent, decimals in major units. Does not: arithmetic on money (integers,
elsewhere) and amounts inside sentences (`wording.py`).
"""

from dataclasses import dataclass

import polars as pl

from data_contracts.currencies import MINOR_UNIT_DIGITS

PRECISION = 18
SIGNS = {"EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥", "USD": "$"}


@dataclass(frozen=True, kw_only=True)
class Currency:
    """The one currency of a run.

    Args:
        code: ISO 4217 code, e.g. `GBP`.
        exponent: ISO 4217 number of decimals of the major unit (2 for GBP, 0 for JPY, 3 for KWD).
    """

    code: str
    exponent: int = 2

    @property
    def label(self) -> str:
        """What stands before an amount: the sign where it is unmistakable, else the code and a space."""
        return SIGNS.get(self.code, f"{self.code} ")


def currency_of(code: str) -> Currency:
    """The currency with the exponent ISO 4217 gives it.

    Raises:
        KeyError: not an ISO 4217 code; the settings and the load refuse those long before.
    """
    return Currency(code=code, exponent=MINOR_UNIT_DIGITS[code])


def amount_dtype(currency: Currency) -> pl.Decimal:
    """The dtype of published amounts: 18 digits, as many decimals as the currency has."""
    return pl.Decimal(PRECISION, currency.exponent)


def to_minor_units(major_units: pl.Expr, currency: Currency) -> pl.Expr:
    """Decimals in major units as integer minor units (Int64); null stays null."""
    return (major_units * pl.lit(10**currency.exponent)).cast(pl.Int64)


def to_major_units(minor_units: pl.Expr, currency: Currency) -> pl.Expr:
    """Integer minor units as exact decimals in major units; null stays null."""
    wide = minor_units.cast(pl.Decimal(38, currency.exponent))
    return (wide / pl.lit(10**currency.exponent).cast(pl.Decimal(38, 0))).cast(amount_dtype(currency))
