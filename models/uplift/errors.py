"""Failures of learning what a treatment changes."""

from collections.abc import Iterable

from data_contracts.errors import DataBlockedError, UsageError


class ControlGroupUnknownError(UsageError):
    """It is not clear which value of the treatment column means that nothing was done."""

    def __init__(self, *, column: str, values: Iterable[str], asked: str | None) -> None:
        super().__init__(
            "it is not clear who was not treated",
            where=column,
            got=f"--control {asked}" if asked else "values: " + ", ".join(values),
            expected="one value that means no treatment" + (": " + ", ".join(values) if asked else ""),
            action="name it: --control VALUE",
        )


class TreatmentUnusableError(DataBlockedError):
    """The treatment column can't be a trial's: one value, or so many that it is none."""

    def __init__(self, *, column: str, got: str, needs: int) -> None:
        super().__init__(
            "there is no trial in the table",
            where=column,
            got=got,
            expected=f"a control group and at least one treatment, with {needs} rows or more each",
            action="name another treatment column, or bring a table with a group that was left alone",
        )


class OutcomeUnusableError(DataBlockedError):
    """The outcome says nothing: no numbers, or (almost) always the same."""

    def __init__(self, *, column: str, got: str, expected: str) -> None:
        super().__init__(
            "the outcome can't be learnt from",
            where=column,
            got=got,
            expected=expected,
            action="name another outcome, or bring more rows",
        )


class PropensityUnusableError(DataBlockedError):
    """Logged propensities that can't have been."""

    def __init__(self, *, column: str, rows: int) -> None:
        super().__init__(
            "logged propensities that can't have been",
            where=column,
            got=f"{rows:,} rows with none, with 0 or less, or with more than 1",
            expected="for every row the probability with which it got what it got, above 0 and at most 1",
            action="correct the column, or leave --propensity out where customers were drawn with equal chances",
        )
