"""What values of features of a company's own may be: one a customer, of the declared type, numbers that are numbers.

Belongs here: checking values and bringing them to their type. Does not: where they come from.
"""

from collections.abc import Mapping

import polars as pl

from data_contracts.own_features import OwnFeature
from features.own_errors import OwnFeatureTextError, OwnFeatureTypeError, OwnFeatureValuesError

CUSTOMER = "customer_id"
DTYPES: Mapping[str, type[pl.DataType]] = {
    "number": pl.Float64,
    "integer": pl.Int64,
    "boolean": pl.Int8,
    "text": pl.String,
}
_EXPECTED = {
    "number": "numbers",
    "integer": "whole numbers",
    "boolean": "true or false",
    "text": "text",
}


def as_declared(values: pl.Series, spec: OwnFeature) -> pl.Series:
    """Values in the feature's own type.

    Raises:
        OwnFeatureTypeError: they are of another.
        OwnFeatureValuesError: a number is not finite, or too large.
    """
    dtype = values.dtype
    if not (dtype == pl.Null or _fits(dtype, spec)):
        raise OwnFeatureTypeError(feature=spec.name, got=str(dtype), declared=spec.type, expected=_EXPECTED[spec.type])
    wanted = DTYPES[spec.type]
    try:
        cast = values.cast(wanted)
    except pl.exceptions.InvalidOperationError:
        raise OwnFeatureValuesError(
            feature=spec.name,
            got=f"values of type {dtype} that {wanted.__name__} can't hold",
            expected=_EXPECTED[spec.type],
            action='make them smaller, or say type = "number"',
        ) from None
    if wanted == pl.Float64 and not cast.is_finite().all():
        raise OwnFeatureValuesError(
            feature=spec.name,
            got=f"{(~cast.is_finite()).sum():,} values that are infinite or not a number",
            expected="finite numbers, or null where there is none",
            action="guard the division or the logarithm, say with nullif(…, 0)",
        )
    return cast.alias(spec.name)


def one_each(frame: pl.DataFrame, spec: OwnFeature) -> pl.DataFrame:
    """A frame of `customer_id` and values, if each customer has one.

    Raises:
        OwnFeatureValuesError: some customer has several.
    """
    several = frame.height - frame[CUSTOMER].n_unique()
    if several:
        raise OwnFeatureValuesError(
            feature=spec.name,
            got=f"{several:,} values too many: several for one customer",
            expected="one value a customer",
            action="aggregate over a customer's rows: sum, mean, max, last, …",
        )
    return frame


def schema_by_polars(frame: pl.DataFrame, expression: pl.Expr, spec: OwnFeature) -> pl.DataFrame:
    """The same of no rows at all: for the type, and to refuse what can't be evaluated or does not aggregate.

    Raises:
        OwnFeatureTextError: Polars can't evaluate it, or it does not aggregate.
    """
    try:
        found = frame.group_by(CUSTOMER).agg(expression.alias(spec.name))
    except pl.exceptions.PolarsError as error:
        raise _not_evaluated(error, frame, spec) from None
    if isinstance(found.schema[spec.name], pl.List):
        reason = "it makes a value of every row, not one of all rows of a customer"
        raise OwnFeatureTextError(feature=spec.name, text=spec.text, reason=reason)
    return found


def by_polars(frame: pl.DataFrame, expression: pl.Expr, spec: OwnFeature) -> pl.DataFrame:
    """An expression's value by customer: `customer_id` and a column of the feature's name.

    Every customer's rows are taken by themselves and in order, so fractions add up the same on any number of threads.

    Raises:
        OwnFeatureTextError: Polars can't evaluate it.
        OwnFeatureValuesError: a customer has several values.
    """
    try:
        found = frame.select(CUSTOMER, expression.over(CUSTOMER).alias(spec.name))
    except pl.exceptions.PolarsError as error:
        raise _not_evaluated(error, frame, spec) from None
    return one_each(found.unique(maintain_order=True), spec)


def _not_evaluated(error: pl.exceptions.PolarsError, frame: pl.DataFrame, spec: OwnFeature) -> OwnFeatureTextError:
    """What Polars says of the expression; of values of rows, which may be anybody's, only what kind of thing failed."""
    said = f": {str(error).splitlines()[0]}" if frame.is_empty() else ""
    return OwnFeatureTextError(feature=spec.name, text=spec.text, reason=f"{type(error).__name__}{said}")


def _fits(dtype: pl.DataType, spec: OwnFeature) -> bool:
    match spec.type:
        case "text":
            return dtype in (pl.String, pl.Categorical, pl.Enum)
        case "boolean":
            return dtype == pl.Boolean
        case "integer":
            whole = isinstance(dtype, pl.Decimal) and dtype.scale == 0  # DuckDB's sums of whole numbers
            return whole or dtype.is_integer() or dtype == pl.Boolean
        case _:
            return dtype.is_numeric() or dtype == pl.Boolean
