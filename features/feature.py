"""What a feature is: its description for people, and the expression that makes it.

Belongs here: the forms that families fill in, and the small expression helpers they share. Does not: any feature.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

SHARE = "share (0 to 1)"
MONEY = "minor units"
PURCHASES = "purchases"
DAYS = "days"


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """One feature, described.

    Attributes:
        name: the column's name; money has `amount` in it, shares have `share`, spans of time have `days`.
        family: the module it comes from.
        meaning: one sentence for a data scientist.
        unit: what one of it is.
        dtype: the column's Polars type.
        null_means: when it is null (never: it can't be).
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
        missing: the entities or columns it needs that aren't there.
        reason: the same in words.
    """

    name: str
    missing: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A feature as a family defines it.

    Attributes:
        name: see `FeatureSpec`, as for the rest.
        value: the feature from the row's sums (the finalising step), before the cast to `dtype`.
        sums: what the value needs, as named aggregations over the rows of `ledger`.
        ledger: the rows that `sums` aggregates: `days`, `products`, `categories`; `row` when the value needs no sums.
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
    ledger: str = "days"
    sums: dict[str, pl.Expr] = field(default_factory=dict)

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
    """A module of features."""

    name: str
    about: str
    features: tuple[Feature, ...]


def sums_of(features: Iterable[Feature], *, ledger: str) -> dict[str, pl.Expr]:
    """The aggregations that `features` need of a ledger, each once, in the order first asked for."""
    wanted: dict[str, pl.Expr] = {}
    for feature in features:
        if feature.ledger == ledger:
            wanted |= feature.sums
    return wanted


def in_last_days(days: int) -> pl.Expr:
    """Whether a row of the `days` ledger lies in [snapshot - days, snapshot)."""
    return pl.col("age_days") <= days


def between_days(newest: int, oldest: int) -> pl.Expr:
    """Whether a row of the `days` ledger lies in [snapshot - oldest, snapshot - newest)."""
    return (pl.col("age_days") > newest) & (pl.col("age_days") <= oldest)


def total(column: str, *, where: pl.Expr | None = None) -> pl.Expr:
    """The exact (integer) sum of a ledger's column over the rows that count."""
    if where is None:
        return pl.col(column).sum()
    return pl.when(where).then(pl.col(column)).otherwise(0).sum()


def ratio(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """Float64 quotient of two integers, null where there is nothing to divide by. Divided last, so it is exact."""
    return pl.when(denominator != 0).then(numerator / denominator)


def balance(recent: pl.Expr, earlier: pl.Expr) -> pl.Expr:
    """Trend between two non-negative sums: -1 (all before) over 0 (even) to 1 (all recently); null if both are 0."""
    return ratio(recent - earlier, recent + earlier)
