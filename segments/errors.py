"""Failures of turning scores into segments."""

from collections.abc import Sequence

from data_contracts.errors import DataBlockedError, UsageError


class SegmentColumnsMissingError(DataBlockedError):
    """A frame handed to the segments lacks columns they are made of."""

    def __init__(self, *, frame: str, missing: Sequence[str], there: Sequence[str]) -> None:
        super().__init__(
            f"the frame of {frame} lacks columns the segments are made of",
            where=frame,
            got=", ".join(there) or "no columns",
            expected=", ".join(missing),
            action="hand over the missing columns, or name the columns that stand for them",
        )


class SegmentKeyRepeatedError(DataBlockedError):
    """A frame has several rows for one key (or a row without one), so a join would multiply customers."""

    def __init__(self, *, frame: str, key: Sequence[str], rows: int) -> None:
        super().__init__(
            f"the frame of {frame} does not have one row a key",
            where=f"{frame} ({', '.join(key)})",
            got=f"{rows} rows with a repeated or empty key",
            expected="every key once, none of it empty",
            action="look at the step that made the frame",
        )


class ScoreNotUsableError(DataBlockedError):
    """A score is NaN, infinite or outside what it can mean."""

    def __init__(self, *, frame: str, column: str, rows: int, expected: str) -> None:
        super().__init__(
            f"{frame} has scores that can't be true",
            where=f"{frame}.{column}",
            got=f"{rows} rows",
            expected=expected,
            action="look at the model that made them; nothing was published",
        )


class PhraseTemplateError(UsageError):
    """A phrase is no plain text with feature names in braces."""

    def __init__(self, *, template: str, reason: str) -> None:
        super().__init__(
            "a phrase can't be read",
            where=repr(template),
            got=reason,
            expected="text with the names of features in braces, e.g. last ordered {days_since_last_order} days ago",
            action="correct the phrase",
        )


class PolicyIncompleteError(UsageError):
    """The policy has cells without an action, or actions for cells that do not exist."""

    def __init__(self, *, missing: Sequence[str], unknown: Sequence[str]) -> None:
        found = [f"no action for {', '.join(missing)}"] if missing else []
        found += [f"no such cell: {', '.join(unknown)}"] if unknown else []
        super().__init__(
            "the policy does not say, for every kind of customer, what to do",
            where="policy",
            got="; ".join(found),
            expected="one action a cell of customer status, value tier and churn risk band",
            action="complete the policy",
        )


class ThresholdsInvalidError(UsageError):
    """Thresholds that do not cut customers into the bands or tiers they name."""

    def __init__(self, *, name: str, got: str, expected: str) -> None:
        super().__init__(
            f"{name} can't be used", where=name, got=got, expected=expected, action="correct the thresholds"
        )


class SnapshotMismatchError(DataBlockedError):
    """The features describe customers on another date than the run publishes for."""

    def __init__(self, *, got: str, expected: str, rows: int) -> None:
        super().__init__(
            "the features are of another date than the run",
            where="features.snapshot_date",
            got=f"{got} (and {rows - 1} more rows)" if rows > 1 else got,
            expected=expected,
            action="build the features for the date of the run",
        )


class RulesClashError(UsageError):
    """Rules of the decisions that no choice can keep together."""

    def __init__(self, *, clashing: Sequence[str], missed: str) -> None:
        self.clashing = list(clashing)
        others = "; ".join(name for name in clashing if name != missed)
        super().__init__(
            "no choice can keep these rules together" if others else "a rule asks for more than there is",
            where="decisions",
            got=f"{missed}, against: {others}" if others else f"{missed}: not so many customers may get it",
            expected="rules that at least one choice keeps",
            action="lower the minimum, or raise one of the others",
        )
