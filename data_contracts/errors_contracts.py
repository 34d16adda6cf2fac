"""Failures of declaring and checking contracts."""

from collections.abc import Sequence

from data_contracts.errors import DataBlockedError, GristmillError, UsageError


class RuleNamedTwiceError(UsageError):
    """A rule has the name of another rule of its table."""

    def __init__(self, *, entity: str, rule: str) -> None:
        super().__init__(
            "two rules have the same name, so their counts could not be told apart",
            where=f"rules of {entity}",
            got=f'"{rule}" a second time',
            expected="a name of its own for each rule",
            action="rename the rule; to change a built-in rule's severity give its name without an expression",
        )


class RuleWithoutExpressionError(UsageError):
    """A rule that exists nowhere was given a severity but no expression."""

    def __init__(self, *, entity: str, rule: str, known: Sequence[str], is_about_the_table: bool = False) -> None:
        super().__init__(
            "a rule without an expression changes the severity of a built-in rule, and there is none of this name",
            where=f"rules of {entity}",
            got=f'"{rule}"',
            expected="one of " + ", ".join(known),
            action="this rule is about a whole table: it is changed under [[table_rules]]"
            if is_about_the_table
            else "correct the name, or give the rule an expression and a meaning",
        )


class PartnerColumnUnknownError(UsageError):
    """A rule asks for a column that the table it refers to does not have."""

    def __init__(self, *, entity: str, rule: str, column: str, known: Sequence[str]) -> None:
        super().__init__(
            "a rule names a column that the other table does not have",
            where=f"rule {rule} of {entity}",
            got=column,
            expected="one of " + ", ".join(known),
            action="correct the column's name",
        )


class KeptTwiceError(UsageError):
    """Two sources keep different kinds of extra attribute under one name."""

    def __init__(self, *, entity: str, column: str) -> None:
        super().__init__(
            "two sources keep an attribute of the same name, but not alike",
            where=f"keep of the sources of {entity}",
            got=f'"{column}" with different types, meanings or personal',
            expected="the same type, meaning and personal in every source",
            action="make them alike, or give one another name",
        )


class RuleNotLoosenedError(UsageError):
    """A rule that later steps rely on was to become a warning."""

    def __init__(self, *, entity: str, rule: str, meaning: str) -> None:
        super().__init__(
            "this rule can't be only a warning: features and models rely on it",
            where=f"rule {rule} of {entity}",
            got='severity = "warning"',
            expected=f'"error" or "critical"; the rule says: {meaning}',
            action="correct such rows by the source's mapping (an expression), or let them go to quarantine",
        )


class RuleExpressionError(UsageError):
    """A rule's expression can't be evaluated."""

    def __init__(self, *, entity: str, rule: str, expression: str, reason: str) -> None:
        super().__init__(
            "a rule's expression can't be evaluated",
            where=f"rule {rule} of {entity}",
            got=f"{expression}: {reason}",
            expected="DuckDB SQL over the columns of the core table, true for good rows",
            action="correct the expression; try_cast instead of cast lets a bad value be null",
        )


class CriticalRuleBrokenError(DataBlockedError):
    """Rows break a rule that blocks the whole load."""

    def __init__(self, *, entity: str, rule: str, meaning: str, rows: int) -> None:
        super().__init__(
            "a critical rule is broken: nothing was loaded",
            where=f"rule {rule} of {entity}",
            got=f"{rows:,} rows that break it",
            expected=meaning,
            action=f"after a load, `gristmill quarantine show {entity} --rule {rule}` shows them; correct the source "
            "or lower the rule's severity to error to set just such rows aside",
        )


class ChecksDisagreeError(GristmillError):
    """Great Expectations and the rows' own flags count different numbers of broken rows: a bug, nothing is trusted."""

    def __init__(self, *, entity: str, rule: str, expectation_rows: int | None, flagged_rows: int) -> None:
        super().__init__(
            "two ways of counting the rows that break a rule disagree",
            where=f"rule {rule} of {entity}",
            got=f"Great Expectations: {expectation_rows}, rows flagged: {flagged_rows}",
            expected="the same number",
            action="please report this",
        )
