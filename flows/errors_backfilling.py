"""What can be wrong with a range of dates to backfill."""

from datetime import date

from data_contracts.errors import UsageError


class BackfillRangeError(UsageError):
    """The range holds no date."""

    def __init__(self, *, first: date, last: date) -> None:
        super().__init__(
            "the range to backfill is empty",
            got=f"from {first.isoformat()} to {last.isoformat()}",
            expected="a first date that is not after the last",
            action="swap --from and --to",
        )
