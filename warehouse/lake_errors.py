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
