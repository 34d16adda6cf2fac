"""Whether the files of a load are whole.

Belongs here: telling a damaged file from a good one. Does not: which files a load has (`lake`).
"""

import os
from pathlib import Path

import polars as pl

from warehouse.lake_errors import CoreFileDamagedError

PARQUET_MARK = b"PAR1"  # the first and the last bytes of every Parquet file


def check_whole(file: Path) -> None:
    """Refuse a file that is no whole Parquet file, by the marks at its two ends: whoever cuts it short cuts one off.

    Raises:
        CoreFileDamagedError: it is missing, cut short, or no Parquet file.
    """
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(0)
            first = opened.read(len(PARQUET_MARK))
            opened.seek(max(size - len(PARQUET_MARK), 0))
            last = opened.read()
    except OSError as error:
        raise CoreFileDamagedError(path=str(file), got=error.strerror or type(error).__name__) from None
    if (first, last) != (PARQUET_MARK, PARQUET_MARK):
        told = "a Parquet file that is cut short" if first == PARQUET_MARK else "no Parquet file"
        raise CoreFileDamagedError(path=str(file), got=f"{told}, {size:,} bytes")


def check_readable(file: Path) -> None:
    """Read a Parquet file from beginning to end.

    Raises:
        CoreFileDamagedError: it can't be read.
    """
    check_whole(file)
    try:
        pl.scan_parquet(file).select(pl.all().null_count()).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise CoreFileDamagedError(path=str(file), got=f"damaged bytes ({type(error).__name__})") from None
