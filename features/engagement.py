"""What they do beside buying: visits, searches, baskets, calls; by kind and channel; since the last order.

An event counts once it happened; its day is the local one.
"""

from collections.abc import Mapping

import polars as pl

from features.feature import DAYS, Family, Feature, balance, ratio
from features.inputs import Aggregate, Input, Table
from features.snapshots import INSTANT, Snapshot
from features.tables import LAST_PURCHASE_DAYS

WINDOWS_DAYS = (7, 30, 90, 365)
KINDS = {"visit": "visits", "search": "searches", "basket": "baskets", "call": "calls"}
MONTH_DAYS = 30
QUARTER_DAYS = 90
_NEEDS = ("events",)
_AND_ORDERS = ("events", "orders")


def _rows(frames: Mapping[str, pl.LazyFrame], snapshot: Snapshot) -> pl.LazyFrame:
    """Events before the snapshot."""
    day = snapshot.business_date(pl.col("at"))
    return (
        snapshot.known(frames["events"])
        .filter(pl.col("at") < pl.lit(snapshot.instant, dtype=INSTANT))
        .with_columns(day.alias("day"), snapshot.days_since(day).alias("age_days"))
    )


def _since_purchase(frames: Mapping[str, pl.LazyFrame], snapshot: Snapshot) -> pl.LazyFrame:
    """Events after the customer's last day with a purchase; all of them of who never bought."""
    last = frames[LAST_PURCHASE_DAYS].select("customer_id", "last_purchase_day")
    events = _rows(frames, snapshot).join(last, on="customer_id", how="left", validate="m:1")
    return events.filter(pl.col("last_purchase_day").is_null() | (pl.col("day") > pl.col("last_purchase_day")))


TABLE = Table(name="events", entities=("events",), rows=_rows)
SINCE = Table(name="events_since_purchase", entities=("events", LAST_PURCHASE_DAYS), rows=_since_purchase)


def _of(table: Table, **sums: pl.Expr) -> dict[str, Input]:
    return {name: Aggregate(table=table.name, expression=expression) for name, expression in sums.items()}


_Count = tuple[str, str, str, dict[str, Input], int | None, tuple[str, ...]]


def _number(name: str, rows: pl.Expr, table: Table = TABLE) -> dict[str, Input]:
    return _of(table, **{name: rows.sum().cast(pl.Int64)})


def _within(days: int) -> pl.Expr:
    return pl.col("age_days") <= days


def _counted() -> list[_Count]:
    of_kind = pl.col("kind")
    everything: list[_Count] = [
        (f"event_count_{days}_days", f"Events in the last {days} days.", "events",
         _number(f"event_count_{days}_days", _within(days)), days, _NEEDS)
        for days in WINDOWS_DAYS
    ]  # fmt: skip
    by_kind: list[_Count] = [
        (f"{kind}_count_{QUARTER_DAYS}_days", f"Events of the kind `{kind}` in the last {QUARTER_DAYS} days.", plural,
         _number(f"{kind}_count_{QUARTER_DAYS}_days", _within(QUARTER_DAYS) & (of_kind == kind)), QUARTER_DAYS, _NEEDS)
        for kind, plural in KINDS.items()
    ]  # fmt: skip
    return everything + by_kind


def _varied() -> list[_Count]:
    recent = _within(QUARTER_DAYS)
    different: list[_Count] = [
        (name, f"Different {what} of events in the last {QUARTER_DAYS} days.", what,
         _of(TABLE, **{name: pl.col(column).filter(recent).drop_nulls().n_unique().cast(pl.Int64)}), QUARTER_DAYS,
         needs)
        for name, what, column, needs in (
            ("event_kinds_90_days", "kinds", "kind", _NEEDS),
            ("event_channels_90_days", "channels", "channel", ("events", "events.channel")),
            ("products_looked_at_90_days", "products", "product_id", ("events", "events.product_id")),
            ("active_days_90_days", "days", "day", _NEEDS),
        )
    ]  # fmt: skip
    since: list[_Count] = [
        (name, f"{what} after the last day with a purchase; all of them of who never bought.", unit,
         _number(name, rows, SINCE), None, _AND_ORDERS)
        for name, what, unit, rows in (
            ("events_since_last_order", "Events", "events", pl.col("age_days") > 0),
            ("visits_since_last_order", "Visits", "visits", pl.col("kind") == "visit"),
            ("baskets_since_last_order", "Baskets filled", "baskets", pl.col("kind") == "basket"),
        )
    ]  # fmt: skip
    return different + since


def _counts() -> list[Feature]:
    return [
        Feature(
            name=name,
            meaning=meaning,
            unit=unit,
            dtype=pl.Int64,
            needs=needs,
            window_days=days,
            inputs=inputs,
            value=pl.col(name).fill_null(0),
            phrase="was seen {event_count_90_days} times in the last 90 days"
            if days
            else f"{{{name}}} {unit} since the last order",
        )
        for name, meaning, unit, inputs, days, needs in (*_counted(), *_varied())
    ]


def _tempo() -> list[Feature]:
    month, two_months = "event_count_30_days", "events_60"
    counts = _number(month, _within(MONTH_DAYS)) | _number(two_months, _within(2 * MONTH_DAYS))
    quarter = _number("event_count_90_days", _within(QUARTER_DAYS))
    baskets = _number("basket_count_90_days", _within(QUARTER_DAYS) & (pl.col("kind") == "basket"))
    return [
        Feature(
            name="days_since_last_event",
            meaning="Days since the last event.",
            unit=DAYS,
            dtype=pl.Int64,
            null_means="no event known",
            needs=_NEEDS,
            inputs=_of(TABLE, days_since_last_event=pl.col("age_days").min()),
            value=pl.col("days_since_last_event"),
            phrase="was last seen {days_since_last_event} days ago",
            phrase_when_null="was never seen beside orders",
        ),
        Feature(
            name="event_trend_30_days",
            meaning="Trend of events: last 30 days (a) against the 30 before (b), as (a - b) / (a + b).",
            unit="balance (-1 to 1)",
            null_means="no event in the last 60 days",
            needs=_NEEDS,
            window_days=2 * MONTH_DAYS,
            inputs=counts,
            value=balance(pl.col(month), pl.col(two_months) - pl.col(month)),
            phrase="was seen {event_count_30_days} times in the last 30 days",
        ),
        Feature(
            name="basket_event_share_90_days",
            meaning="Share of events of the last 90 days that filled a basket.",
            unit="share (0 to 1)",
            null_means="no event in the last 90 days",
            needs=_NEEDS,
            window_days=QUARTER_DAYS,
            inputs=quarter | baskets,
            value=ratio(pl.col("basket_count_90_days"), pl.col("event_count_90_days")),
            phrase="was seen {event_count_90_days} times in the last 90 days",
        ),
    ]


FAMILY = Family(
    name="engagement",
    about="What they do beside buying: visits, searches, baskets, calls, and how lately.",
    features=(*_counts(), *_tempo()),
    tables=(TABLE, SINCE),
)
