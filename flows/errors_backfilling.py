"""What can be wrong with a range of dates to backfill."""

from datetime import date

from data_contracts.errors import UsageError


class ChampionsOfTheDayError(UsageError):
    """A champion of the day was trained on its day, or it was none."""

    def __init__(self, *, train: str) -> None:
        super().__init__(
            "the champions of the day can't be trained now",
            got=f"--champions of-the-day with --train {train}",
            expected="--train missing or never, which are the same here: dates without a champion then are blocked",
            action="leave --train out, or use --champions today",
        )


class BackfillRangeError(UsageError):
    """The range holds no date."""

    def __init__(self, *, first: date, last: date) -> None:
        super().__init__(
            "the range to backfill is empty",
            got=f"from {first.isoformat()} to {last.isoformat()}",
            expected="a first date that is not after the last",
            action="swap --from and --to",
        )
