"""Lines of a CSV file that can't be read as rows, told apart from those that can.

Belongs here: the second reading of a file that DuckDB refused, line by line. Does not: the usual reading
(`tables.py`), which is many times faster and comes first, or what becomes of the lines (`unreadable_lines.py`).

Nothing is lost: every line of the file that is not empty is part of a readable row or of an unreadable line. A quote
that is never closed makes its own line unreadable, not those below it.
"""

import gzip
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO, TextIOWrapper
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from data_contracts.inputs import InputSpec, is_compressed
from warehouse.sources.files import SourceFile

MOST = 0.5
"""A share of unreadable lines above which the file is not what the input says, and the load is blocked."""

_LONGEST_ROW_LINES, _LONGEST_ROW_CHARACTERS = 1_000, 1_000_000
_UNREADABLE = "\ufffd"


@dataclass(frozen=True, kw_only=True)
class UnreadableLine:
    """A line that is no row: its place among the rows (counted from 1 below the header), in the file, and its text."""

    row: int
    line: int
    text: str


@dataclass(kw_only=True)
class SplitFile:
    """A CSV file taken apart.

    Attributes:
        readable: a CSV file (UTF-8) of the readable rows, each with its number as one more, last value.
        columns: how many columns the file has.
        rows: rows and unreadable lines.
        unreadable: the lines that are no rows.
    """

    readable: Path
    columns: int = 0
    rows: int = 0
    unreadable: list[UnreadableLine] = field(default_factory=list)

    @property
    def is_hopeless(self) -> bool:
        """Whether most lines can't be read: then the input's delimiter, quote or encoding is wrong, not the lines."""
        return not self.columns or len(self.unreadable) > MOST * self.rows


def delimiter_of(spec: InputSpec, label: str) -> str:
    """What separates the values of a CSV file: as the input says, else a comma, or a tab in a `.tsv` file."""
    return spec.delimiter or ("\t" if ".tsv" in label.lower() else ",")


@contextmanager
def readable_rows(
    spec: InputSpec, file: SourceFile, *, number_column: str, rows: int | None = None
) -> Iterator[SplitFile | None]:
    """A CSV file taken apart into rows that can be read and lines that can't; gone at the end of the block.

    Args:
        spec: how the file is written.
        file: the file, packed or not.
        number_column: what the column of the rows' numbers is called.
        rows: stop after so many rows.

    Yields:
        What it was taken apart into; None where most of it can't be read, or it can't be opened.
    """
    with TemporaryDirectory(prefix="gristmill-") as folder:
        split = SplitFile(readable=Path(folder) / "readable.csv")
        try:
            _split(split, spec, file, number_column=number_column, rows=rows)
        except (OSError, EOFError, UnicodeError):
            yield None
            return
        yield None if split.is_hopeless else split


def _split(split: SplitFile, spec: InputSpec, file: SourceFile, *, number_column: str, rows: int | None) -> None:
    delimiter = delimiter_of(spec, file.label)
    form, lines = _Form(delimiter=delimiter, quote=spec.quote), _Lines(_numbered_lines(file, spec))
    header = next(filter(None, lines), "")
    split.columns = form.values_in(header) or 0 if header else 0
    if not split.columns:
        return
    with split.readable.open("w", encoding="utf-8", newline="") as out:
        out.write(f"{header}{delimiter}{spec.quote}{number_column}{spec.quote}\n")
        for number, text in lines.records(form, split.columns):
            if rows is not None and split.rows >= rows:
                break
            split.rows += 1
            if text is None or not _is_whole(text):
                told = _told(lines.first if text is None else text)
                split.unreadable.append(UnreadableLine(row=split.rows, line=number, text=told))
            else:
                out.write(f"{text}{delimiter}{split.rows}\n")


