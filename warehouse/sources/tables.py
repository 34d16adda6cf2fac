"""The files of an input as one table `raw.<name>`: copied into DuckDB, or read where they lie.

Belongs here: how a file of each format is read, and how rows of many files get their file, row number and `rowid`. Does
not: finding files (`files.py`), sheets (`excel.py`), what an input is called (`inputs.py`).

`raw.<name>` is a view with the files' own columns, `source_file`, `source_row` (from 1) and `rowid` (from 0, in the
order of files and rows). Parquet files on this machine are not copied: they can be read as often as needed, only the
columns that are asked for, about as fast as a table. Everything else is read once, into `raw_copies.<name>`, several
threads at a time; a row's number in its file follows from its place there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from data_contracts.inputs import InputSpec, is_compressed
from data_contracts.redaction import reason_of
from data_contracts.sql import first_row, identifier, text
from warehouse.scratch import is_shortage
from warehouse.sources.errors import (
    SourceColumnNameTakenError,
    SourceFilesDifferError,
    SourceFileUnreadableError,
)
from warehouse.sources.excel import SHEET_ROW, SheetUnreadableError, read_sheet
from warehouse.sources.files import SourceFile
from warehouse.sources.lines import delimiter_of, in_utf8, readable_rows
from warehouse.sources.unreadable_lines import keep_unreadable

FILE_COLUMN = "source_file"
ROW_COLUMN = "source_row"
ROW_ID = "rowid"
"""A row's place among all of its input's: a table's own in DuckDB, a column of that name in the views made here."""

_BEFORE, _IN_SHEET, _ADDRESS = "rows before its file", "row in its sheet", "address of its file"
_ROW_IN_FILE = "file_row_number"  # DuckDB's name
_NOT_DUCKDBS = ("windows-1252",)  # encodings that it can't read


