"""What features are made of: named sums and facts, declared by families and computed by the engine, each once.

Belongs here: the forms a declaration can take. Does not: how any is computed (`order_inputs`, `tables`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from features.snapshots import Snapshot


@dataclass(frozen=True, kw_only=True)
class Window:
    """Sum (Int64) of a column of orders over the days [S - oldest, S - newest); the whole history where oldest is None.

    Attributes:
        column: a column of `order_sums`, or `visit_count`, `gap_count`, `gap_days`, `gap_squares`, `month_count`.
        oldest_days: where the window begins, in days before the snapshot S.
        newest_days: where it ends.
    """

    column: str
    oldest_days: int | None = None
    newest_days: int = 0


@dataclass(frozen=True, kw_only=True)
class Decayed:
    """Sum (Int64) of a column of orders over all history, weighted by 2^(-age / half-life), times `WEIGHT_ONE`."""

    column: str
    half_life_days: int


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A fact (Int64, null where there is none) that is no sum: one of `visits.FACTS`, or `last_return_age_days`."""

    fact: str


@dataclass(frozen=True, kw_only=True)
class Item:
    """A fact (Int64) of what was bought, item by item.

    Attributes:
        of: `product`, `category`, `brand` or `channel`; `price` for the price level of products (see `item_inputs`).
        fact: one of `items.FACTS`.
        days: the last so many days, for facts that ask; None: ever.
    """

    of: str
    fact: str
    days: int | None = None


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """An aggregation over the rows of a `Table`; null for a customer without rows.

    Attributes:
        table: the table's name.
        expression: the aggregation.
    """

    table: str
    expression: pl.Expr

    def __eq__(self, other: object) -> bool:
        """Whether the same is aggregated of the same table."""
        return isinstance(other, Aggregate) and self.table == other.table and self.expression.meta.eq(other.expression)

    def __hash__(self) -> int:
        """Of the table alone: expressions have none."""
        return hash(self.table)


Input = Window | Decayed | Visit | Item | Aggregate
Rows = Callable[[Mapping[str, pl.LazyFrame], Snapshot], pl.LazyFrame]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of an entity other than orders, as they were known at a snapshot.

    Attributes:
        name: what `Aggregate.table` refers to.
        entities: the entities it is made of; `last_purchase_days` (`customer_id`, `last_purchase_day`) can be one.
        rows: from these entities' frames and a snapshot, rows with `customer_id`; of each row its current version, and
            nothing in it that lies on or after the snapshot.
    """

    name: str
    entities: tuple[str, ...]
    rows: Rows
