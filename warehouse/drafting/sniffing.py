"""What kind of file somebody points at: the input that reads it.

Belongs here: delimiter, quote and encoding of CSV files, names of inputs. Does not: reading rows (`sources/inputs.py`).
"""

import codecs
import glob
import gzip
import os
import zlib
from collections.abc import Container
from itertools import chain, count, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from data_contracts.inputs import COMPRESSED_SUFFIX, FORMAT_OF_SUFFIX, InputSpec, is_compressed, is_url
from data_contracts.sql import first_row, text
from warehouse.drafting.names import words_of

_LOOKED_AT_BYTES = 1 << 20
WINDOWS = "windows-1252"


def input_of_file(pattern: str, data_root: Path, *, sheet: str | None = None) -> InputSpec:
    """The input that reads a file, a glob or a URL; of a local CSV file also how it is written.

    Raises:
        ValidationError: its ending says nothing of its format.
    """
    given = pattern if is_url(pattern) else _relative(Path(pattern), data_root)
    spec = InputSpec.model_validate({"files": given} | ({"sheet": sheet} if sheet is not None else {}))
    file = data_root / given
    if is_url(pattern) or spec.format_of(given) != "csv" or not file.is_file():
        return spec
    return spec.model_copy(update=_dialect(file))


def inputs_of_folder(folder: Path, data_root: Path) -> dict[str, InputSpec]:
    """An input for each file of a folder that can be read, by name; files with equal columns are one input together."""
    together: dict[object, list[Path]] = {}
    for file in sorted(each for each in folder.iterdir() if each.is_file()):
        if file.name.removesuffix(COMPRESSED_SUFFIX).lower().endswith(tuple(FORMAT_OF_SUFFIX)) and file.name[0] != ".":
            together.setdefault(_columns(file) or file, []).append(file)
    inputs: dict[str, InputSpec] = {}
    for files in together.values():
        name = _free(name_of_input(files[0].name) if len(files) == 1 else _common_name(files), inputs)
        spec = input_of_file(str(files[0]), data_root)
        inputs[name] = spec.model_copy(update={"files": tuple(_relative(each, data_root) for each in _patterns(files))})
    return inputs


def _patterns(files: list[Path]) -> list[Path]:
    """Several files as globs, so that next month's is read too; as they are where globs would mean others as well."""
    if len(files) == 1:
        return files
    folder, begin = files[0].parent, _common_start(files)
    endings = sorted({file.name[len(_unpacked(file).stem) :] for file in files})
    globs = [f"{glob.escape(begin)}*{ending}" for ending in endings]
    matched = {file for each in globs for file in folder.glob(each) if file.is_file()}
    return [folder / each for each in globs] if matched == set(files) else files


def _columns(file: Path) -> tuple[str, ...]:
    """The first line of a CSV file, packed or not, as its columns; nothing of other files."""
    suffix = _unpacked(file).suffix.lower()
    header = _head(file).split(b"\n", maxsplit=1)[0] if FORMAT_OF_SUFFIX[suffix] == "csv" else b""
    return (suffix, header.decode(errors="replace").strip()) if header else ()


def _unpacked(file: Path) -> Path:
    """The file's name without the ending that says it is packed."""
    return file.with_suffix("") if is_compressed(file.name) else file


def _head(file: Path) -> bytes:
    """The first bytes of a file, of a packed one unpacked; of one that can't be unpacked none."""
    try:
        with gzip.open(file) if is_compressed(file.name) else file.open("rb") as stream:
            return stream.read(_LOOKED_AT_BYTES)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return b""  # its reader says what is wrong with it


def _common_name(files: list[Path]) -> str:
    """The name of an input of several files: what theirs begin with, else after their folder."""
    return name_of_input(_common_start(files) or f"{files[0].parent.name} files")


def _common_start(files: list[Path]) -> str:
    """What the names of several files begin with, without numbers at its end: next year's are others."""
    first, last = min(file.stem for file in files), max(file.stem for file in files)
    same = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    return same.rstrip("-_ .0123456789")


def _free(name: str, taken: Container[str]) -> str:
    return next(each for each in chain([name], (f"{name}_{number}" for number in count(2))) if each not in taken)


def name_of_input(pattern: str) -> str:
    """A plain name for an input, from that of its file or table; from its folder's where the file's is all pattern."""
    parts = pattern.split("?", maxsplit=1)[0].rstrip("/").split("/")
    name = _plain_name(parts[-1])
    if not name and len(parts) > 1:
        name = _plain_name(parts[-2])
    return name if name and name[0].isalpha() else f"input_{name}".rstrip("_")


def _plain_name(stem: str) -> str:
    stem = stem.removesuffix(COMPRESSED_SUFFIX)
    suffix = Path(stem).suffix
    stem = stem.removesuffix(suffix) if suffix.lower() in FORMAT_OF_SUFFIX else stem.rsplit(".", maxsplit=1)[-1]
    return "_".join(words_of(stem))


def _relative(path: Path, data_root: Path) -> str:
    absolute = Path(os.path.normpath(path.absolute()))
    return (absolute.relative_to(data_root) if absolute.is_relative_to(data_root) else absolute).as_posix()


def _dialect(file: Path) -> dict[str, str]:
    """What differs from a usual CSV file: encoding, delimiter, quote."""
    head = _head(file)
    encoding = _encoding_of(head)
    found = {} if encoding == "utf-8" else {"encoding": encoding}
    with TemporaryDirectory(prefix="gristmill-") as folder:
        shown, read_as = file, encoding
        if encoding == WINDOWS:  # DuckDB can't read it
            shown, read_as = Path(folder) / _unpacked(file).name, "utf-8"
            shown.write_text(head.decode(encoding, "replace"), encoding="utf-8", newline="")
        delimiter, quote = _sniffed(shown, read_as)
    usual = "\t" if _unpacked(file).suffix.lower() == ".tsv" else ","
    found |= {"delimiter": delimiter} if delimiter and delimiter != usual else {}
    return found | ({"quote": quote} if quote and len(quote) == 1 and quote not in ('"', "\x00") else {})


def _encoding_of(head: bytes) -> str:
    """How text is written; what is not Unicode is taken for Windows' set, which has all that Latin-1 can print."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return WINDOWS
    return "utf-8"


def _sniffed(file: Path, encoding: str) -> tuple[str, str]:
    """Delimiter and quote of a CSV file, as DuckDB finds them; empty where it finds none."""
    try:
        with duckdb.connect() as connection:
            delimiter, quote = first_row(
                connection,
                f"select Delimiter, Quote from sniff_csv({text(file.as_posix())}, encoding = {text(encoding)}, "  # noqa: S608  # quoted
                "all_varchar = true)",
            )
    except duckdb.Error:
        return "", ""
    return delimiter, quote
