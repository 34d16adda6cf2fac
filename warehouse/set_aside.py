"""Frames whose bytes lie in a file that is mapped into memory: the system takes their room back when it needs it.

Belongs here: writing and mapping them. Does not: what is worth it (frames as large as all customers, kept while other
steps work).

The form is Arrow's, uncompressed, so that nothing is copied or unpacked: a mapped frame is read like any other.
"""

from pathlib import Path
from uuid import uuid4

import polars as pl

from warehouse.shortages import room_expected


def write_mappable(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame so that `mapped` can map it; in one step, so that nobody finds half a file.

    Raises:
        NoRoomLeftError: the disk is full.
    """
    writing = path.with_name(f".{path.name}.{uuid4().hex}.writing")
    with room_expected("set rows aside", where=str(path.parent)):
        frame.write_ipc(writing, compression="uncompressed", record_batch_size=max(frame.height, 1))
        writing.replace(path)


def mapped(path: Path) -> pl.DataFrame:
    """The frame in a file of `write_mappable`, mapped; the file may go while the frame is used."""
    import pyarrow as pa  # noqa: PLC0415 heavy

    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
        found = pl.from_arrow(reader.read_all(), rechunk=False)
    if not isinstance(found, pl.DataFrame):
        raise TypeError(f"{path} holds no table")
    return found


def set_aside(frame: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """The same frame, mapped from a file of a folder that is out of sight at once: its room goes with the frame."""
    path = folder / f"{uuid4().hex}.arrow"
    write_mappable(frame, path)
    try:
        return mapped(path)
    finally:
        path.unlink()
