"""Failures of finding out which records are one customer."""

from collections.abc import Sequence

from data_contracts.errors import UsageError

LISTED_NAMES = 40


class CountryUnknownError(UsageError):
    """Phone numbers can't be read without knowing the country's numbering."""

    def __init__(self, *, country: str) -> None:
        super().__init__(
            "there is no such country in the numbering plans of phone numbers",
            where="identity.country",
            got=f'"{country}"',
            expected='a region of ISO 3166 such as "GB"',
            action="correct the setting",
        )


class IdentityColumnMissingError(UsageError):
    """The settings name a column that no record of customers has."""

    def __init__(self, *, setting: str, column: str, present: Sequence[str]) -> None:
        super().__init__(
            "the settings on identities name a column that customers do not have",
            where=setting,
            got=f'"{column}"',
            expected=f"one of: {', '.join(present[:LISTED_NAMES])}",
            action="correct the name, map the column, or let its source keep it (keep = [...])",
        )


class SplinkMissingError(UsageError):
    """Probabilistic matching is switched on, and its library is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "probabilistic matching needs Splink, which is not installed",
            where="identity.probabilistic.enabled",
            expected="the extra `identity`",
            action="install it (pip install 'gristmill[identity]'), or set enabled = false",
        )


class CustomerUnknownError(UsageError):
    """No record has that id."""

    def __init__(self, *, customer: str) -> None:
        super().__init__(
            "the last load knows no customer record with that id",
            got=f'"{customer}"',
            expected="an id as it stands in the core tables, id space included (crm:123)",
            action="look for it in the source, or load it first",
        )


class IdentitiesMissingError(UsageError):
    """There is nothing to look at yet."""

    def __init__(self, *, where: str, loaded: bool) -> None:
        super().__init__(
            "the last load joins no records of customers" if loaded else "nothing has been loaded yet",
            where=where,
            expected="a load for which the settings say when records are one customer",
            action="say so in [identity] (docs/identities.md) and run `gristmill ingest`"
            if loaded
            else "run `gristmill ingest` first",
        )
