"""What can be missing for an export."""

from data_contracts.errors import DataBlockedError


class NothingPublishedError(DataBlockedError):
    """There is no published version to export from."""

    def __init__(self) -> None:
        super().__init__(
            "nothing is published yet: there is no list to export",
            got="no published version in the ledger",
            expected="at least one night",
            action="run `gristmill run` first",
        )
