"""What can be wrong with an export."""

from data_contracts.errors import UsageError


class ExportNameRefusedError(UsageError):
    """The audience's name can't become a file's name."""

    def __init__(self, *, name: str, longest: int) -> None:
        super().__init__(
            "this is no name for an audience",
            where="--name",
            got=repr(name[:longest]),
            expected=f"lower-case letters, digits, - and _, at most {longest}, beginning with a letter or digit",
            action="choose another name",
        )


class ExportPlaceRefusedError(UsageError):
    """The place to write to is not a plain file in a plain folder."""

    def __init__(self, *, path: str, problem: str) -> None:
        super().__init__(
            "an export is written to plain files only: a link could lead anywhere",
            where=path,
            got=problem,
            expected="a new or a plain file, in folders that are no links",
            action="choose another place with --out",
        )


class ExportNeedsCustomersError(UsageError):
    """An advertising platform matches people, and the table is not about customers."""

    def __init__(self, *, table: str, profile: str) -> None:
        super().__init__(
            f"the format {profile} is a list of people, and the table has no customers",
            where=f"segments.{table}",
            got="no column customer_id",
            expected="a table with a row a customer",
            action="choose another table, or the format csv or parquet",
        )


class ExportNeedsContactsError(UsageError):
    """An advertising platform matches by addresses or numbers, and the last load has none."""

    def __init__(self, *, profile: str) -> None:
        super().__init__(
            f"the format {profile} needs e-mail addresses or phone numbers, and the last load has none",
            where="customers",
            got="no column email or phone is mapped",
            expected="at least one of them in [sources.…] of customers",
            action="map them and run `gristmill ingest`, or export customer ids with --format csv",
        )
