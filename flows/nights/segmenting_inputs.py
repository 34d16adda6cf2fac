"""What the segment tables are made of beside scores: sums over core rows, gathered bucket by bucket.

Belongs here: reading core rows as they were known on the date, reducing them to small frames. Does not: any rule of
segmentation (`segments`), what was published before (`segmenting_earlier.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import overload

import polars as pl

from data_contracts.orders import current_at, known_before, purchase_orders, snapshot_instant
from flows.buckets.core_tables import CoreTables
from segments.standing.channel_effectiveness import channel_uses
from segments.standing.cohorts import SUMS_SCHEMA, cohort_sums
from segments.standing.rules import SegmentationRules
from segments.standing.service_recovery import index_days, recovery_strata
from segments.standing.value_components import ORDER_SUMS, YEAR_DAYS, late_payment_days, order_sums
from warehouse.lake import SUPERSEDED_AT

COMPLAINT = "complaint"
ORDINARY_DELAY = timedelta(days=2)  # a line that becomes known within it came as lines do, and corrects nothing
_LINE_COLUMNS = (
    *("customer_id", "order_id", "ordered_at", "known_at", "quantity", "amount"),
    *("discount_amount", "cost_amount", "channel"),
)
_NO_LINES: dict[str, pl.DataType] = {
    "customer_id": pl.String(),
    "order_id": pl.String(),
    "ordered_at": pl.Datetime("us", "UTC"),
    "known_at": pl.Datetime("us", "UTC"),
    "quantity": pl.Float64(),
    "amount": pl.Int64(),
    "discount_amount": pl.Int64(),
    "cost_amount": pl.Int64(),
    "channel": pl.String(),
}
_NOBODY = pl.DataFrame(schema={"since": pl.Date, "customer_id": pl.String})
Tick = Callable[[], None]
Part = dict[str, pl.DataFrame | None]


@dataclass(frozen=True, kw_only=True)
class GatheredCore:
    """Small frames of all buckets; None for what the company does not record.

    Attributes:
        sums: as `value_components.order_sums` returns it.
        late: as `value_components.late_payment_days`; None without payments.
        cohorts: as `cohorts.cohort_sums`.
        strata: as `service_recovery.recovery_strata`; None without tickets.
        uses: as `channel_effectiveness.channel_uses`; None where no channel is recorded.
        tickets: what `channel_effectiveness.ticket_figures` asks for; None without tickets.
        corrected: by earlier date asked for, ids of customers whose past was corrected since.
    """

    sums: pl.DataFrame
    late: pl.DataFrame | None
    cohorts: pl.DataFrame
    strata: pl.DataFrame | None
    uses: pl.DataFrame | None
    tickets: pl.DataFrame | None
    corrected: dict[date, pl.Series]


def gather_core(
    core: CoreTables, *, as_of: date, since: Sequence[date], rules: SegmentationRules, tick: Tick
) -> GatheredCore:
    """Everything the segment tables need of the core, one bucket in memory at a time.

    Args:
        core: of the load.
        as_of: only what was known before it counts.
        since: earlier dates for which corrections are asked.
        rules: of the company.
        tick: called once a bucket.
    """
    parts = []
    for bucket in core.buckets():
        parts.append(_of_bucket(core, bucket, as_of=as_of, since=since, rules=rules))
        tick()
    together = {name: _together(parts, name) for name in ("late", "strata", "uses", "tickets")}
    if together["uses"] is not None and together["uses"].is_empty():
        together["uses"] = None
    ids = _together(parts, "corrected", _NOBODY)
    return GatheredCore(
        **together,
        sums=_together(parts, "sums", pl.DataFrame(schema=ORDER_SUMS)),
        cohorts=_together(parts, "cohorts", pl.DataFrame(schema=SUMS_SCHEMA)),
        corrected={day: ids.filter(since=day)["customer_id"] for day in since},
    )


@overload
def _together(parts: Sequence[Part], name: str, nothing: pl.DataFrame) -> pl.DataFrame: ...
@overload
def _together(parts: Sequence[Part], name: str, nothing: None = None) -> pl.DataFrame | None: ...
def _together(parts: Sequence[Part], name: str, nothing: pl.DataFrame | None = None) -> pl.DataFrame | None:
    """The buckets' frames under each other; `nothing` where no bucket has any."""
    frames = [frame for part in parts if (frame := part[name]) is not None]
    return pl.concat(frames) if frames else nothing


