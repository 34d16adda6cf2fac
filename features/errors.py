"""Failures of asking for features: each built from facts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

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


class ColumnTypesError(DataBlockedError):
    """Columns of a core frame have other types than their contract says."""

    def __init__(self, *, entity: str, odd: Mapping[str, str], expected: Mapping[str, str]) -> None:
        super().__init__(
            f"the core frame `{entity}` has columns of the wrong type",
            where=entity,
            got=", ".join(f"{name}: {odd[name]}" for name in sorted(odd)),
            expected=", ".join(f"{name}: {expected[name]}" for name in sorted(expected)),
            action="build features from core frames as ingestion writes them (instants in UTC, money in minor units)",
        )


class RecordsDoubledError(DataBlockedError):
    """A core frame has two records of one thing in force at once."""

    def __init__(self, *, entity: str, key: Sequence[str], rows: int, snapshot: date) -> None:
        super().__init__(
            f"the core frame `{entity}` has several records of one {' and '.join(key)} in force at once",
            where=entity,
            got=f"{rows:,} rows that share their key as of {snapshot.isoformat()}",
            expected="one version of each in force at a time",
            action="build features from core frames as ingestion writes them: it supersedes the version before",
        )
