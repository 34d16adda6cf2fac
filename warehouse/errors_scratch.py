"""Failures of a load for want of memory or of room on the disk."""

from pathlib import Path

from data_contracts.errors import DataBlockedError, DependencyDownError

_GIGABYTE = 10**9


class ScratchRoomError(DependencyDownError):
    """There is not enough room to begin."""

    def __init__(self, *, folder: Path, free_bytes: int, needed_bytes: int) -> None:
        super().__init__(
            "there is too little room on the disk to load these files: nothing was begun",
            where=str(folder),
            got=f"{free_bytes / _GIGABYTE:,.1f} GB free",
            expected=f"{needed_bytes / _GIGABYTE:,.1f} GB, by the size of the files",
            action="make room, or set paths.scratch to a folder on a larger disk",
        )


class ScratchFullError(DependencyDownError):
    """The disk was full before the load was done."""

    def __init__(self, *, folder: Path, free_bytes: int) -> None:
        super().__init__(
            "the disk is full: the load was given up, the last one stays",
            where=f"{folder}, or where the lake lies",
            got=f"{free_bytes / _GIGABYTE:,.1f} GB free",
            expected="room for what a load works on and for the new version of the core",
            action="make room, or set paths.scratch to a folder on a larger disk",
        )


class MemoryShortError(DataBlockedError):
    """A step of a load can't be done in the memory it may take."""

    def __init__(self, *, memory_gigabytes: float, folder: Path) -> None:
        super().__init__(
            "the load does not fit its memory, although it spills to disk: it was given up, the last one stays",
            where=f"compute.memory_gigabytes, spilling to {folder}",
            got=f"{memory_gigabytes:g} GB allowed",
            expected="more",
            action='raise compute.memory_gigabytes, or load the files in parts (an input with load = "incremental")',
        )