def columns_of(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """The columns of what `query` (`from …` or `select …`) gives, and their DuckDB types."""
    return {name: str(kind) for name, kind, *_ in connection.execute(f"describe {query}").fetchall()}


def refuse_taken_names(name: str, label: str, columns: Mapping[str, str]) -> None:
    """Refuse a source whose own columns are called like those that every raw table has.

    Raises:
        SourceColumnNameTakenError: names the first of them.
    """
    for column in columns:
        if column.lower() in (FILE_COLUMN, ROW_COLUMN, ROW_ID):
            raise SourceColumnNameTakenError(input_name=name, file=label, column=column)


def is_read_in_place(spec: InputSpec, file: SourceFile) -> bool:
    """Whether a file can be read again as often as needed: Parquet on this machine."""
    return spec.format_of(file.label) == "parquet" and not file.remote


def show_parquet(connection: duckdb.DuckDBPyConnection, name: str, files: Sequence[SourceFile]) -> dict[str, str]:
    """Show Parquet files as `raw.<name>` without copying them.

    Returns:
        Their columns; none, and nothing is shown, where they are not alike to the letter or can't be read (copying them
        makes the best of it, or says why not).
    """
    try:
        described = [columns_of(connection, f"from read_parquet({text(file.address)})") for file in files]
    except duckdb.Error:
        return {}
    columns = described[0]
    if any(each != columns for each in described) or {_ROW_IN_FILE, _ADDRESS} & {each.lower() for each in columns}:
        return {}
    refuse_taken_names(name, files[0].label, columns)
    facts, before = [], 0
    for file in files:
        facts.append(f"({text(file.address)}, {text(file.label)}, {before})")
        before += int(first_row(connection, f"select count(*) from read_parquet({text(file.address)})")[0])  # noqa: S608  # a literal
    listed = ", ".join(map(identifier, columns))
    addresses = ", ".join(text(file.address) for file in files)
    connection.execute(
        f"""create view raw.{identifier(name)} as
        select {listed}, label as {FILE_COLUMN}, {_ROW_IN_FILE} + 1 as {ROW_COLUMN}, {_ROW_IN_FILE} + before as {ROW_ID}
        from read_parquet([{addresses}], filename = {text(_ADDRESS)}, {_ROW_IN_FILE} = true)
        join (values {", ".join(facts)}) as of_file(address, label, before) on address = {identifier(_ADDRESS)}"""  # noqa: S608  # quoted names and literals
    )
    return dict(columns)


def csv_reader(spec: InputSpec, address: str, label: str, *, encoding: str, packed: str = "none") -> str:
    """SQL of a CSV file's rows, every value as text."""
    nulls = ", ".join(map(text, spec.null_texts))
    return (
        f"read_csv({text(address)}, header = true, all_varchar = true, skip = 0, comment = '', "
        f"delim = {text(delimiter_of(spec, label))}, quote = {text(spec.quote)}, escape = {text(spec.quote)}, "
        f"encoding = {text(encoding)}, nullstr = [{nulls}], compression = '{packed}')"
    )


@dataclass(kw_only=True)
class CopiedFiles:
    """The files of an input, copied one after the other.

    Attributes:
        connection: where to.
        name: the input's name.
        spec: what it is.
        rows_of_each: copy at most so many rows of a file; None for all.
        keeps_unreadable: lines of CSV files that are no rows are kept apart (`lines.py`) instead of failing.
        needed: words among which the names of the columns are that every file must have; None: files are all alike.
        columns: the columns so far; rows of files that lack one have no value in it.
    """

    connection: duckdb.DuckDBPyConnection
    name: str
    spec: InputSpec
    rows_of_each: int | None = None
    keeps_unreadable: bool = False
    needed: Collection[str] | None = None
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def _table(self) -> str:
        return f"raw_copies.{identifier(self.name)}"

    def add(self, file: SourceFile) -> None:
        """Copy a file's rows, after those that are there.

        Raises:
            SourceFileUnreadableError: it is not of its format.
            SourceFilesDifferError: its columns differ from those of the files before.
            SourceColumnNameTakenError: a column is called like one that every raw table has.
        """
        try:
            if self.spec.format_of(file.label) == "csv" and self.spec.encoding in _NOT_DUCKDBS:
                with in_utf8(self.spec, file) as readable:
                    self._add(file, self._reader_of_lines(file, readable))
            else:
                self._add(file)
        except (duckdb.Error, SheetUnreadableError, UnicodeError) as failure:
            if is_shortage(failure):
                raise
            if self.keeps_unreadable and self._add_line_by_line(file):
                return
            reason = reason_of(failure) if isinstance(failure, duckdb.Error) else str(failure)
            raise SourceFileUnreadableError(
                input_name=self.name, file=file.label, file_format=self.spec.format_of(file.label), reason=reason
            ) from None

    def _add_line_by_line(self, file: SourceFile) -> bool:
        """Copy the rows of a CSV file that can be read, and keep its other lines; False: it is no such file at all."""
        if self.spec.format_of(file.label) != "csv":
            return False
        with readable_rows(self.spec, file, number_column=SHEET_ROW, rows=self.rows_of_each) as split:
            if split is None:
                return False
            try:
                self._add(file, self._reader_of_lines(file, split.readable))
            except duckdb.Error:
                return False
        keep_unreadable(self.connection, self.name, label=file.label, split=split)
        return True

    def _reader_of_lines(self, file: SourceFile, readable: Path) -> str:
        """SQL of a CSV file's rows that were written anew."""
        return csv_reader(self.spec, readable.as_posix(), file.label, encoding="utf-8")

    def _add(self, file: SourceFile, reader: str = "") -> None:
        reader = reader or self._reader(file)
        found = columns_of(self.connection, f"from {reader}")
        in_sheet = identifier(SHEET_ROW) if found.pop(SHEET_ROW, None) else "null"
        refuse_taken_names(self.name, file.label, found)
        self._fit(file, found)
        before = first_row(self.connection, f"select count(*) from {self._table}")[0] if self.columns else 0  # noqa: S608  # a quoted name
        listed = ", ".join(map(identifier, found))
        rows = reader if self.rows_of_each is None else f"(from {reader} limit {self.rows_of_each:d})"
        query = (
            f"select {listed}, {text(file.label)} as {FILE_COLUMN}, {before}::bigint as {identifier(_BEFORE)}, "  # noqa: S608  # quoted
            f"{in_sheet}::bigint as {identifier(_IN_SHEET)} from {rows}"
        )
        if self.columns:
            self.connection.execute(f"insert into {self._table} by name {query}")
        else:
            self.connection.execute("create schema if not exists raw_copies")
            self.connection.execute(f"create table {self._table} as {query}")
            self.columns = found

    def show(self) -> None:
        """Show what was copied, if anything was, as `raw.<name>`."""
        if not self.columns:
            return
        listed = ", ".join(map(identifier, self.columns))
        row = f"coalesce({identifier(_IN_SHEET)}, {ROW_ID} - {identifier(_BEFORE)} + 1)"
        self.connection.execute(
            f"create view raw.{identifier(self.name)} as "  # noqa: S608  # quoted names
            f"select {listed}, {FILE_COLUMN}, {row} as {ROW_COLUMN}, {ROW_ID} as {ROW_ID} from {self._table}"
        )

    def _reader(self, file: SourceFile) -> str:
        """SQL of a file's rows."""
        spec, kind = self.spec, self.spec.format_of(file.label)
        if kind == "excel":
            frame = read_sheet(self.name, file, sheet=spec.sheet, header_row=spec.header_row, rows=self.rows_of_each)
            self.connection.register("sheet", frame)
            return "sheet"
        file.show_to(self.connection)
        path, packed = text(file.address), "gzip" if is_compressed(file.label) else "none"
        if kind == "parquet":
            return f"read_parquet({path})"
        if kind == "jsonl":
            return f"read_json({path}, format = 'newline_delimited', compression = '{packed}')"
        return csv_reader(spec, file.address, file.label, encoding=spec.encoding, packed=packed)

    def _fit(self, file: SourceFile, found: Mapping[str, str]) -> None:
        """Make room for a file's new columns; refuse one that differs from the others in a column that is needed."""
        other = set(found) ^ set(self.columns) if self.columns else set()
        if other and (self.needed is None or any(column.lower() in self.needed for column in other)):
            raise self._differ(file, found)
        for column in found:
            if column in other:
                self.connection.execute(f"alter table {self._table} add column {identifier(column)} {found[column]}")
                self.columns[column] = found[column]

    def _differ(self, file: SourceFile, found: Mapping[str, str]) -> SourceFilesDifferError:
        return SourceFilesDifferError(
            input_name=self.name,
            file=file.label,
            missing=[column for column in self.columns if column not in found],
            surplus=[column for column in found if column not in self.columns],
        )
