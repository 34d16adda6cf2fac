"""The core rows a verb works on: which load, which entities, and whether they can answer for a date.

Belongs here: finding the last load, scanning it by bucket, the gates on `as_of`. Does not: loading (`ingesting.py`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import polars as pl

import features
from data_contracts.orders import current_at, known_before, snapshot_instant
from flows.additions import additions_of
from flows.buckets.line_costs import UnitCosts
from flows.context import Context
from flows.errors import AsOfBeforeDataError, NothingLoadedError, OrdersNeededError, StaleDataError
from warehouse.lake import SUPERSEDED_AT, Lake, Load
from warehouse.ledger import last_load

LINE_COST, UNIT_COST = "orders.cost_amount", "products.unit_cost"


class Builder(Protocol):
    """Builds features; `features.build` is one."""

    def __call__(  # noqa: D102 said above
        self,
        entities: Mapping[str, pl.LazyFrame],
        *,
        snapshots: Sequence[date],
        time_zone: str,
        absent_columns: Collection[str] = (),
        additions: features.Additions = features.NOTHING_ADDED,
    ) -> pl.LazyFrame: ...


@dataclass(frozen=True)
class CustomerRange:
    """Customers from an id on, up to another without it, in the order of their bytes; None: no bound on that side.

    Attributes:
        first, end: the bounds.
        among: only these of them; None: all.
    """

    first: str | None = None
    end: str | None = None
    among: tuple[str, ...] | None = None

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The rows of these customers; all rows where a table has none."""
        bounds = [] if self.first is None else [pl.col("customer_id") >= self.first]
        bounds += [] if self.end is None else [pl.col("customer_id") < self.end]
        bounds += [] if self.among is None else [pl.col("customer_id").is_in(self.among)]
        return rows.filter(*bounds) if bounds and "customer_id" in rows.collect_schema() else rows


