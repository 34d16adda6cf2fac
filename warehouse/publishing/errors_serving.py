"""Failures of the readers' copy of the published tables."""

from data_contracts.errors import DependencyDownError


class ServingCopyNotWrittenError(DependencyDownError):
    """The night is published, but the file that readers open could not be renewed."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            "the tables are published, but the readers' copy of them could not be renewed: it shows the version before",
            where=path,
            got=reason,
            expected="room for a copy of the published tables, and the right to write it",
            action="make room and run the command again (it renews the copy), or set warehouse.serving_copy = false",
        )
