"""What can be wrong with what was asked of features."""

from collections.abc import Sequence
from datetime import date

from data_contracts.errors import DataBlockedError, UsageError


class CustomerUnknownError(UsageError):
    """No row of the last load is about that customer."""

    def __init__(self, *, load_id: str) -> None:
        super().__init__(
            "there is no such customer",
            where=f"the load {load_id}",
            got="a customer_id that no row has",
            expected="a customer_id of the core tables: text, byte for byte (007 is not 7)",
            action="correct it, or load the customer's rows",
        )


class CustomerWithoutFeaturesError(UsageError):
    """The customer has rows, but features are of who has bought or subscribed before the date."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            "that customer has no features as of that date",
            got=f"no purchase and no subscription known before {as_of.isoformat()}",
            expected="at least one: features are of who has bought or subscribed before the date",
            action="choose a later --as-of",
        )


class StoredFeaturesUnreadableError(DataBlockedError):
    """A night's feature file is there, but is no whole Parquet file."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            "a stored feature file can't be read",
            where=path,
            got=reason,
            expected="a whole Parquet file, as `gristmill score` writes it",
            action="score that date again with --force, or remove the file's folder",
        )


class ExportFormatError(UsageError):
    """Features are to be written to a file of a kind that there is not."""

    def __init__(self, *, path: str, formats: Sequence[str]) -> None:
        super().__init__(
            "features can't be written to such a file",
            where="--to",
            got=path,
            expected=f"a file that ends in one of {', '.join(formats)}",
            action="name another file",
        )


class ColumnsTakenError(UsageError):
    """A table that features are to stand beside has columns of their names."""

    def __init__(self, *, table: str, columns: Sequence[str]) -> None:
        super().__init__(
            "the table has columns that are called as features are",
            where=table,
            got=", ".join(columns),
            expected="other names: beside them the features would be lost, or they would",
            action="rename or drop them",
        )


class DatesUnreadableError(UsageError):
    """A table's column of dates holds values that are none."""

    def __init__(self, *, table: str, column: str, rows: int, example: str) -> None:
        super().__init__(
            "the dates of the table can't be read",
            where=f"{column} of {table}",
            got=f"{rows} rows without a date, the first {example!r}",
            expected="a date in every row, as 2026-11-30",
            action="write dates so, or leave --date out and name one by --as-of",
        )


class DateNeededOnceError(UsageError):
    """Dates are named in two places, or several where one is needed."""

    def __init__(self, *, got: str) -> None:
        super().__init__(
            "as of which date is not clear",
            where="--as-of and --date",
            got=got,
            expected="--date for a table whose rows have dates, one --as-of for another, several without a table",
            action="leave one of them out",
        )
