"""Failures of asking for features: each built from facts."""

from collections.abc import Collection

from data_contracts.errors import DataBlockedError, UsageError


class NoSnapshotsError(UsageError):
    """Features were asked for as of no date at all."""

    def __init__(self) -> None:
        super().__init__(
            "features need at least one snapshot date",
            got="an empty list of snapshots",
            expected="one or more business dates",
            action="pass the dates the features should be as of",
        )


class UnknownEntityError(UsageError):
    """An entity or column was named that no feature is made of."""

    def __init__(self, *, unknown: Collection[str], known: Collection[str]) -> None:
        super().__init__(
            "no feature is made of what was named",
            got=", ".join(sorted(unknown)),
            expected="some of " + ", ".join(sorted(known)),
            action="name core entities, or columns of them as entity.column",
        )


class ColumnsMissingError(DataBlockedError):
    """A core frame lacks columns that features are made of."""

    def __init__(self, *, entity: str, missing: Collection[str], present: Collection[str]) -> None:
        super().__init__(
            f"the core frame `{entity}` lacks columns that features are made of",
            where=entity,
            got="columns " + ", ".join(sorted(present)),
            expected="also " + ", ".join(sorted(missing)),
            action="build features from core frames as ingestion writes them (optional columns exist, as nulls)",
        )
