"""Failures of reading sources: files, stores, databases, exchange rates."""

from collections.abc import Sequence
from pathlib import Path

from data_contracts.errors import DataBlockedError, DependencyDownError, UsageError

LISTED_NAMES = 40


class SourceFileMissingError(UsageError):
    """No file is where an input's files should be."""

    def __init__(self, *, input_name: str, looked_at: str, beside: str = "") -> None:
        super().__init__(
            "no file of an input was found",
            where=f"inputs.{input_name}.files",
            got=f"nothing at {looked_at}" + (f"; {beside}" if beside else ""),
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
            action="see why the export is empty (the tables published before stay); if it is right: --allow-empty",
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


class SourceColumnNameTakenError(DataBlockedError):
    """A source has a column that the load itself adds."""

    def __init__(self, *, input_name: str, file: str, column: str) -> None:
        super().__init__(
            "a source has a column of a name that the load itself uses",
            where=f"inputs.{input_name}: {file}",
            got=f'a column "{column}"',
            expected="any other name: source_file and source_row say where a row came from",
            action="rename the column in the export",
        )


class SheetMissingError(UsageError):
    """A spreadsheet has no sheet of the name given."""

    def __init__(self, *, input_name: str, file: str, sheet: str, known: Sequence[str]) -> None:
        super().__init__(
            "a spreadsheet has no such sheet",
            where=f"inputs.{input_name}.sheet: {file}",
            got=f'"{sheet}"',
            expected="one of " + ", ".join(f'"{name}"' for name in known[:LISTED_NAMES]),
            action="correct the name",
        )


class StoreDriverMissingError(UsageError):
    """A URL's store is reached by a package that is not installed."""

    def __init__(self, *, url: str, reason: str) -> None:
        super().__init__(
            "files at this URL can't be read here",
            where=url,
            got=reason,
            expected="a store that fsspec can open: s3:// (package s3fs), gs:// (gcsfs), az:// (adlfs), https://",
            action="install that package beside gristmill, or copy the files to a folder",
        )


class SourceStoreDownError(DependencyDownError):
    """An object store did not hand out what was asked for."""

    def __init__(self, *, url: str, reason: str) -> None:
        super().__init__(
            "a store of files did not answer",
            where=url,
            got=reason,
            action="see that it can be reached and that the environment holds its keys, then try again",
        )


class DatabaseAddressMissingError(UsageError):
    """The environment does not say where a database is."""

    def __init__(self, *, input_name: str, variable: str, got: str) -> None:
        super().__init__(
            "the address of a database is not known",
            where=f"inputs.{input_name}.database: environment variable {variable}",
            got=got,
            expected="postgresql://user:password@host/database, or the path of a DuckDB file",
            action=f"set {variable} before running the command",
        )


class DatabaseFileMissingError(UsageError):
    """A DuckDB file is not where it should be."""

    def __init__(self, *, input_name: str, looked_at: Path) -> None:
        super().__init__(
            "the database file of an input was not found",
            where=f"inputs.{input_name}.database",
            got=f"nothing at {looked_at}",
            expected="a DuckDB file",
            action="correct the path, or the data folder (--data or GRISTMILL_DATA) that it is relative to",
        )


class SourceDatabaseDownError(DependencyDownError):
    """A source's database did not answer."""

    def __init__(self, *, input_name: str, reason: str) -> None:
        super().__init__(
            "a source's database did not answer",
            where=f"inputs.{input_name}.database",
            got=reason,
            action="see that it runs and that its address and password are right, then try again",
        )


class SourceDatabaseQueryError(UsageError):
    """A source's database refused a table or a query."""

    def __init__(self, *, input_name: str, asked: str, reason: str) -> None:
        super().__init__(
            "a database refused what an input asks of it",
            where=f"inputs.{input_name}: {asked}",
            got=reason,
            expected="a table the user may read, or one query in the database's own SQL",
            action="correct the name or the query, or grant the right to read",
        )


class RatesUnusableError(DataBlockedError):
    """A table of exchange rates can't be trusted."""

    def __init__(self, *, source: str, input_name: str, got: str, expected: str) -> None:
        super().__init__(
            "a table of exchange rates can't be used",
            where=f"sources.{source}.conversion.rates: input {input_name}",
            got=got,
            expected=expected,
            action="correct the rates; amounts are never converted by a guess",
        )
