"""Through which channels the customer comes: orders by channel, and all contact of theirs taken together.

Belongs here: what is told by the channel of orders, events and tickets. Does not: channels we address customers by
(`contacts`).
"""

from collections.abc import Mapping

import polars as pl

from features.assortment import distinct, drift, entropy, favourite_share
from features.feature import Family, Feature
from features.inputs import Aggregate, Table
from features.snapshots import Snapshot

YEAR_DAYS = 365
_NEEDS = ("orders", "orders.channel", "events", "events.channel", "tickets", "tickets.channel")
_MOMENTS = {"orders": "ordered_at", "events": "at", "tickets": "opened_at"}


def _uses(frames: Mapping[str, pl.LazyFrame], snapshot: Snapshot) -> pl.LazyFrame:
    """One row an order line, event or ticket of the last year with a channel: `customer_id`, `channel`, `entity`."""
    return pl.concat(
        snapshot.known(frames[entity])
        .with_columns(snapshot.days_since(snapshot.business_date(pl.col(moment))).alias("age_days"))
        .filter(pl.col("age_days").is_between(1, YEAR_DAYS) & pl.col("channel").is_not_null())
        .select("customer_id", "channel", pl.lit(entity).alias("entity"))
        for entity, moment in _MOMENTS.items()
    )


TABLE = Table(name="channel_uses", entities=tuple(_MOMENTS), rows=_uses)


def _across() -> list[Feature]:
    counts = {
        "channels_used_365_days": (
            "Different channels of orders, events and tickets in the last 365 days.",
            pl.col("channel").n_unique(),
        ),
        "service_only_channels_365_days": (
            "Channels of the last 365 days that they turned to with tickets, but never ordered through.",
            pl.col("channel").filter(pl.col("entity") == "tickets").unique()
            .is_in(pl.col("channel").filter(pl.col("entity") == "orders").unique().implode()).not_().sum(),
        ),
    }  # fmt: skip
    return [
        Feature(
            name=name,
            meaning=meaning,
            unit="channels",
            dtype=pl.Int64,
            needs=_NEEDS,
            window_days=YEAR_DAYS,
            inputs={name: Aggregate(table=TABLE.name, expression=expression.cast(pl.Int64))},
            value=pl.col(name).fill_null(0),
            phrase="used {channels_used_365_days} channels in the last year",
        )
        for name, (meaning, expression) in counts.items()
    ]


FAMILY = Family(
    name="channels",
    about="Through which channels the customer comes: orders, and orders, events and tickets together.",
    features=(
        distinct("channel", "channels", None),
        distinct("channel", "channels", YEAR_DAYS),
        favourite_share("channel"),
        entropy("channel", "channels"),
        drift("channel", "channels"),
        *_across(),
    ),
    tables=(TABLE,),
)