def _of_bucket(core: CoreTables, bucket: int, *, as_of: date, since: Sequence[date], rules: SegmentationRules) -> Part:
    zone, instant = core.time_zone, snapshot_instant(as_of, time_zone=core.time_zone)
    scanned = core.scan("orders", bucket)
    if scanned is None:
        lines = pl.DataFrame(schema=_NO_LINES)
    else:
        lines = known_before(scanned, instant).select(_LINE_COLUMNS).collect()
    dated = lines.lazy().with_columns(_day("ordered_at", zone).alias("day"))
    orders = (
        purchase_orders(lines.lazy())
        .with_columns(_day("ordered_at", zone).alias("day"))
        .select("customer_id", "day", "amount", "is_purchase")
        .collect()
    )
    payments, tickets = core.scan("payments", bucket), _tickets(core, bucket, as_of)
    strata = None
    if tickets is not None:
        bought = orders.filter("is_purchase").select("customer_id", "day").unique()
        days = index_days(as_of, rules=rules)
        strata = recovery_strata(bought, _complaints(tickets, rules), days=days, rules=rules)
    return {
        "sums": order_sums(dated.filter(pl.col("day") >= as_of - timedelta(days=YEAR_DAYS))),
        "late": None if payments is None else late_payment_days(current_at(payments, instant), day=as_of),
        "cohorts": cohort_sums(orders, as_of=as_of),
        "strata": strata,
        "tickets": tickets,
        "uses": _uses(core, bucket, dated, tickets, as_of),
        "corrected": _corrected(scanned, since, instant_zone=(as_of, zone)),
    }


def _tickets(core: CoreTables, bucket: int, as_of: date) -> pl.DataFrame | None:
    """Tickets opened before the date, with what was known of them then."""
    rows, zone = core.scan("tickets", bucket), core.time_zone
    if rows is None:
        return None
    instant = snapshot_instant(as_of, time_zone=zone)
    resolved = (pl.col("resolved_at") < instant).fill_null(value=False)
    hours = (pl.col("resolved_at") - pl.col("opened_at")).dt.total_hours()
    return (
        current_at(rows, instant)
        .filter(pl.col("opened_at") < instant)
        .select(
            *("customer_id", "ticket_id", "kind", "channel"),
            _day("opened_at", zone).alias("opened_on"),
            pl.when(resolved).then(hours).alias("hours_to_resolve"),
            pl.when(resolved).then(pl.col("satisfaction")).alias("satisfaction"),
        )
        .collect()
    )


def _complaints(tickets: pl.DataFrame, rules: SegmentationRules) -> pl.DataFrame:
    """Complaints, and whether each was recovered: judged so, or, where nobody judged, settled soon."""
    soon = (pl.col("hours_to_resolve") <= rules.recovered_within_days * 24).fill_null(value=False)
    judged = pl.col("satisfaction") >= rules.recovered_from
    recovered = pl.when(pl.col("satisfaction").is_not_null()).then(judged).otherwise(soon)
    return tickets.filter(pl.col("kind") == COMPLAINT).select("customer_id", "opened_on", recovered.alias("recovered"))


def _uses(
    core: CoreTables, bucket: int, lines: pl.LazyFrame, tickets: pl.DataFrame | None, as_of: date
) -> pl.DataFrame:
    """Touch-points of the last year by channel, counted."""
    year = pl.col("day") >= as_of - timedelta(days=YEAR_DAYS)
    known = pl.col("channel").is_not_null()
    by = ("customer_id", "channel")
    count = pl.len().cast(pl.Int64).alias("touch_points")
    parts = [
        lines.filter(year & known).group_by(by).agg(pl.col("order_id").n_unique().cast(pl.Int64).alias("touch_points"))
    ]
    if tickets is not None:
        dated = tickets.lazy().with_columns(pl.col("opened_on").alias("day"))
        parts.append(dated.filter(year & known).group_by(by).agg(count))
    events, zone = core.scan("events", bucket), core.time_zone
    if events is not None:
        instant = snapshot_instant(as_of, time_zone=zone)
        dated = current_at(events, instant).filter(pl.col("at") < instant).with_columns(_day("at", zone).alias("day"))
        parts.append(dated.filter(year & known).group_by(by).agg(count))
    marked = [part.with_columns(pl.lit(place == 0).alias("is_order")) for place, part in enumerate(parts)]
    return channel_uses(pl.concat(marked).collect())


def _corrected(rows: pl.LazyFrame | None, since: Sequence[date], *, instant_zone: tuple[date, str]) -> pl.DataFrame:
    """`since`, `customer_id`: whose order lines of before that date were corrected, or came late, after it."""
    if rows is None:
        return _NOBODY
    as_of, zone = instant_zone
    until = snapshot_instant(as_of, time_zone=zone)
    parts = [_NOBODY]
    for day in since:
        start = snapshot_instant(day, time_zone=zone)
        late = pl.col("known_at") - pl.col("ordered_at") > ORDINARY_DELAY
        changed = late & (pl.col("known_at") >= start) & (pl.col("known_at") < until)
        if SUPERSEDED_AT in rows.collect_schema().names():
            changed |= (pl.col(SUPERSEDED_AT) >= start) & (pl.col(SUPERSEDED_AT) < until)
        found = rows.filter((pl.col("ordered_at") < start) & changed).select("customer_id").unique()
        parts.append(found.select(pl.lit(day).alias("since"), "customer_id").collect())
    return pl.concat(parts)


def _day(moment: str, zone: str) -> pl.Expr:
    return pl.col(moment).dt.convert_time_zone(zone).dt.date()
