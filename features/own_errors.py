"""Failures of features of a company's own: each built from facts, none with a value of anybody's row."""

from collections.abc import Collection

from data_contracts.errors import DataBlockedError, UsageError


class OwnFeatureTextError(UsageError):
    """An expression that can't be read, is not allowed, or fails."""

    def __init__(self, *, feature: str, text: str, reason: str) -> None:
        super().__init__(
            f"the feature `{feature}` of your own can't be made",
            where=text.strip(),
            got=reason,
            expected="one expression that DuckDB (sql, expression) or Polars (polars) can evaluate",
            action="correct it in [[features]] of the settings",
        )


class OwnFeatureColumnError(UsageError):
    """A column that is not there, or not shown."""

    def __init__(self, *, feature: str, of: str, unknown: Collection[str], known: Collection[str]) -> None:
        super().__init__(
            f"the feature `{feature}` of your own asks for what {of} do not have",
            where=feature,
            got=", ".join(sorted(unknown)),
            expected="some of " + ", ".join(sorted(known)),
            action="correct the name in [[features]] of the settings",
        )


class OwnFeatureEntityError(UsageError):
    """An entity without customers, for a way that aggregates by customer."""

    def __init__(self, *, feature: str, entity: str, known: Collection[str]) -> None:
        super().__init__(
            f"the feature `{feature}` of your own can't be made of {entity} in that way",
            where=feature,
            got=entity,
            expected="one of " + ", ".join(sorted(known)),
            action='name one of these, or say python = "module:function", which may join entities',
        )


class FeatureNameTakenError(UsageError):
    """Two features of one name."""

    def __init__(self, *, feature: str, by: str) -> None:
        super().__init__(
            f"there are two features of the name `{feature}`",
            where=feature,
            got=f"there is one already: {by}",
            expected="a name of its own for each",
            action="choose another name (of an extra attribute: keep it under another name)",
        )


class OwnFeatureTypeError(UsageError):
    """Values of another type than was declared."""

    def __init__(self, *, feature: str, got: str, declared: str, expected: str) -> None:
        super().__init__(
            f"the feature `{feature}` of your own has values of the wrong type",
            where=feature,
            got=got,
            expected=f"{expected} (it is declared as {declared})",
            action="cast the values, or say another type in [[features]] of the settings",
        )


class OwnFeatureValuesError(DataBlockedError):
    """Values that can't be a feature's: several for one customer, none that is a number."""

    def __init__(self, *, feature: str, got: str, expected: str, action: str) -> None:
        super().__init__(
            f"the values of the feature `{feature}` of your own can't be used",
            where=feature,
            got=got,
            expected=expected,
            action=action,
        )


class OwnFunctionMissingError(UsageError):
    """The module or the function is not there, or can't be imported."""

    def __init__(self, *, feature: str, where: str, reason: str) -> None:
        super().__init__(
            f"the function of the feature `{feature}` of your own can't be found",
            where=where,
            got=reason,
            expected='python = "module:function": a function in a file module.py in the settings file\'s folder',
            action="correct the name, or the module",
        )


class OwnFunctionFailedError(DataBlockedError):
    """The function raised, or returned what is no frame of values."""

    def __init__(self, *, feature: str, where: str, reason: str) -> None:
        super().__init__(
            f"the function of the feature `{feature}` of your own failed",
            where=where,
            got=reason,
            expected="a Polars frame with the columns customer_id and value, one row a customer",
            action="call it from a notebook with a few rows; what it says itself is not shown, it may name people",
        )
