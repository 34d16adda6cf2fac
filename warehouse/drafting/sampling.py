"""A sample of a long file from its head, its middle and its end: old rows are often written differently from new ones.

Belongs here: excerpts of files, as files of the same form. Does not: reading them (`sources/inputs.py`), or which facts
are drawn from the sample (`profile.py`).

Excerpts are made of CSV and JSON-lines files (by places in the file, without reading what lies between) and of Parquet
files (by row numbers). Packed files, spreadsheets, files in stores and databases are sampled from their head.
"""

import glob
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import duckdb

from data_contracts.inputs import InputSpec, is_compressed
from data_contracts.sql import first_row, text
from warehouse.sources.files import SourceFile, SourcePlace, find_files

_PARTS = 3
_MOST_FILES = 32


@contextmanager
def excerpted(name: str, spec: InputSpec, place: SourcePlace, *, rows: int) -> Iterator[tuple[InputSpec, SourcePlace]]:
    """The input with excerpts in place of its long files, and where those lie; gone at the end of the block.

    Args:
        name: the input's name.
        spec: the input.
        place: where it lies.
        rows: how many rows all its files' excerpts have together, about.

    Raises:
        UsageError, DependencyDownError: see `sources.files.find_files`.
    """
    files = find_files(name, spec, place.data_root) if spec.database is None else []
    if not files or len(files) > _MOST_FILES:
        yield spec, place
        return
    with TemporaryDirectory(prefix="gristmill-") as folder:
        each = -(-rows // len(files))
        shown = [_excerpt(file, spec, Path(folder) / str(number), rows=each) for number, file in enumerate(files)]
        patterns = tuple(glob.escape(file.address) if not file.remote else file.address for file in shown)
        yield spec.model_copy(update={"files": patterns}), place


def _excerpt(file: SourceFile, spec: InputSpec, folder: Path, *, rows: int) -> SourceFile:
    """The file, or an excerpt of it where it is much longer than that many rows."""
    kind = spec.format_of(file.label)
    if file.remote or is_compressed(file.label) or spec.encoding == "utf-16" or kind == "excel":
        return file
    folder.mkdir()
    target = folder / Path(file.address).name
    done = _of_parquet(file, target, rows=rows) if kind == "parquet" else _of_lines(file, kind, target, rows=rows)
    return replace(file, address=target.as_posix()) if done else file


def _of_parquet(file: SourceFile, target: Path, *, rows: int) -> bool:
    with duckdb.connect() as connection:
        try:
            (total,) = first_row(connection, f"select count(*) from read_parquet({text(file.address)})")  # noqa: S608  # a quoted text
        except duckdb.Error:
            return False  # its reader says what is wrong with it
        part = rows // _PARTS
        if total <= rows or not part:
            return False
        starts = (0, (total - part) // 2, total - part)
        taken = " or ".join(f"file_row_number between {start} and {start + part - 1}" for start in starts)
        connection.execute(
            f"copy (select * exclude (file_row_number) from read_parquet({text(file.address)}, file_row_number = true) "  # noqa: S608  # as above
            f"where {taken}) to {text(target.as_posix())} (format parquet)"
        )
    return True


def _of_lines(file: SourceFile, kind: str, target: Path, *, rows: int) -> bool:
    size, part = Path(file.address).stat().st_size, rows // _PARTS
    if not part:
        return False
    with Path(file.address).open("rb") as stream, target.open("wb") as out:
        header = stream.readline() if kind == "csv" else b""
        begin = stream.tell()
        head = _lines(stream, part)
        length = sum(map(len, head))
        if begin + _PARTS * length >= size or len(head) < part:
            return False
        out.write(header)
        out.writelines(head)
        _seek_line(stream, begin + (size - begin - length) // 2)
        out.writelines(_lines(stream, part))
        _seek_line(stream, max(stream.tell(), size - 2 * length))
        out.writelines(deque(_lines(stream), maxlen=part))
    return True


def _seek_line(stream: BinaryIO, place: int) -> None:
    """Go to the first line that begins at or after a place."""
    stream.seek(place - 1)
    stream.readline()


def _lines(stream: BinaryIO, most: int | None = None) -> list[bytes]:
    """The next lines, so many at most; the last of a file may lack its end."""
    return [line if line.endswith(b"\n") else line + b"\n" for line in islice(stream, most)]