class _Form:
    """How a row of a CSV file is written."""

    def __init__(self, *, delimiter: str, quote: str) -> None:
        self.delimiter, self.quote = delimiter, quote
        d, q = re.escape(delimiter), re.escape(quote)
        closed = rf" *{q}[^{q}]*(?:{q}{q}[^{q}]*)*{q} *"
        plain = rf"(?! *{q})[^{d}]*" if len(delimiter) == 1 else rf"(?! *{q})(?:(?!{d}).)*"
        self._value = re.compile(f"(?:{closed}|{plain})", re.DOTALL)
        self._open = re.compile(rf" *{q}[^{q}]*(?:{q}{q}[^{q}]*)*", re.DOTALL)

    def values_in(self, text: str) -> int | None:
        """How many values a whole row has; None where it is no row. Text that ends inside quotes is none."""
        if self.quote not in text:
            return text.count(self.delimiter) + 1
        place, count = 0, 0
        while True:
            found = self._value.match(text, place)
            if found is None:
                return None
            count, place = count + 1, found.end()
            if place == len(text):
                return count
            if not text.startswith(self.delimiter, place):
                return None
            place += len(self.delimiter)

    def is_open(self, text: str) -> bool:
        """Whether text ends inside a quoted value that more lines could close."""
        place = 0
        while True:
            found = self._value.match(text, place)
            if found is None:
                unclosed = self._open.fullmatch(text, place)
                return unclosed is not None
            place = found.end()
            if not text.startswith(self.delimiter, place):
                return False
            place += len(self.delimiter)


class _Lines:
    """A file's numbered lines without their ends; lines can be put back."""

    def __init__(self, lines: Iterable[tuple[int, str]]) -> None:
        self._lines = iter(lines)
        self._number, self._end = 0, ""
        self.first = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self._number, line = next(self._lines)
        text = line.rstrip("\r\n")
        self._end = line[len(text) :]
        return text

    def records(self, form: _Form, columns: int) -> Iterator[tuple[int, str | None]]:
        """Each row as (its first line's number, its text), a line that is no row as (its number, None).

        The latter's text is in `first`. Empty lines between rows are passed over.
        """
        for text in filter(None, self):
            number, self.first = self._number, text
            if form.values_in(text) == columns:
                yield number, text
            elif form.quote in text and form.is_open(text):
                yield number, self._continued(text, form, columns)
            else:
                yield number, None

    def _continued(self, text: str, form: _Form, columns: int) -> str | None:
        """A row whose quotes close on a later line; where they don't, the later lines are read again, as their own."""
        taken: list[tuple[int, str]] = []
        end = self._end
        for more in self:
            taken.append((self._number, more + self._end))
            text, end = f"{text}{end}{more}", self._end
            if not form.is_open(text):
                if form.values_in(text) == columns:
                    return text
                break
            if len(taken) >= _LONGEST_ROW_LINES or len(text) > _LONGEST_ROW_CHARACTERS:
                break
        self._lines = chain(taken, self._lines)
        return None


@contextmanager
def in_utf8(spec: InputSpec, file: SourceFile) -> Iterator[Path]:
    """A CSV file whose encoding DuckDB can't read, unpacked and as UTF-8; gone at the end of the block.

    Raises:
        UnicodeDecodeError: bytes in it are no text in its encoding.
    """
    with TemporaryDirectory(prefix="gristmill-") as folder:
        readable = Path(folder) / "in_utf8.csv"
        with _unpacked(file) as stream, readable.open("w", encoding="utf-8", newline="") as out:
            shutil.copyfileobj(TextIOWrapper(stream, encoding=spec.encoding, newline=""), out)
        yield readable


def _numbered_lines(file: SourceFile, spec: InputSpec) -> Iterator[tuple[int, str]]:
    """A file's lines, unpacked, from 1; bytes that are no text in its encoding become surrogates."""
    encoding = "utf-8-sig" if spec.encoding == "utf-8" else spec.encoding
    with _unpacked(file) as stream:
        yield from enumerate(TextIOWrapper(stream, encoding=encoding, errors="surrogateescape", newline=""), start=1)


@contextmanager
def _unpacked(file: SourceFile) -> Iterator[Any]:
    """A file's bytes."""
    with ExitStack() as opened:
        stream: Any = BytesIO(file.read_bytes()) if file.remote else opened.enter_context(Path(file.address).open("rb"))
        yield opened.enter_context(gzip.open(stream)) if is_compressed(file.label) else stream


def _is_whole(text: str) -> bool:
    """Whether every byte was text in the file's encoding."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text) if not text.isascii() else True


def _told(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\x00", _UNREADABLE)
