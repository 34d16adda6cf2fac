"""The files of an input, wherever they lie: found, named, fingerprinted.

Belongs here: paths, globs and URLs of object stores (through fsspec). Does not: what is in the files (`inputs.py`,
`excel.py`), or databases (`databases.py`).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import duckdb

from data_contracts.inputs import InputSpec, is_url
from warehouse.sources.errors import SourceFileMissingError, SourceStoreDownError, StoreDriverMissingError

_VERSION_OF_A_FILE = (
    "ETag",
    "etag",
    "md5Hash",
    "content_md5",
    "LastModified",
    "last_modified",
    "mtime",
    "created",
    "size",
)
_ON_THE_WEB = ("http", "https")
_LISTED = 8


@dataclass(frozen=True, kw_only=True)
class SourcePlace:
    """Where inputs are looked for.

    Attributes:
        data_root: the folder that the inputs' patterns are relative to.
        environment: by name the environment variables that inputs may name (addresses of databases).
    """

    data_root: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file of an input.

    Attributes:
        address: its path, or its URL.
        label: as people and fingerprints name it: relative to the data folder where it lies in it; a URL without what
            follows its question mark.
        remote: it lies in a store that is reached by its URL.
    """

    address: str
    label: str
    remote: bool = False

    def version(self) -> str:
        """What changes when the file does: the SHA-256 of its bytes, or what the store says of its version."""
        if not self.remote:
            with Path(self.address).open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        with _asking(self.label):
            facts: dict[str, Any] = _store(self.address).info(self.address)
        known = {name: str(facts[name]) for name in _VERSION_OF_A_FILE if facts.get(name) is not None}
        return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()

    def is_empty(self) -> bool:
        """Whether there is not one byte in it (a store that does not say counts as full)."""
        if not self.remote:
            return Path(self.address).stat().st_size == 0
        with _asking(self.label):
            return bool(_store(self.address).info(self.address).get("size") == 0)

    def read_bytes(self) -> bytes:
        """All of it."""
        if not self.remote:
            return Path(self.address).read_bytes()
        with _asking(self.label):
            content: bytes = _store(self.address).cat_file(self.address)
            return content

    def show_to(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let DuckDB read this file's store by URL."""
        if self.remote:
            store = _store(self.address)
            protocols = [store.protocol] if isinstance(store.protocol, str) else list(store.protocol)
            if not set(protocols) & set(connection.list_filesystems()):
                connection.register_filesystem(store)


def find_files(name: str, spec: InputSpec, data_root: Path) -> list[SourceFile]:
    """The files of an input, each once: pattern by pattern, those of one by address, numbers in it as numbers.

    Of rows of one key the order decides which counts, so `day-10.csv` comes after `day-9.csv`.

    Raises:
        SourceFileMissingError: a pattern matches no file; names the full path or URL looked at.
        StoreDriverMissingError: a URL's store needs a package that is not installed.
        SourceStoreDownError: a store did not answer.
    """
    found: dict[str, SourceFile] = {}
    for pattern in spec.files:
        path = _local_path(pattern)
        matched = _remote_files(pattern) if path is None else _local_files(path, data_root)
        if not matched:
            looked_at = _without_query(pattern) if path is None else str((data_root / path).absolute())
            beside = "" if path is None else _what_is_there(data_root / path)
            raise SourceFileMissingError(input_name=name, looked_at=looked_at, beside=beside)
        for file in sorted(matched, key=lambda file: in_order(file.address)):
            found.setdefault(file.address, file)
    return list(found.values())


def in_order(name: str) -> list[tuple[int, str]]:
    """What to sort names of files by: as text, but for runs of digits, which count as the numbers they are."""
    pieces = re.split(r"([0-9]+)", name)
    return [(int(piece), "") if number % 2 else (-1, piece) for number, piece in enumerate(pieces)] + [(-1, name)]


def _local_path(pattern: str) -> Path | None:
    """The path a pattern means; None for a URL of a store."""
    if not is_url(pattern):
        return Path(pattern)
    return Path(url2pathname(urlsplit(pattern).path)) if pattern.lower().startswith("file://") else None


def _local_files(pattern: Path, data_root: Path) -> list[SourceFile]:
    base = Path(pattern.anchor)  # empty for the usual, relative pattern
    matched = (data_root / base).glob(pattern.relative_to(base).as_posix())
    return [
        SourceFile(address=path.as_posix(), label=file_label(path, data_root)) for path in matched if path.is_file()
    ]


def _what_is_there(pattern: Path) -> str:
    """In words, what lies where a pattern looked: the nearest folder that exists, and what it holds."""
    folder = next(each for each in pattern.absolute().parents if each.is_dir())
    found = sorted(each.name + ("/" if each.is_dir() else "") for each in folder.iterdir())
    close = get_close_matches(pattern.name, found, n=1)
    hint = f'; did you mean "{close[0]}"?' if close else ""
    more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return f"the folder {folder} holds {', '.join(found[:_LISTED]) or 'nothing'}{more}{hint}"


def _remote_files(pattern: str) -> list[SourceFile]:
    addresses: list[str] = []
    with _asking(_without_query(pattern)), _nothing_there():
        store = _store(pattern)
        if _protocol(pattern) in _ON_THE_WEB:
            addresses = [pattern] if store.info(pattern) else []
        else:
            addresses = [store.unstrip_protocol(path) for path in store.glob(pattern)]
    return [SourceFile(address=address, label=_without_query(address), remote=True) for address in addresses]


@contextmanager
def _nothing_there() -> Iterator[None]:
    """A missing file is no failure; a web server that can't be reached, which its driver reports alike, is one."""
    try:
        yield
    except FileNotFoundError as missing:
        if missing.__cause__ is not None and not isinstance(missing.__cause__, FileNotFoundError):
            raise missing.__cause__ from None


def file_label(path: Path, data_root: Path) -> str:
    """A path as people and fingerprints name it: relative to the data folder where it lies in it."""
    return (path.relative_to(data_root) if path.is_relative_to(data_root) else path).as_posix()


def _store(url: str) -> Any:  # noqa: ANN401  # fsspec has no types
    protocol = _protocol(url)
    fsspec = import_module("fsspec")
    try:
        return fsspec.filesystem(protocol)
    except ImportError as missing:
        raise StoreDriverMissingError(url=_without_query(url), reason=str(missing)) from None
    except ValueError:
        raise StoreDriverMissingError(url=_without_query(url), reason=f'no store is called "{protocol}"') from None


@contextmanager
def _asking(label: str) -> Iterator[None]:
    """A store's failure, without what it quotes (keys and signatures stand in some messages)."""
    try:
        yield
    except FileNotFoundError:
        raise SourceStoreDownError(url=label, reason="the file is gone") from None
    except StoreDriverMissingError:
        raise
    except Exception as failure:  # noqa: BLE001  # each store's driver has exceptions of its own
        raise SourceStoreDownError(url=label, reason=type(failure).__name__) from None


def _protocol(url: str) -> str:
    return url.split("://", maxsplit=1)[0].lower()


def _without_query(url: str) -> str:
    return url.split("?", maxsplit=1)[0] if _protocol(url) in _ON_THE_WEB else url
