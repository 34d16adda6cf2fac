"""What can be wrong with a review that is asked for."""

from collections.abc import Sequence
from datetime import date

from data_contracts.errors import DataBlockedError, UsageError


class NothingToReviewError(DataBlockedError):
    """There is no published version to hold anything against."""

    def __init__(self) -> None:
        super().__init__(
            "nothing is published yet: there is nothing to review",
            got="no published version in the ledger",
            expected="at least one night",
            action="run `gristmill run` first",
        )


class ReviewNotKeptError(UsageError):
    """The date asked for is not published, or its tables are not kept any more."""

    def __init__(self, *, as_of: date | None, kept: Sequence[date]) -> None:
        super().__init__(
            "there are no tables of that date to review",
            got=str(as_of) if as_of else "no standing version",
            expected=f"one of: {', '.join(map(str, kept[-10:]))}" if kept else "a published version that is kept",
            action="choose a kept date (`gristmill history`), or publish it: `gristmill score --as-of DATE`",
        )


class DriftNotKeptError(UsageError):
    """Of the night asked for no drift is kept."""

    def __init__(self, *, night: date, kept: Sequence[date]) -> None:
        super().__init__(
            "no drift of that night is kept",
            got=str(night),
            expected=f"one of: {', '.join(map(str, kept[-10:]))}",
            action="choose one of these nights, or leave --night out for the newest",
        )


class ReviewUnwritableError(UsageError):
    """The page can't be written where it was asked to be."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            "the review can't be written",
            where=path,
            got=reason,
            expected="a file in a folder that may be written to",
            action="choose another place with --out",
        )
