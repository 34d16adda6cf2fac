"""What can be wrong with what was asked of features."""

from datetime import date

from data_contracts.errors import DataBlockedError, UsageError


class CustomerUnknownError(UsageError):
    """No row of the last load is about that customer."""

    def __init__(self, *, load_id: str) -> None:
        super().__init__(
            "there is no such customer",
            where=f"the load {load_id}",
            got="a customer_id that no row has",
            expected="a customer_id of the core tables: text, byte for byte (007 is not 7)",
            action="correct it, or load the customer's rows",
        )


class CustomerWithoutFeaturesError(UsageError):
    """The customer has rows, but features are of who has bought or subscribed before the date."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            "that customer has no features as of that date",
            got=f"no purchase and no subscription known before {as_of.isoformat()}",
            expected="at least one: features are of who has bought or subscribed before the date",
            action="choose a later --as-of",
        )


class StoredFeaturesUnreadableError(DataBlockedError):
    """A night's feature file is there, but is no whole Parquet file."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            "a stored feature file can't be read",
            where=path,
            got=reason,
            expected="a whole Parquet file, as `gristmill score` writes it",
            action="score that date again with --force, or remove the file's folder",
        )
