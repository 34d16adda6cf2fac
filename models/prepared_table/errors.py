"""Failures of training on, and scoring, a prepared table."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from data_contracts.errors import DataBlockedError, UsageError


class TableColumnUnknownError(UsageError):
    """A column that the command names is not in the table."""

    def __init__(self, *, option: str, column: str, there: Sequence[str]) -> None:
        super().__init__(
            "the table has no such column",
            where=option,
            got=column,
            expected="one of: " + ", ".join(there),
            action=f"did you mean {close!r}?" if (close := close_to(column, there)) else f"correct {option}",
        )


class LabelUnreadableError(UsageError):
    """The label column does not say yes or no."""

    def __init__(self, *, column: str, got: str, expected: str, action: str) -> None:
        super().__init__(
            "the label can't be read as happened or not", where=column, got=got, expected=expected, action=action
        )


class LabelDegenerateError(DataBlockedError):
    """Too few rows of one kind: nothing could be learnt, or graded."""

    def __init__(self, *, column: str, ones: int, zeros: int, needs: int) -> None:
        super().__init__(
            "training refused: the label has too few rows of one kind",
            where=column,
            got=f"{ones} rows where it happened, {zeros} where it did not",
            expected=f"at least {needs} of each",
            action="bring more rows, or name another label",
        )


class CustomersTooFewError(DataBlockedError):
    """Rows of so few customers that a part to learn from has one of them, or one outcome, only."""

    def __init__(self, *, customers: int, known: int, outcomes: int) -> None:
        super().__init__(
            "training refused: the rows are of too few customers",
            where="--id",
            got=f"customers: {customers}; in a part to learn from: {known}, outcomes in it: {outcomes}",
            expected="at least 2 customers, and in folds both outcomes, in every part to learn from",
            action="name a column that tells customers apart, or leave --id out: then each row counts as one",
        )


class LabelGivenAwayError(DataBlockedError):
    """Columns that know the outcome: a model trained on them would look perfect and be useless."""

    def __init__(self, *, label: str, leaks: Mapping[str, str]) -> None:
        self.columns = list(leaks)
        drops = " ".join(f"--drop {_quoted(name)}" for name in leaks)
        super().__init__(
            f"too good to be true: {len(leaks)} column{'s give' if len(leaks) > 1 else ' gives'} the label away",
            where=label,
            got="; ".join(f"{name}: {how}" for name, how in leaks.items()),
            expected="columns that were known before the outcome",
            action=f"train without: {drops}; a column that really was known before: --keep COLUMN",
        )


class NothingToLearnFromError(DataBlockedError):
    """No column is left after those that can't be used were left out."""

    def __init__(self, *, left_out: Mapping[str, str]) -> None:
        super().__init__(
            "the table has no column to learn from",
            got="; ".join(f"{name}: {why}" for name, why in left_out.items()) or "no other columns",
            expected="at least one column beside the id and the label",
            action="bring columns that say something about the customers",
        )


class TimeUnusableError(DataBlockedError):
    """The time column can't split the table into earlier and later rows."""

    def __init__(self, *, column: str, got: str) -> None:
        super().__init__(
            "the rows can't be split in time",
            where=column,
            got=got,
            expected="dates, times or numbers without gaps, with at least as many different ones as --folds",
            action="correct the column, or leave --time out: then rows are split by chance",
        )


def close_to(name: str, there: Iterable[str]) -> str | None:
    """The column whose name is most like one that is not there, upper and lower case alike; None where none is."""
    folded = {one.casefold(): one for one in there}
    found = get_close_matches(name.casefold(), folded, n=1)
    return folded[found[0]] if found else None


def _quoted(name: str) -> str:
    return name if name.replace("_", "").isalnum() else f'"{name}"'
