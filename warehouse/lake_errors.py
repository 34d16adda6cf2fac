"""What can be wrong with the lake."""

from data_contracts.errors import DataBlockedError


class LoadMissingError(DataBlockedError):
    """A load that the ledger knows is not in the lake."""

    def __init__(self, *, load_id: str, folder: str) -> None:
        super().__init__(
            f"the core rows of load {load_id} are not in the lake",
            where=folder,
            got="no complete folder",
            expected="the files written when that load was recorded",
            action="run `gristmill ingest --force` to load the sources again",
        )


class CoreFileDamagedError(DataBlockedError):
    """A file of a load is missing, cut short, or no Parquet file."""

    def __init__(self, *, path: str, got: str) -> None:
        super().__init__(
            "a file with core rows can't be read; what is published stays",
            where=path,
            got=got,
            expected="the whole Parquet file that ingestion wrote",
            action="restore it from a backup, or run `gristmill ingest --force` to load the sources again",
        )