@dataclass(frozen=True)
class CoreTables:
    """One load's core rows, of all customers or of some, and the features that are made of them.

    Attributes:
        load: the load.
        time_zone: the company's.
        customers: whose rows.
        additions: features of the company's own, and extra attributes of customers.
    """

    load: Load
    time_zone: str
    customers: CustomerRange = CustomerRange()
    additions: features.Additions = features.NOTHING_ADDED

    @classmethod
    def latest(cls, context: Context) -> "CoreTables":
        """The last load that is done.

        Raises:
            NothingLoadedError: there is none yet.
            LoadMissingError: the ledger knows it, the lake has lost it.
        """
        if not context.warehouse().exists():
            raise NothingLoadedError
        with context.warehouse() as warehouse:
            recorded = last_load(warehouse)
        if recorded is None:
            raise NothingLoadedError
        return cls.of_load(context, recorded.load_id)

    @classmethod
    def of_load(cls, context: Context, load_id: str) -> "CoreTables":
        """The load of that name.

        Raises:
            LoadMissingError: the lake has lost it.
        """
        load = context.lake.open_load(load_id)
        return cls(load, context.settings.company.time_zone, additions=additions_of(context.settings))

    def recipe(self) -> dict[str, Any]:
        """What another process needs to open the same core tables (`from_recipe`), in plain values."""
        lake = self.load.folder.parents[1]
        return {
            "lake": str(lake),
            "load_id": self.load.load_id,
            "time_zone": self.time_zone,
            "customers": [self.customers.first, self.customers.end, self.customers.among],
            "additions": self.additions.described(),
        }

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> "CoreTables":
        """The core tables of a recipe.

        Raises:
            LoadMissingError: the load is not there (any more).
        """
        load = Lake(Path(recipe["lake"])).open_load(recipe["load_id"])
        return cls(
            load,
            recipe["time_zone"],
            CustomerRange(*recipe["customers"]),
            features.Additions.from_described(recipe["additions"]),
        )

    @property
    def entities(self) -> tuple[str, ...]:
        """The entities this load has."""
        return self.load.entities

    @property
    def absent_columns(self) -> tuple[str, ...]:
        """Optional columns that hold nothing and that features could be made of, as `entity.column`."""
        never_loaded = {f"customers.{name}" for name, _ in self.additions.attributes if name not in self._of_customers}
        return tuple(sorted({*self.empty_columns, *never_loaded} & set(features.needs(self.additions))))

    @property
    def empty_columns(self) -> tuple[str, ...]:
        """Columns that hold nothing in any row, as `entity.column`."""
        filled = {LINE_COST} if self._unit_costs else set()
        return tuple(name for name in self.load.absent_columns if name not in filled)

    @cached_property
    def _unit_costs(self) -> UnitCosts | None:
        """What lines without a cost take theirs from; None where there are none, or products have no costs."""
        lines, products = self.load.scan("orders"), self.load.scan("products")
        if lines is None or products is None or UNIT_COST in self.load.absent_columns:
            return None
        told = LINE_COST not in self.load.absent_columns
        if told and not lines.select(pl.col("cost_amount").null_count()).collect().item():
            return None
        costs = UnitCosts.of(products, time_zone=self.time_zone)
        return None if costs.product_ids.is_empty() else costs

    @cached_property
    def _of_customers(self) -> frozenset[str]:
        """The columns of customers in this load: attributes that are kept since have none."""
        rows = self.load.scan("customers")
        return frozenset() if rows is None else frozenset(rows.collect_schema().names())

    def scan(self, entity: str, bucket: int | None = None) -> pl.LazyFrame | None:
        """Rows of an entity, all versions, of one bucket or of all; None when the load has no such entity.

        `superseded_at` is among the columns only where some row of the entity has been superseded: without it, nobody
        has to look for versions. Order lines without a cost have that of their product (`UnitCosts`).
        """
        rows = self.load.scan(entity, bucket)
        if rows is None:
            return None
        rows = self.customers.of(rows)
        rows = rows if self.load.superseded.get(entity) else rows.drop(SUPERSEDED_AT, strict=False)
        return self._unit_costs.filled(rows) if entity == "orders" and self._unit_costs else rows

    def orders(self, bucket: int | None = None) -> pl.LazyFrame:
        """Order lines of one bucket, or of all.

        Raises:
            OrdersNeededError: no source feeds orders.
        """
        orders = self.scan("orders", bucket)
        if orders is None:
            raise OrdersNeededError(loaded=self.entities)
        return orders

    def made_features_of(self, bucket: int) -> dict[str, pl.LazyFrame]:
        """The entities of one bucket that features are made of; those without customers whole."""
        scanned = {entity: self.scan(entity, bucket) for entity in features.ENTITIES}
        return {entity: frame for entity, frame in scanned.items() if frame is not None}

    def build_features(self, bucket: int, days: Sequence[date]) -> pl.LazyFrame:
        """Features of everybody in one bucket as of the dates: columns and order as `features.build` says.

        Raises:
            CoreFileDamagedError: a file of the bucket can't be read.
        """
        try:
            return self.build_features_of(self.made_features_of(bucket), days)
        except (pl.exceptions.PolarsError, OSError):
            self.load.check_files(bucket)  # says which file, if that is why
            raise

    def build_features_of(
        self, frames: Mapping[str, pl.LazyFrame], days: Sequence[date], *, build: Builder = features.build
    ) -> pl.LazyFrame:
        """Features of core frames of this load, say of one customer's rows.

        Args:
            frames: by entity, as `made_features_of` gives them.
            days: the dates.
            build: the builder; another than the engine only where one is proved.
        """
        return build(
            frames,
            snapshots=days,
            time_zone=self.time_zone,
            absent_columns=self.absent_columns,
            additions=self.additions,
        )

    def catalogue(self) -> list[features.FeatureSpec]:
        """The features that can be made of this load, in the order `build_features` returns them."""
        return features.catalogue(self.entities, absent_columns=self.absent_columns, additions=self.additions)

    def feature_names(self) -> list[str]:
        """Their names, without the keys `customer_id` and `snapshot_date` that come before them."""
        return [spec.name for spec in self.catalogue()]

    def features_left_out(self) -> list[features.LeftOut]:
        """The features that can't be made of this load, and why."""
        return features.left_out(self.entities, absent_columns=self.absent_columns, additions=self.additions)

    def buckets(self) -> Iterator[int]:
        """The numbers of the buckets."""
        yield from range(self.load.buckets)

    @cached_property
    def span(self) -> tuple[date, date]:
        """Business dates of the first and the last order; without orders, of what happened to subscriptions."""
        local = pl.col("ordered_at").dt.convert_time_zone(self.time_zone).dt.date()
        if "orders" not in self.entities and (turns := self._turns_of_subscriptions()) is not None:
            first, last = turns.select(pl.col("day").min().alias("first"), pl.col("day").max()).collect().row(0)
            return first, last
        rows = self.orders()
        if SUPERSEDED_AT in rows.collect_schema().names():
            rows = rows.filter(pl.col(SUPERSEDED_AT).is_null())
        first, last = rows.select(local.min().alias("first"), local.max().alias("last")).collect().row(0)
        return first, last

    def last_order_before(self, as_of: date) -> date:
        """Business date of the last order known before `as_of`.

        Raises:
            AsOfBeforeDataError: none was.
        """
        instant = snapshot_instant(as_of, time_zone=self.time_zone)
        local = pl.col("ordered_at").dt.convert_time_zone(self.time_zone).dt.date()
        last: date | None
        if "orders" not in self.entities and (turns := self._turns_of_subscriptions(instant)) is not None:
            last = turns.filter(pl.col("day") < as_of).select(pl.col("day").max()).collect().item()
        else:
            last = known_before(self.orders(), instant).select(local.max()).collect().item()
        if last is None:
            first, newest = self.span
            raise AsOfBeforeDataError(as_of=as_of, first_order=first, last_order=newest)
        return last

    def _turns_of_subscriptions(self, instant: datetime | None = None) -> pl.LazyFrame | None:
        """`day` of every first and last day of a subscription; of the versions in force before an instant, if given."""
        rows = self.scan("subscriptions")
        if rows is None:
            return None
        known = rows if instant is None else current_at(rows, instant)
        return pl.concat([known.select(pl.col(name).alias("day")) for name in ("started_on", "ended_on")]).drop_nulls()

    def check_fresh(self, as_of: date, *, stale_after_days: int) -> None:
        """Refuse a date that the orders don't reach: missing days would be taken for customers going quiet.

        Raises:
            AsOfBeforeDataError, StaleDataError.
        """
        last = self.last_order_before(as_of)
        if as_of - last > timedelta(days=stale_after_days):
            raise StaleDataError(as_of=as_of, last_order=last, allowed_days=stale_after_days)
