"""What a published table must be: its key, its columns and what each of them means.

Belongs here: the frozen description that a segment table is audited against before anybody sees it. Does not: the
instances (each room describes its own tables, e.g. `segments/contracts.py`), and the audit itself
(`warehouse/publishing/audit.py`), which runs where the staged tables are.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import polars as pl
from polars.datatypes import DataType, DataTypeClass

Bound = int | float | Decimal | date | datetime


@dataclass(frozen=True)
class OutputColumn:
    """One column of a published table.

    Args:
        name: lower-case snake name, with its unit where it has one.
        dtype: the Polars dtype, e.g. `pl.String`, `pl.Int64`, `pl.Decimal(18, 2)`, `pl.Datetime("us", "UTC")`.
        nullable: whether a row may leave it empty.
        meaning: plain words for the reader of the table; becomes the column's comment in the warehouse.
        minimum: smallest allowed value, itself allowed; None for no bound.
        maximum: largest allowed value, itself allowed; None for no bound.
        allowed: the only text values allowed; None for any.
    """

    name: str
    dtype: DataType | DataTypeClass
    nullable: bool = False
    meaning: str = ""
    minimum: Bound | None = None
    maximum: Bound | None = None
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True)
class OutputContract:
    """One published table.

    Args:
        table: lower-case snake name, without a schema.
        key: the columns that identify a row: together unique, none of them null.
        columns: all columns, in the order they are published.
        volatile: columns that may differ between two runs over the same inputs (`run_key`, …); left out of the
            content hash.
        meaning: plain words for what one row is; becomes the table's comment in the warehouse.
        may_be_empty: whether no rows at all is a normal night (a table of exceptions), not a failed one.

    Raises:
        ValueError: a column is named twice, or `key` or `volatile` names a column that is not there.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[OutputColumn, ...]
    volatile: tuple[str, ...] = ()
    meaning: str = ""
    may_be_empty: bool = False

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) != len(names):
            raise ValueError(f"{self.table}: a column is named twice: {names}")
        if not self.key:
            raise ValueError(f"{self.table}: a published table needs a key")
        missing = [name for name in (*self.key, *self.volatile) if name not in names]
        if missing:
            raise ValueError(f"{self.table}: key or volatile columns that are not in the contract: {missing}")

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in published order."""
        return tuple(column.name for column in self.columns)

    @property
    def schema(self) -> pl.Schema:
        """Column names and Polars dtypes in published order."""
        return pl.Schema({column.name: column.dtype for column in self.columns})


@dataclass(frozen=True)
class PublishedTable:
    """A frame on its way out, with the contract it has to keep."""

    frame: pl.DataFrame
    contract: OutputContract
