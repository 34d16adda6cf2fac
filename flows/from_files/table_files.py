"""Reading a table that somebody brings: CSV of any separator, Parquet, or a sheet of a workbook.

Belongs here: file formats, and finding the table in its file. Does not: what a column means (`models.prepared_table`).
"""

import csv
import gzip
import logging
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, cast

import polars as pl

from flows.errors import TableUnreadableError

PARQUET = (".parquet", ".pq")
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
SEPARATORS = ",;\t|"
TEXTS = tuple(f"{kind}{packed}" for kind in (".csv", ".tsv", ".tab", ".txt", ".dat", ".data") for packed in ("", ".gz"))
HEADER_ROWS = 10
OLD_ENCODING = "windows-1252"
Say = Callable[[str], None]


def read_table(path: Path, *, names: Collection[str] = (), say: Say = lambda _: None) -> pl.DataFrame:
    """The table in a file; of text files every column is text.

    Args:
        path: the file.
        names: columns that are wanted: of a workbook that sheet, and that row as its header, are taken which have most
            of them; of equals the first.
        say: told what was found out about the file.

    Raises:
        TableUnreadableError: there is no such file, it is of another kind, broken or empty.
    """
    name = path.name.lower()
    if not path.is_file():
        raise TableUnreadableError(path=str(path), got="no such file")
    if not name.endswith((*PARQUET, *WORKBOOKS, *TEXTS)):
        raise TableUnreadableError(path=str(path), got=f"a file that ends in {path.suffix or path.name}")
    try:
        table = _read(path, name, names, say)
    except Exception as error:
        uneven = _uneven_line(path) if name.endswith(TEXTS) else None
        raise TableUnreadableError(path=str(path), got=uneven or f"{type(error).__name__} while reading it") from error
    if name.endswith(TEXTS) and table.width == 1 and (uneven := _uneven_line(path)):
        raise TableUnreadableError(path=str(path), got=uneven)
    if not table.height:
        raise TableUnreadableError(path=str(path), got="no rows")
    return table


def _read(path: Path, name: str, names: Collection[str], say: Say) -> pl.DataFrame:
    if name.endswith(PARQUET):
        return pl.read_parquet(path)
    if name.endswith(WORKBOOKS):
        return _read_workbook(path, names, say)
    import duckdb  # noqa: PLC0415 only for text files

    try:
        return _read_text(path)
    except duckdb.InvalidInputException as failure:
        if "utf-8" not in str(failure):
            raise
    with _as_utf8(path) as (readable, encoding):
        say(f"{path.name} is read as {encoding}, because it is no UTF-8")
        return _read_text(readable)


def _read_text(path: Path) -> pl.DataFrame:
    import duckdb  # noqa: PLC0415 only for text files

    with duckdb.connect() as connection:
        text = connection.sql("SELECT * FROM read_csv(?, all_varchar = true, header = true)", params=[str(path)])
        table: pl.DataFrame = text.pl()
    return table


def _uneven_line(path: Path) -> str | None:
    """The first line that has more or fewer fields than the header, in words; None where there is none."""
    with suppress(csv.Error, OSError), _unpacked(path) as stream, TextIOWrapper(stream, encoding="latin-1") as lines:
        header = lines.readline()
        separator = max(SEPARATORS, key=header.count)
        if separator not in header:
            return None
        fields = len(next(csv.reader([header], delimiter=separator)))
        reader = csv.reader(lines, delimiter=separator)
        for row in reader:
            if row and len(row) != fields:
                return f"line {reader.line_num + 1:,} has {len(row)} fields, the header has {fields}"
    return None


@contextmanager
def _as_utf8(path: Path) -> Iterator[tuple[Path, str]]:
    """A text file in an older encoding as UTF-8, gone at the end of the block; and that encoding.

    Raises:
        UnicodeDecodeError: bytes in it are no text in it.
    """
    with _unpacked(path) as stream:
        encoding = "utf-16" if stream.read(2) in {b"\xff\xfe", b"\xfe\xff"} else OLD_ENCODING
    with tempfile.TemporaryDirectory(prefix="gristmill-") as folder:
        readable = Path(folder) / "table.csv"
        with _unpacked(path) as stream, readable.open("w", encoding="utf-8", newline="") as out:
            shutil.copyfileobj(TextIOWrapper(stream, encoding=encoding, newline=""), out)
        yield readable, encoding


def _unpacked(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if path.name.lower().endswith(".gz") else path.open("rb")


def _read_workbook(path: Path, names: Collection[str], say: Say) -> pl.DataFrame:
    import fastexcel  # noqa: PLC0415 only for workbooks

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it tells of every empty column
    reader = fastexcel.read_excel(path)
    sheet, row = _place_of(reader, names)
    if (sheet, row) != (reader.sheet_names[0], 0):
        say(f"{path.name}: the table is in the sheet {sheet!r}, its header in row {row + 1}")
    return pl.read_excel(path, sheet_name=sheet, read_options={"header_row": row})


def _place_of(reader: Any, names: Collection[str]) -> tuple[str, int]:  # noqa: ANN401 the library's own class
    """The sheet, and the row of its header from 0, that have most of the columns wanted; of equals the first."""
    places = [(reader.sheet_names[0], 0)]
    found = [len(set(names) & set(_texts(reader, *places[0], rows=1)[0]))]
    for sheet in reader.sheet_names:
        for row, texts in enumerate(_texts(reader, sheet, 0, rows=HEADER_ROWS)):
            places.append((sheet, row))
            found.append(len(set(names) & set(texts)))
    return places[found.index(max(found))]


def _texts(reader: Any, sheet: str, first: int, *, rows: int) -> list[tuple[str | None, ...]]:  # noqa: ANN401 as above
    """The first rows of a sheet as texts; one empty row of an empty sheet."""
    frame = reader.load_sheet(sheet, header_row=None, skip_rows=first, n_rows=rows, dtypes="string").to_polars()
    return frame.rows() or [()]
