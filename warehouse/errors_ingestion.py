"""Failures of mapping sources and of loads that can't be trusted. Of reading: `sources/errors.py`."""

from collections.abc import Sequence

from data_contracts.errors import DataBlockedError, UsageError

LISTED_NAMES = 40


class SourceColumnMissingError(DataBlockedError):
    """A mapped column is not in the source."""

    def __init__(  # the facts, by name
        self,
        *,
        source: str,
        contract_column: str,
        column: str,
        present: Sequence[str],
        hint: str,
        files: Sequence[str] = (),
    ) -> None:
        more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
        of_files = f" of {files[0]}{more}" if files else ""
        super().__init__(
            "a mapped column is not in the source",
            where=f"sources.{source}.columns.{contract_column}",
            got=f"columns{of_files}: {', '.join(present[:LISTED_NAMES])}",
            expected=f'a column "{column}"',
            action=(f"{hint} " if hint else "") + "correct the mapping, or the export",
        )


class SourceExpressionError(UsageError):
    """An expression, a rule or a query of a source can't be evaluated."""

    def __init__(self, *, source: str, part: str, expression: str, reason: str) -> None:
        super().__init__(
            "an expression can't be evaluated",
            where=f"sources.{source}.{part}",
            got=f"{expression}: {reason}",
            expected="DuckDB SQL over the source's columns",
            action="correct the expression; try_cast and try_strptime let a bad value be null instead of failing",
        )


class InputUnknownError(UsageError):
    """A source names an input that is not declared."""

    def __init__(self, *, source: str, setting: str, input_name: str, known: Sequence[str]) -> None:
        super().__init__(
            "a source names an input that is not declared",
            where=f"sources.{source}.{setting}",
            got=f'"{input_name}"',
            expected=f"one of {', '.join(known)}",
            action=f"declare [inputs.{input_name}], or correct the name",
        )


class SourceUnknownError(UsageError):
    """A name is not that of a source."""

    def __init__(self, *, source: str, known: Sequence[str]) -> None:
        super().__init__(
            "there is no such source",
            got=f'"{source}"',
            expected=f"one of {', '.join(known)}",
            action="name a source of the settings, or none to check all",
        )


class DatesUnparsableError(DataBlockedError):
    """Most values of a date column can't be read as dates: the mapping is wrong, not the rows."""

    def __init__(self, *, source: str, column: str, share: float, sample: str, column_type: str) -> None:
        super().__init__(
            f"most values of {column} can't be read as a {column_type}",
            where=f"sources.{source}, column {column}",
            got=f"{share:.0%} of the rows, for instance {sample}",
            expected='ISO dates, such as "2011-09-01" or "2011-09-01 14:30:00"',
            action=f'say how they are written: formats = {{ {column} = "%d/%m/%Y %H:%M" }}',
        )


class CurrencyUnknownError(DataBlockedError):
    """Most values of the currency column are no known currency."""

    def __init__(self, *, source: str, share: float, sample: str, company_currency: str) -> None:
        super().__init__(
            "most rows are in an unknown currency",
            where=f"sources.{source}, column currency",
            got=f"{share:.0%} of the rows, for instance {sample}",
            expected=f'a code of ISO 4217, such as "{company_currency}"',
            action=f'map it by an expression, or by constants = {{currency = "{company_currency}"}}',
        )


class WatermarkUnfitError(UsageError):
    """An input's watermark column is no time."""

    def __init__(self, *, input_name: str, column: str) -> None:
        super().__init__(
            "the watermark is no date or time",
            where=f"inputs.{input_name}.watermark",
            got=f'the column "{column}", whose values are something else',
            expected="a column of dates or times that rises with every new or changed row",
            action='name such a column, or load the input whole: load = "full"',
        )


class NothingAcceptedError(DataBlockedError):
    """No row of a required table survived its rules."""

    def __init__(
        self, *, entity: str, read: int, left_out: int, commonest: Sequence[str], foreign_currency: str | None = None
    ) -> None:
        got = f"{read:,} rows read, all in quarantine; commonest: {', '.join(commonest)}"
        if not read:
            got = f"no row; `where` leaves out all {left_out:,} there are" if left_out else "no row"
        super().__init__(
            f"no row of {entity} is fit for use",
            where=f"sources of {entity}",
            got=got,
            expected="at least one row that breaks no rule of severity error",
            action=_what_to_do(entity, foreign_currency) if read else "correct `where` or the query, or the export",
        )


def _what_to_do(entity: str, foreign_currency: str | None) -> str:
    """What helps where every row breaks a rule, for instance because all are in another currency."""
    if foreign_currency is not None:
        told = f'currency = "{foreign_currency}"'
        return f"the data say {told}: say so under [company], or convert it: docs/sources.md"
    return f"`gristmill source check` shows some, and after a load `gristmill quarantine show {entity}` all of them"
