"""What a load keeps about who is who: every record's customer, the audit of links, what became of earlier ids.

Belongs here: the forms of these tables, and how they follow from groups and from the load before. Does not: files
(`keeping.py`). No personal value is in any of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from warehouse.identities.choice import CHANGE_SCHEMA, canonical_ids, identity_changes
from warehouse.identities.groups import Grouping
from warehouse.identities.matching import HELD_BACK_SCHEMA, METHODS, MOST_EXAMPLES, SHARED_BY_TOO_MANY

INSTANT = pl.Datetime("us", "UTC")

IDENTITY_SCHEMA: dict[str, pl.DataType] = {
    "source_customer_id": pl.String(),
    "customer_id": pl.String(),
    "method": pl.String(),
    "probability": pl.Float64(),
    "weight": pl.Float64(),
    "load_id": pl.String(),
}
"""Every record's customer; how it is joined to others (null: it is alone); since which load it is that one's."""

KEPT_LINK_SCHEMA: dict[str, pl.DataType] = {
    "left_id": pl.String(),
    "right_id": pl.String(),
    "method": pl.String(),
    "rule": pl.String(),
    "probability": pl.Float64(),
    "weight": pl.Float64(),
    "joined": pl.Boolean(),
    "held_back_because": pl.String(),
    "load_id": pl.String(),
    "decided_at": INSTANT,
}
"""The audit: every link, whether the records are one customer now, and since which load it is decided so."""

KEPT_CHANGE_SCHEMA: dict[str, pl.DataType] = {**CHANGE_SCHEMA, "load_id": pl.String(), "since": INSTANT}
"""What became of ids that were customers'; a row goes when its id is that customer's again."""


@dataclass(frozen=True, kw_only=True)
class IdentityState:
    """What a load knows about who is who.

    Attributes:
        identities: as `IDENTITY_SCHEMA`, sorted by record; every record and every id that a record names.
        links: as `KEPT_LINK_SCHEMA`, sorted.
        changes: as `KEPT_CHANGE_SCHEMA`, sorted; of all loads so far.
        held_back: as `HELD_BACK_SCHEMA`: what was not joined and why, the largest first.
        moved: `source_customer_id` of the records whose customer is another than at the load before (a record that
            was not there then counts as its own).
        model: the trained weights of probabilistic matching, if it is done.
    """

    identities: pl.DataFrame
    links: pl.DataFrame
    changes: pl.DataFrame
    held_back: pl.DataFrame
    moved: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"source_customer_id": pl.String}))
    model: Mapping[str, Any] | None = None

    def joined_ids(self) -> pl.DataFrame:
        """`source_customer_id` and `customer_id` of the records whose customer has another id than they."""
        differing = self.identities.filter(pl.col("source_customer_id") != pl.col("customer_id"))
        return differing.select("source_customer_id", "customer_id")

    def counts(self) -> dict[str, int]:
        """Figures for the load's summary: records, customers, joined records, links by method, what was held back."""
        joined = self.links.filter("joined")
        by_method = dict(joined.group_by("method").len().iter_rows())
        return {
            "records": self.identities.height,
            "customers": self.identities["customer_id"].n_unique(),
            "joined_records": self.joined_ids().height,
            **{f"links_by_{method}": by_method.get(method, 0) for method in METHODS},
            "links_held_back": self.links.height - joined.height,
            "values_shared_by_too_many": self.held_back.filter(
                (pl.col("reason") == SHARED_BY_TOO_MANY) & (pl.col("first_id") == pl.col("example_id"))
            ).height,
        }


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What the steps found, before it is held against the load before.

    Attributes:
        nodes: every id, see `resolving.py`.
        links: as `matching.LINK_SCHEMA`.
        grouping: which nodes are together.
        shared: values shared by too many.
        model: see `IdentityState`.
    """

    nodes: pl.DataFrame
    links: pl.DataFrame
    grouping: Grouping
    shared: pl.DataFrame
    model: Mapping[str, Any] | None


def no_identities() -> IdentityState:
    """The state before anything was loaded."""
    return IdentityState(
        identities=pl.DataFrame(schema=IDENTITY_SCHEMA),
        links=pl.DataFrame(schema=KEPT_LINK_SCHEMA),
        changes=pl.DataFrame(schema=KEPT_CHANGE_SCHEMA),
        held_back=pl.DataFrame(schema=HELD_BACK_SCHEMA),
    )


def state_of(found: Resolved, *, previous: IdentityState | None, load_id: str, decided_at: datetime) -> IdentityState:
    """The state after a load: ids chosen, and every decision dated by the load that first made it."""
    before = previous or no_identities()
    labelled = found.nodes.with_columns(pl.Series("label", found.grouping.labels))
    customers = labelled.join(canonical_ids(labelled), on="label", validate="m:1").sort("id")
    links = _judged(found, customers)
    identities = _dated_identities(customers, links, before, load_id=load_id)
    return IdentityState(
        identities=identities,
        links=_dated_links(links, before, load_id=load_id, decided_at=decided_at),
        changes=_all_changes(before, identities, load_id=load_id, since=decided_at),
        held_back=pl.concat([found.shared, _held_back(links)]).sort(
            *("records", "method", "reason", "first_id", "example_id"), descending=[True, False, False, False, False]
        ),
        moved=_moved(before, identities),
        model=found.model,
    )


def _judged(found: Resolved, customers: pl.DataFrame) -> pl.DataFrame:
    """The links with what came of them; evidence held back at its own step may have been borne out by a later one."""
    group = customers.select("id", "customer_id")
    return (
        found.links.join(group.rename({"id": "left_id", "customer_id": "left"}), on="left_id", validate="m:1")
        .join(group.rename({"id": "right_id", "customer_id": "right"}), on="right_id", validate="m:1")
        .join(found.grouping.held_back, on="evidence", how="left", validate="m:1")
        .with_columns((pl.col("left") == pl.col("right")).alias("joined"))
        .with_columns(pl.when(~pl.col("joined")).then("reason").alias("held_back_because"))
        .sort(pl.col("method").cast(pl.Enum(METHODS)), "left_id", "right_id", "rule")
    )


def _dated_identities(
    customers: pl.DataFrame, links: pl.DataFrame, before: IdentityState, *, load_id: str
) -> pl.DataFrame:
    """By record its customer, the strongest link that joins it to another record, and since when it is so."""
    joined = links.filter("joined")
    told = ("method", "probability", "weight")
    ends = [joined.select(pl.col(end).alias("id"), *told) for end in ("left_id", "right_id")]
    strongest = (
        pl.concat(ends)
        .sort("id", pl.col("method").cast(pl.Enum(METHODS)), "probability", descending=[False, False, True])
        .unique("id", keep="first")
    )
    known = before.identities.select("source_customer_id", "customer_id", pl.col("load_id").alias("since"))
    return (
        customers.select("id", "customer_id")
        .join(strongest, on="id", how="left", validate="1:1")
        .rename({"id": "source_customer_id"})
        .join(known, on=["source_customer_id", "customer_id"], how="left", validate="1:1")
        .with_columns(pl.coalesce("since", pl.lit(load_id)).alias("load_id"))
        .select(pl.col(name).cast(dtype) for name, dtype in IDENTITY_SCHEMA.items())
        .sort("source_customer_id")
    )


def _dated_links(links: pl.DataFrame, before: IdentityState, *, load_id: str, decided_at: datetime) -> pl.DataFrame:
    """The audit: a decision that stands as it was keeps its load and its moment."""
    decision = ["left_id", "right_id", "method", "rule", "joined", "held_back_because"]
    known = before.links.select(*decision, pl.col("load_id").alias("since"), pl.col("decided_at").alias("since_at"))
    order = [pl.col("method").cast(pl.Enum(METHODS)), pl.col("left_id"), pl.col("right_id"), pl.col("rule")]
    return (
        links.unique(decision[:4], keep="first")
        .join(known, on=decision, how="left", validate="1:1", nulls_equal=True)
        .with_columns(
            pl.coalesce("since", pl.lit(load_id)).alias("load_id"),
            pl.coalesce("since_at", pl.lit(decided_at).cast(INSTANT)).alias("decided_at"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in KEPT_LINK_SCHEMA.items())
        .sort(order)
    )


def _all_changes(before: IdentityState, identities: pl.DataFrame, *, load_id: str, since: datetime) -> pl.DataFrame:
    """Earlier changes that still hold, each leading to who is the customer now, and this load's."""
    now = identities.select("source_customer_id", "customer_id")
    fresh = identity_changes(before.identities.select(now.columns), now).with_columns(
        pl.lit(load_id).alias("load_id"), pl.lit(since).cast(INSTANT).alias("since")
    )
    standing = now.filter(pl.col("source_customer_id") == pl.col("customer_id"))["customer_id"]
    earlier = (
        before.changes.filter(~((pl.col("change") == "merged") & pl.col("customer_id").is_in(standing.implode())))
        .join(now.rename({"customer_id": "leads_to"}), left_on="became_customer_id", right_on="source_customer_id")
        .with_columns(pl.col("leads_to").alias("became_customer_id"))
        .filter(pl.col("customer_id") != pl.col("became_customer_id"))
        .select(list(KEPT_CHANGE_SCHEMA))
    )
    kept = pl.concat([fresh.select(pl.col(name).cast(dtype) for name, dtype in KEPT_CHANGE_SCHEMA.items()), earlier])
    return kept.unique(["customer_id", "became_customer_id"], keep="first", maintain_order=True).sort(
        "customer_id", "became_customer_id"
    )


def _held_back(links: pl.DataFrame) -> pl.DataFrame:
    """Matches not made, by the evidence they rest on: how many records, and a few of their ids."""
    ends = pl.col("left_id").append(pl.col("right_id")).unique()
    return (
        links.filter(~pl.col("joined"))
        .group_by("method", "held_back_because", "evidence")
        .agg(
            ends.len().cast(pl.Int64).alias("records"),
            ends.min().alias("first_id"),
            ends.sort().head(MOST_EXAMPLES).alias("example_id"),
        )
        .with_columns(pl.col("held_back_because").alias("reason"))
        .select(list(HELD_BACK_SCHEMA))
        .explode("example_id")
    )


def _moved(before: IdentityState, identities: pl.DataFrame) -> pl.DataFrame:
    earlier = before.identities.select("source_customer_id", pl.col("customer_id").alias("before"))
    both = identities.join(earlier, on="source_customer_id", how="left", validate="1:1")
    own = pl.coalesce("before", "source_customer_id")
    return both.filter(pl.col("customer_id") != own).select("source_customer_id")
