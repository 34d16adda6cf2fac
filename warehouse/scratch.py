"""Where a load works, and with how much memory: a private folder that goes when it is over, DuckDB's limit, free room.

Belongs here: the limits, and what is said where they are not enough. Does not: what a load does in between.

DuckDB keeps a load's tables in a file of the folder and spills there what exceeds its memory. A larger load is then
slower, not larger in memory; where it can't be done, it fails with what to change.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from data_contracts.inputs import InputSpec, is_compressed
from warehouse.errors_scratch import MemoryShortError, ScratchFullError, ScratchRoomError
from warehouse.shortages import is_no_room
from warehouse.sources.files import SourcePlace, find_files

_OF_OTHERS_GIGABYTES = 0.8
"""What Python, its libraries and DuckDB's own buffers outside its limit were seen to take."""
_LEAST_GIGABYTES = 0.2
_ROOM_OF_TEXT, _ROOM_OF_PACKED = 2.0, 6.0
"""Bytes of the folder for each byte of an input, spilled sorts included; compressed files and Parquet grow."""


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """Where a load works.

    Attributes:
        folder: an existing or new folder with room; None for the system's temporary folder.
        memory_gigabytes: what the whole process may take, roughly (10^9 bytes).
    """

    folder: Path | None = None
    memory_gigabytes: float = 4.0

    @property
    def memory_limit(self) -> str:
        """DuckDB's share of the memory, as DuckDB writes it."""
        return f"{max(self.memory_gigabytes - _OF_OTHERS_GIGABYTES, _LEAST_GIGABYTES) * 1000:.0f}MB"


@contextmanager
def scratch_folder(scratch: Scratch, *, room_bytes: int = 0) -> Iterator[Path]:
    """A private folder for one load, removed at the end.

    Args:
        scratch: where, and how much memory.
        room_bytes: what has to be free there before anything is begun.

    Raises:
        ScratchRoomError: there is less room than that.
        ScratchFullError: the disk was full on the way.
        MemoryShortError: a step can't be done in so little memory, not even by spilling.
    """
    base = scratch.folder or Path(tempfile.gettempdir())
    base.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(base).free
    if free < room_bytes:
        raise ScratchRoomError(folder=base, free_bytes=free, needed_bytes=room_bytes)
    with tempfile.TemporaryDirectory(prefix="gristmill-", dir=base) as folder:
        try:
            yield Path(folder)
        except duckdb.OutOfMemoryException:
            raise MemoryShortError(memory_gigabytes=scratch.memory_gigabytes, folder=base) from None
        except (duckdb.IOException, OSError) as failure:
            if not is_shortage(failure):
                raise
            raise ScratchFullError(folder=base, free_bytes=shutil.disk_usage(base).free) from None


def room_needed(inputs: Mapping[str, InputSpec], place: SourcePlace) -> int:
    """Bytes that loading these inputs may take in the scratch folder, as far as they are files of this machine.

    Raises:
        SourceFileMissingError: an input has no file.
    """
    room = 0.0
    for name, spec in inputs.items():
        if spec.database is not None:
            continue
        for file in find_files(name, spec, place.data_root):
            if not file.remote:
                is_text = spec.format_of(file.label) in ("csv", "jsonl") and not is_compressed(file.label)
                room += Path(file.address).stat().st_size * (_ROOM_OF_TEXT if is_text else _ROOM_OF_PACKED)
    return int(room)


def is_shortage(failure: Exception) -> bool:
    """Whether memory or the disk is to blame, not what was being read."""
    if isinstance(failure, duckdb.OutOfMemoryException):
        return True
    return is_no_room(failure)
