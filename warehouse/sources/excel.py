"""Sheets of Excel and OpenDocument files as rows of text.

Belongs here: one sheet as a frame. Every cell is text, as in a CSV file: an id `00042` that the sheet holds as text
stays so, a date cell becomes `2024-05-01 10:00:00`, a number is written as short as it can be. Does not: where the
files lie (`files.py`).
"""

import logging
from typing import Any

import polars as pl

from warehouse.sources.errors import SheetMissingError
from warehouse.sources.files import SourceFile

SHEET_ROW = "row of the sheet"
"""The column with a row's number, counted from 1 below the header."""

_UNNAMED = "__UNNAMED__"


class SheetUnreadableError(Exception):
    """A file is no spreadsheet, or its sheet can't be read; the message holds no value of it."""


def read_sheet(
    input_name: str, file: SourceFile, *, sheet: str | None, header_row: int, rows: int | None
) -> pl.DataFrame:
    """The rows below a sheet's header, all String, and `SHEET_ROW` (Int64).

    Rows without any value are left out (their numbers stay), columns without name and value too.

    Raises:
        SheetMissingError: there is no sheet of this name; names those there are.
        SheetUnreadableError: the file is no spreadsheet.
    """
    reader = _opened(file)
    if sheet is not None and sheet not in reader.sheet_names:
        raise SheetMissingError(input_name=input_name, file=file.label, sheet=sheet, known=reader.sheet_names)
    wanted = {"header_row": header_row - 1, "n_rows": rows, "dtypes": "string", "skip_whitespace_tail_rows": True}
    try:
        frame: pl.DataFrame = reader.load_sheet(sheet or 0, **wanted).to_polars()
    except Exception as failure:  # noqa: BLE001  # the reader's exceptions may quote cells: only their kind is told
        raise SheetUnreadableError(type(failure).__name__) from None
    nameless = [
        name for name in frame.columns if name.startswith(_UNNAMED) and frame[name].null_count() == frame.height
    ]
    frame = frame.drop(nameless)
    if not frame.width:
        return frame
    numbered = frame.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(SHEET_ROW))
    return (
        numbered.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in frame.columns))
        if frame.width
        else numbered
    )


def _opened(file: SourceFile) -> Any:  # noqa: ANN401  # the reader's own class
    import fastexcel  # noqa: PLC0415  # only for spreadsheets

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it tells of every empty column
    content = file.read_bytes() if file.remote else file.address
    try:
        return fastexcel.read_excel(content)
    except Exception as failure:  # noqa: BLE001  # as above
        raise SheetUnreadableError(type(failure).__name__) from None
