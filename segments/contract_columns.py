"""Columns that many published tables share, and how a frame becomes a table as its contract has it.

Belongs here: the building blocks of contracts, and the one way out for amounts, shares and stamps. Does not: the
contracts of single tables (`contracts.py` and its neighbours).
"""

from datetime import date

import polars as pl

from data_contracts.published import OutputColumn, OutputContract
from segments.checks import require_columns
from segments.money import Currency, amount_dtype, to_major_units

SHARE_DECIMALS = 6
CUSTOMER = OutputColumn("customer_id", pl.String, meaning="The customer.")
AS_OF = OutputColumn("as_of", pl.Date, meaning="The business date this row is true for: nothing later was used.")
RUN_KEY = OutputColumn("run_key", pl.String, meaning="The run that published this row.")
STAMPS = ("as_of", "currency", "run_key")


def currency_column(currency: Currency) -> OutputColumn:
    """The currency of a row's amounts."""
    return OutputColumn("currency", pl.String, allowed=(currency.code,), meaning="Currency of the amounts.")


def amount(
    name: str, currency: Currency, meaning: str, *, nullable: bool = False, minimum: int | None = None
) -> OutputColumn:
    """An amount in major units; in frames on their way out the column is Int64, minor units."""
    return OutputColumn(name, amount_dtype(currency), nullable=nullable, minimum=minimum, meaning=meaning)


def share(name: str, meaning: str, *, nullable: bool = True) -> OutputColumn:
    """A share from 0 to 1."""
    return OutputColumn(name, pl.Float64, nullable=nullable, minimum=0.0, maximum=1.0, meaning=meaning)


def count(name: str, meaning: str, *, nullable: bool = False) -> OutputColumn:
    """A number of things, 0 at least."""
    return OutputColumn(name, pl.Int64, nullable=nullable, minimum=0, meaning=meaning)


def number(name: str, meaning: str, *, nullable: bool = True) -> OutputColumn:
    """Any number."""
    return OutputColumn(name, pl.Float64, nullable=nullable, meaning=meaning)


def one_of(name: str, allowed: tuple[str, ...], meaning: str, *, nullable: bool = False) -> OutputColumn:
    """One of a closed list of words."""
    return OutputColumn(name, pl.String, nullable=nullable, allowed=allowed, meaning=meaning)


def as_published(
    frame: pl.DataFrame, contract: OutputContract, *, as_of: date, run_key: str, currency: Currency
) -> pl.DataFrame:
    """The frame as the contract has it: stamped, amounts in major units, sorted by the key.

    Args:
        frame: the contract's columns but `as_of`, `currency` and `run_key`, which are added where they are missing;
            amounts are Int64 in minor units.
        contract: of the table.
        as_of: the business date of the run.
        run_key: the run.
        currency: of every amount.

    Raises:
        SegmentColumnsMissingError: a column is missing.
    """
    stamps = {"as_of": pl.lit(as_of, pl.Date), "currency": pl.lit(currency.code), "run_key": pl.lit(run_key)}
    frame = frame.with_columns(value.alias(name) for name, value in stamps.items() if name not in frame.columns)
    require_columns(frame, contract.names, name=contract.table)
    made = frame.select(_out(column, frame.schema[column.name], currency) for column in contract.columns)
    return made.sort(contract.key)


def _out(column: OutputColumn, dtype: pl.DataType, currency: Currency) -> pl.Expr:
    value = pl.col(column.name)
    if isinstance(column.dtype, pl.Decimal) and not isinstance(dtype, pl.Decimal):
        return to_major_units(value.cast(pl.Int64), currency).alias(column.name)
    if column.dtype == pl.Float64:
        return value.cast(pl.Float64).round(SHARE_DECIMALS)
    return value.cast(column.dtype)
