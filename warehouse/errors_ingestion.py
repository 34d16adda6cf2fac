"""Failures of reading sources and mapping them onto the contracts."""

from collections.abc import Sequence
from pathlib import Path

from data_contracts.errors import DataBlockedError, UsageError

LISTED_NAMES = 40


class SourceFileMissingError(UsageError):
    """No file is where an input's files should be."""

    def __init__(self, *, input_name: str, looked_at: Path) -> None:
        super().__init__(
            "no file of an input was found",
            where=f"inputs.{input_name}.files",
            got=f"nothing at {looked_at}",
            expected="at least one file",
            action="correct the pattern, or the data folder (--data or GRISTMILL_DATA) that it is relative to",
        )


class SourceFileEmptyError(DataBlockedError):
    """An input's files hold no row."""

    def __init__(self, *, input_name: str, files: Sequence[str]) -> None:
        super().__init__(
            "an input has no rows",
            where=f"inputs.{input_name}: {', '.join(files[:LISTED_NAMES])}",
            got="a header or nothing at all",
            expected="a header and at least one row",
            action="see why the export is empty; the tables published before stay",
        )


class SourceFileUnreadableError(DataBlockedError):
    """A file can't be read as what it is said to be."""

    def __init__(self, *, input_name: str, file: str, file_format: str, reason: str) -> None:
        super().__init__(
            "a file can't be read",
            where=f"inputs.{input_name}: {file}",
            got=reason,
            expected=f"a {file_format} file",
            action="correct the file, or the input's format, delimiter, quote or encoding",
        )


class SourceFilesDifferError(DataBlockedError):
    """Files of one input have different columns."""

    def __init__(self, *, input_name: str, file: str, missing: Sequence[str], surplus: Sequence[str]) -> None:
        super().__init__(
            "the files of one input have different columns",
            where=f"inputs.{input_name}: {file}",
            got=f"missing: {', '.join(missing) or 'none'}; not in the first file: {', '.join(surplus) or 'none'}",
            expected="the columns of the input's first file",
            action="correct the export, or give files that differ an input and a source of their own",
        )


class SourceColumnMissingError(DataBlockedError):
    """A mapped column is not in the source."""

    def __init__(self, *, source: str, contract_column: str, column: str, present: Sequence[str], hint: str) -> None:
        super().__init__(
            "a mapped column is not in the source",
            where=f"sources.{source}.columns.{contract_column}",
            got=f"columns: {', '.join(present[:LISTED_NAMES])}",
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

    def __init__(self, *, source: str, input_name: str, known: Sequence[str]) -> None:
        super().__init__(
            "a source names an input that is not declared",
            where=f"sources.{source}.input",
            got=f'"{input_name}"',
            expected=f"one of {', '.join(known)}",
            action=f"declare [inputs.{input_name}], or correct the name",
        )


class DatesUnparsableError(DataBlockedError):
    """Most values of a date column can't be read as dates: the mapping is wrong, not the rows."""

    def __init__(self, *, source: str, column: str, share: float, sample: str, column_type: str) -> None:
        super().__init__(
            f"most values of {column} can't be read as a {column_type}",
            where=f"sources.{source}, column {column}",
            got=f"{share:.0%} of the rows, for instance {sample}",
            expected='ISO dates, such as "2011-09-01" or "2011-09-01 14:30:00"',
            action=f"map it by an expression: {column} = \"try_strptime(the_column, '%d/%m/%Y %H:%M')\"",
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


class NothingAcceptedError(DataBlockedError):
    """No row of a required table survived its rules."""

    def __init__(self, *, entity: str, read: int, commonest: Sequence[str]) -> None:
        super().__init__(
            f"no row of {entity} is fit for use",
            where=f"sources of {entity}",
            got=f"{read:,} rows read, all in quarantine; commonest: {', '.join(commonest)}",
            expected="at least one row that breaks no rule of severity error",
            action="see the rules' counts; correct the mapping or the export",
        )
