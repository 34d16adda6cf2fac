"""What a feature is: its description for people, and the expression that makes it.

Belongs here: the forms that families fill in, and the small helpers they share. Does not: any feature.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from features.inputs import Input, Table, Window

SHARE = "share (0 to 1)"
MONEY = "minor units"
PURCHASES = "purchases"
DAYS = "days"
BALANCE = "balance (-1 to 1)"


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """One feature, described.

    Attributes:
        name: the column's name; money has `amount` in it, shares have `share`, spans of time have `days`.
        family: the module it comes from.
        meaning: one sentence for a data scientist.
        unit: what one of it is.
        dtype: the column's Polars type.
        null_means: when it is null for a customer who has bought (never: it can't be). A feature of orders that is
            never null then, and is no count, is null for a subscriber who never bought.
        needs: what has to be there: an entity (`products`) or an optional column of one (`orders.cost_amount`).
        window_days: the days before the snapshot it looks at; None: the whole history, or no history at all.
        phrase: how to say it to a marketer; placeholders are names of features of the same row. Says what is, not
            whether that is good, so that it serves as a reason in either direction.
        phrase_when_null: said instead when a placeholder's value is null; has no placeholders that can be null.
    """

    name: str
    family: str
    meaning: str
    unit: str
    dtype: type[pl.DataType]
    null_means: str
    needs: tuple[str, ...]
    window_days: int | None
    phrase: str
    phrase_when_null: str


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A feature that can't be made of what is there.

    Attributes:
        name: the feature's name.
        family: the module it would come from.
        needs: what it needs, as `FeatureSpec.needs`.
        missing: of these, what is not there.
        reason: the same in words.
    """

    name: str
    family: str
    needs: tuple[str, ...]
    missing: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A feature as a family defines it.

    Attributes:
        name: see `FeatureSpec`, as for the rest.
        value: the feature from the row's inputs (the finalising step), before the cast to `dtype`.
        inputs: what the value is made of, by the name the value refers to. Inputs of one name are the same everywhere.
            A value without inputs is made of the snapshot's own columns or of the customer's record.
    """

    name: str
    meaning: str
    unit: str
    value: pl.Expr
    phrase: str
    phrase_when_null: str = "has a short history"
    dtype: type[pl.DataType] = pl.Float64
    null_means: str = "never"
    needs: tuple[str, ...] = ("orders",)
    window_days: int | None = None
    inputs: dict[str, Input] = field(default_factory=dict)

    def spec(self, family: str) -> FeatureSpec:
        """The description alone."""
        return FeatureSpec(
            name=self.name,
            family=family,
            meaning=self.meaning,
            unit=self.unit,
            dtype=self.dtype,
            null_means=self.null_means,
            needs=self.needs,
            window_days=self.window_days,
            phrase=self.phrase,
            phrase_when_null=self.phrase_when_null,
        )

    def expression(self) -> pl.Expr:
        """The finished column."""
        return self.value.cast(self.dtype).alias(self.name)


@dataclass(frozen=True, kw_only=True)
class Family:
    """A module of features, and the tables (beside orders) that they aggregate."""

    name: str
    about: str
    features: tuple[Feature, ...]
    tables: tuple[Table, ...] = ()


def inputs_of(features: Iterable[Feature]) -> dict[str, Input]:
    """Everything that features are made of, each once, in the order first asked for."""
    wanted: dict[str, Input] = {}
    for feature in features:
        wanted |= feature.inputs
    return wanted


def total(column: str, days: int | None = None, newest: int = 0) -> dict[str, Input]:
    """The sum of a column of orders over the last so many days (None: over all history), as an input of its own name.

    With `newest`, days [S - days, S - newest). The name is `column_life`, `column_90` or `column_180_to_90`.
    """
    window = Window(column=column, oldest_days=days, newest_days=newest)
    return {total_name(column, days, newest): window}


def total_name(column: str, days: int | None = None, newest: int = 0) -> str:
    """The name `total` gives."""
    if days is None:
        return f"{column}_life"
    return f"{column}_{days}_to_{newest}" if newest else f"{column}_{days}"


def ratio(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """Float64 quotient of two integers, null where there is nothing to divide by. Divided last, so it is exact."""
    return pl.when(denominator != 0).then(numerator / denominator)


def balance(recent: pl.Expr, earlier: pl.Expr) -> pl.Expr:
    """Trend between two non-negative sums: -1 (all before) over 0 (even) to 1 (all recently); null if both are 0."""
    return ratio(recent - earlier, recent + earlier)
